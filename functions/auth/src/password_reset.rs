//! `POST /api/v1/auth/password/reset`: the holder of the mailed link replaces the password, once.
//!
//! All of the person's sessions end with it, in one transaction; nobody is signed in by it. A token with a typing error
//! costs nothing; one that is not known, one read; a hash is computed only for a token that holds. That it holds, and is
//! the person's newest, is decided again in the transaction that uses it up: of two calls at once one succeeds.

use std::sync::Arc;

use domain::{
    Action, Actor, AuditEntry, EmailAddress, Entropy, Facts, IdentityId, Password, PasswordAttempt, ResetToken, Rule,
    TokenDigest,
};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Unknown,
        kinds,
    },
};
use mail::PasswordChange;
use serde::{Deserialize, Serialize};
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
#[schema(as = PasswordResetRequest)]
pub struct Request {
    /// From the link in the mail, which works once, for 60 minutes, and only the newest; or from a sign-in with a
    /// temporary password.
    #[serde(default)]
    #[schema(value_type = String, required, example = "ink_rst_…")]
    token: Field<String>,
    /// 15 to 128 characters, of any kind; not a common one, and not made of your own names.
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", min_length = 15, max_length = 128)]
    password: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// The fields, of the right types.
struct Sent {
    token: Zeroizing<String>,
    password: Zeroizing<String>,
}

impl Request {
    fn parse(self) -> Result<Sent, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let token = errors.require("token", self.token).unwrap_or_default();
        let password = errors.require("password", self.password).unwrap_or_default();
        errors.finish(Ok(Sent { token: token.into(), password: password.into() }))
    }
}

/// Whose password it is.
#[derive(Serialize, ToSchema)]
#[schema(as = PasswordResetAnswer)]
pub struct Answer {
    /// What to sign in with.
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
}

/// Why the password is what it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// The token does not hold. The caller hears no more than that.
    #[error("the reset is refused: {0}")]
    Refused(&'static str),
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
            Error::Refused(_) => Self::new(&kinds::INVALID_RESET).source(error),
            Error::Store(error) => error.into(),
            Error::Hash(error) => Self::new(&kinds::INTERNAL).source(error),
        }
    }
}

/// The store, what hashes, and the mails.
pub struct Deps {
    store: Store,
    hasher: Hasher,
    notices: Notices,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let (hasher, notices) = (Hasher::new(&*env.entropy), Notices::from_env(env)?);
        Ok(Self { store: env.store()?, hasher, notices, entropy: env.entropy.clone() })
    }
}

/// The route.
pub struct ResetPassword;

impl Route for ResetPassword {
    const POLICY: Policy = Policy {
        operation: "auth-password-reset",
        summary: "Choose a new password with the link of a mail",
        method: Method::POST,
        path: "/api/v1/auth/password/reset",
        access: Access::OneTimeToken,
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the mailed token is the credential"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::INVALID_RESET],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let sent = request.parse()?;
        let token = ResetToken::parse(&sent.token).map_err(|_| Error::Refused("no token of ours"))?;
        let digest = token.digest();
        let (person, spent) = deps.holder(&digest, &cx).await?;
        let context = new_password::context(&deps.store, &person).await?;
        let password =
            other_than(spent.as_ref(), &sent.password).and_then(|()| Password::parse(&sent.password, &context));
        let password = password.map_err(|rule| Problem::fields(vec![rule.at("/password")]))?;
        let hash = deps.hasher.hash(password, &*deps.entropy).await?;
        let (by, audit) = (Entitled::Bearer(&digest), reset(&cx, &person.identity_id));
        if !deps.store.set_password(&person.identity_id, by, &hash, &audit.into()).await? {
            return Err(Error::Refused("used or replaced"));
        }
        deps.notices.changed(&person, PasswordChange::ByToken, cx.now).await;
        Ok(Reply::json(Answer { email: person.email }))
    }
}

impl Deps {
    /// The person; and the temporary password that they had, if that is how they came.
    async fn holder(&self, digest: &TokenDigest, cx: &Cx) -> Result<(Identity, Option<TokenDigest>), Error> {
        let issued = self.store.issued_reset(digest, cx.now).await?;
        let issued = issued.ok_or(Error::Refused("unknown, used or expired"))?;
        let person = self.store.identity(&issued.identity_id).await?.ok_or(Error::Refused("its person is gone"))?;
        Ok((person, issued.spent))
    }
}

fn other_than(spent: Option<&TokenDigest>, text: &str) -> Result<(), Rule> {
    let same = spent.is_some_and(|spent| PasswordAttempt::parse(text).is_ok_and(|new| new.digest() == *spent));
    if same { Err(Rule::new("unchanged", "is the temporary password")) } else { Ok(()) }
}

fn reset(cx: &Cx, identity: &IdentityId) -> AuditEntry {
    AuditEntry {
        actor: Actor::Identity(identity.clone()),
        action: Action::PasswordReset,
        tenant: None,
        correlation_id: cx.request_id.clone(),
        before: Facts::new(),
        after: Facts::new(),
        at: cx.now,
    }
}
