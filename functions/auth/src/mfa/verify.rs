//! `POST /api/v1/auth/mfa/verify`: shows the second factor, to end a sign-in's waiting or for a recent proof in a session.
//! What it costs is written at the [`desk`](super::desk).

use domain::second_factor::{RecoveryCode, TotpCode};
use http::Method;
use lambda::http::{
    Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Unknown, kinds,
};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::desk::{Desk, Typed};
use crate::login::Answer;

/// What to send: one of the two.
#[derive(Deserialize, ToSchema)]
#[schema(as = VerifyRequest)]
pub struct Request {
    /// What the authenticator shows.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{6}$", example = "123456")]
    code: Field<String>,
    /// One of the recovery codes, in its place.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "k7m2qp-3fz6xa-b5wlne-7tq4hd")]
    recovery_code: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<Typed, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let code = errors.take("code", self.code).map(Zeroizing::new);
        let recovery = errors.take("recovery_code", self.recovery_code).map(Zeroizing::new);
        let typed = match (&code, &recovery) {
            (Some(text), None) => TotpCode::parse(text).map(Typed::Code).map_err(|rule| rule.at("/code")),
            (None, Some(text)) => {
                RecoveryCode::parse(text).map(Typed::Recovery).map_err(|rule| rule.at("/recovery_code"))
            }
            _ => Err(domain::Rule::new("required", "send either a code or a recovery code").at("/code")),
        };
        errors.finish(typed.map_err(|error| vec![error]))
    }
}

/// The route.
pub struct Verify;

impl Route for Verify {
    const POLICY: Policy = Policy {
        operation: "auth-mfa-verify",
        summary: "Show your second factor",
        method: Method::POST,
        path: "/api/v1/auth/mfa/verify",
        access: Access::SigningIn { by: None },
        rate: Rate::Auth,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::INVALID_SECOND_FACTOR, &kinds::NO_SECOND_FACTOR, &kinds::TOO_MANY_TRIES],
    };
    type Deps = Desk;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(desk: &Desk, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Problem> {
        desk.show(&cx, request.parse()?).await
    }
}
