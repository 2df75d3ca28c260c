//! `POST /api/v1/auth/password/forgot`: a mail with a link to a new password, for whoever owns the address.
//!
//! This function does not look whether anybody does: it has no right to read the store at all. It counts the call and
//! starts an execution of `statemachines/password-reset.asl.json`, whose one state ([`send_reset`](crate::send_reset))
//! finds out, and sends. So the answer, its time and its cost are the same for every address: two counts and one start.
//!
//! At most three an hour for a client, which hears so; and for an address, of which nobody hears, so that nobody learns
//! that somebody else asked for it. Three links lie in the mailbox then, and the newest one works.

use domain::{CorrelationId, EmailAddress, throttle::Rule};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Throttle,
        Unknown, kinds,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use workflow::{Executions, WorkflowError};

use crate::send_reset::{Asked, VALID_MINUTES};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordForgotRequest)]
pub struct Request {
    #[serde(default)]
    #[schema(value_type = String, required, format = "email", max_length = 254, example = "admin@demo.com")]
    email: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<EmailAddress, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let email = errors.require("email", self.email);
        let email = email.and_then(|text| EmailAddress::parse(&text).map_err(|r| errors.push(r.at("/email"))).ok());
        errors.finish(email.ok_or_else(Vec::new))
    }
}

/// The same for every address. Where the address has an account, a mail is on its way.
#[derive(Serialize, ToSchema)]
#[schema(as = PasswordForgotAnswer)]
pub struct Answer {
    /// How long the link in the mail works.
    #[schema(example = 60)]
    valid_minutes: u32,
}

/// What counts, and the workflow.
pub struct Deps {
    throttle: Throttle,
    executions: Executions,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let executions = Executions::new(&env.sdk, env.required("PASSWORD_RESET_MACHINE")?);
        Ok(Self { throttle: Throttle::from_env(env)?, executions })
    }
}

/// The route.
pub struct ForgotPassword;

impl Route for ForgotPassword {
    const POLICY: Policy = Policy {
        operation: "auth-password-forgot",
        summary: "Ask for a link to a new password",
        method: Method::POST,
        path: "/api/v1/auth/password/forgot",
        access: Access::Anonymous,
        rate: Rate::Reset,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: nobody is signed in, and the mail goes to the owner of the address"),
        idempotency: Idempotency::NotNeeded,
        success: 202,
        problems: &[&kinds::TOO_MANY_TRIES],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Problem> {
        let email = request.parse()?;
        let pass = deps.throttle.count_client(&Rule::RESET, &cx).await?;
        let within = deps.throttle.allows(&Rule::RESET, &email.normalized(), cx.now).await?;
        if within {
            deps.ask(email, &cx.request_id).await.map_err(Problem::unavailable)?;
        }
        pass.stamp(Ok(Reply::json(Answer { valid_minutes: VALID_MINUTES })))
    }
}

impl Deps {
    async fn ask(&self, email: EmailAddress, request_id: &CorrelationId) -> Result<(), WorkflowError> {
        let asked = Asked { email, correlation_id: request_id.clone() };
        self.executions.start_named(request_id.as_str(), &asked).await.map(drop)
    }
}
