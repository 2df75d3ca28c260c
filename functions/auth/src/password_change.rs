//! `POST /api/v1/auth/password/change`: another password, for whoever knows the present one.
//!
//! The session that calls goes on, for its owner has shown the password this minute; all others end with the change, in
//! one transaction (OWASP ASVS 5.0, 7.4.3). A wrong present password counts as a failed sign-in does ([`Rule::PROOF`]),
//! before anything is hashed.
//!
//! Costs two hashes; beside the door's read and the count of the try, five reads (the person, their tenants, a tenant, the
//! credentials, their sessions), one transaction and one mail.

use std::sync::Arc;

use domain::{Action, AuditEntry, Entropy, Facts, FieldError, Password, PasswordAttempt, throttle::Rule};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Member, Policy, Problem, Rate, Reply, Route,
        StepUp, Throttle, Unknown, kinds,
    },
};
use mail::PasswordChange;
use serde::Deserialize;
use store::{Entitled, Identity, Store, StoreError};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{
    new_password,
    notices::Notices,
    password_hash::{HashError, Hasher},
};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordChangeRequest)]
pub struct Request {
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", max_length = 128)]
    current_password: Field<String>,
    /// 15 to 128 characters, of any kind; not a common one, not made of your own names, not the present one.
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", min_length = 15, max_length = 128)]
    new_password: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct Sent {
    current: PasswordAttempt,
    new: Zeroizing<String>,
    unchanged: bool,
}

impl Request {
    fn parse(self) -> Result<Sent, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let current = errors.require("current_password", self.current_password).map(Zeroizing::new);
        let new = errors.require("new_password", self.new_password).map(Zeroizing::new);
        let current = current.and_then(|text| {
            PasswordAttempt::parse(&text).map_err(|rule| errors.push(rule.at("/current_password"))).ok()
        });
        match (current, new) {
            (Some(current), Some(new)) => {
                let unchanged = PasswordAttempt::parse(&new).is_ok_and(|new| new.expose() == current.expose());
                errors.finish(Ok(Sent { current, new, unchanged }))
            }
            _ => errors.finish(Err(Vec::new())),
        }
    }
}

/// Why the password is what it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules; the present password was right.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// It is not the password, or there is none, or it was changed a moment ago.
    #[error("the present password is not the one that was sent")]
    WrongPassword,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hash was not computed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(Box::new(problem))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problem) => *problem,
            Error::WrongPassword => Self::fields(vec![wrong()]).source(error),
            Error::Store(error) => error.into(),
            Error::Hash(error) => Self::new(&kinds::INTERNAL).source(error),
        }
    }
}

/// Not a 401: the session is as good as before, and a client that refreshed it would be no further.
fn wrong() -> FieldError {
    FieldError { pointer: "/current_password".into(), code: "wrong", detail: "is not your password".into() }
}

/// The store, what hashes, what counts, and the mails.
pub struct Deps {
    store: Store,
    hasher: Hasher,
    throttle: Throttle,
    notices: Notices,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let (hasher, throttle) = (Hasher::new(&*env.entropy), Throttle::from_env(env)?);
        let (notices, entropy) = (Notices::from_env(env)?, env.entropy.clone());
        Ok(Self { store: env.store()?, hasher, throttle, notices, entropy })
    }
}

/// The route.
pub struct ChangePassword;

impl Route for ChangePassword {
    const POLICY: Policy = Policy {
        operation: "auth-password-change",
        summary: "Change your password",
        method: Method::POST,
        path: "/api/v1/auth/password/change",
        access: Access::SteppedUp { by: StepUp::Factor, permission: None },
        rate: Rate::Auth,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::TOO_MANY_TRIES],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = ();
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<()>, Problem> {
        let member = cx.caller.member()?;
        let sent = request.parse()?;
        let mut pass = deps.throttle.count_client(&Rule::PROOF, &cx).await?;
        let outcome = deps.change(&cx, member, sent).await;
        // Else the password was right, whatever else was not, or it is we who failed.
        if !matches!(outcome, Err(Error::WrongPassword)) {
            deps.throttle.give_back(&mut pass).await;
        }
        if let Ok(person) = &outcome {
            deps.notices.changed(person, PasswordChange::InSession, cx.now).await;
        }
        pass.stamp(outcome.map(|_| Reply::new(())).map_err(Problem::from))
    }
}

impl Deps {
    async fn change(&self, cx: &Cx, member: &Member, sent: Sent) -> Result<Identity, Error> {
        let person = self.store.identity(&member.identity).await?.ok_or(Error::WrongPassword)?;
        let stored = person.password_phc.clone();
        let verdict = self.hasher.verify(stored.clone(), sent.current).await?;
        let matched = stored.filter(|_| verdict.is_match()).ok_or(Error::WrongPassword)?;
        let context = new_password::context(&self.store, &person).await?;
        let unchanged = domain::Rule::new("unchanged", "is the password that you have");
        let new = if sent.unchanged { Err(unchanged) } else { Password::parse(&sent.new, &context) };
        let new = new.map_err(|rule| Problem::fields(vec![rule.at("/new_password")]))?;
        let hash = self.hasher.hash(new, &*self.entropy).await?;
        let by = Entitled::Owner { matched: &matched, session: &member.session };
        let changed = self.store.set_password(&person.identity_id, by, &hash, &changed(cx, member).into()).await?;
        if changed { Ok(person) } else { Err(Error::WrongPassword) }
    }
}

fn changed(cx: &Cx, member: &Member) -> AuditEntry {
    let after = Facts::new().with("session_id", &member.session);
    cx.audit(Action::PasswordChanged, member.tenant.clone(), Facts::new(), after)
}
