//! `POST /api/v1/auth/activate`: the holder of the mailed link sets a first password, once.
//!
//! A token with a typing error costs nothing; one that is not known, one read; a hash is computed only for a token that
//! holds. That it holds is decided again in the transaction that uses it up.

use std::sync::Arc;

use domain::{
    Action, ActivationToken, Actor, AuditEntry, ContextWords, CorrelationId, EmailAddress, Entropy, Facts, Password,
    TenantId,
};
use http::Method;
use jiff::Timestamp;
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Unknown,
        kinds,
    },
};
use serde::{Deserialize, Serialize};
use store::{Identity, IssuedActivation, Store, StoreError, Tenant};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::password_hash::{HashError, Hasher};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = ActivationRequest)]
pub struct Request {
    /// From the link in the welcome mail. Works once, for 72 hours.
    #[serde(default)]
    #[schema(value_type = String, required, example = "ink_act_…")]
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

/// Whose password is set now.
#[derive(Serialize, ToSchema)]
#[schema(as = Activated)]
pub struct Answer {
    /// What to sign in with.
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    /// The tenant that the link was for; a platform role has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "tenant-demo-1f2e3d4c")]
    tenant_id: Option<TenantId>,
}

/// Why no password was set.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// The token does not hold. The caller hears no more than that.
    #[error("the activation is refused: {0}")]
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
            Error::Refused(_) => Self::new(&kinds::INVALID_ACTIVATION).source(error),
            Error::Store(error) => error.into(),
            Error::Hash(error) => Self::new(&kinds::INTERNAL).source(error),
        }
    }
}

/// The store, and what hashes.
pub struct Deps {
    store: Store,
    hasher: Hasher,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { store: env.store()?, hasher: Hasher::new(&*env.entropy), entropy: env.entropy.clone() })
    }
}

/// The route.
pub struct Activate;

impl Route for Activate {
    const POLICY: Policy = Policy {
        operation: "auth-activate",
        summary: "Set a first password with the link of the welcome mail",
        method: Method::POST,
        path: "/api/v1/auth/activate",
        access: Access::OneTimeToken,
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the mailed token is the credential"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::INVALID_ACTIVATION],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let sent = request.parse()?;
        let token = ActivationToken::parse(&sent.token).map_err(|_| Error::Refused("no token of ours"))?;
        let digest = token.digest();
        let issued = deps.store.issued_activation(&digest, cx.now).await?;
        let issued = issued.ok_or(Error::Refused("unknown, used or expired"))?;
        let (identity, tenant) = deps.holder(&issued).await?.ok_or(Error::Refused("its person or tenant is gone"))?;
        let password = parse_password(&sent.password, &identity, tenant.as_ref())?;
        let hash = deps.hasher.hash(password, &*deps.entropy).await?;
        let audit = activated(&issued, &cx.request_id, cx.now).into();
        if deps.store.activate(&digest, &issued, &hash, cx.now, &audit).await? {
            Ok(Reply::json(Answer { email: identity.email, tenant_id: issued.tenant_id }))
        } else {
            Err(Error::Refused("used meanwhile, or the person has a password"))
        }
    }
}

impl Deps {
    /// The person, and the tenant where the token is for one.
    async fn holder(&self, issued: &IssuedActivation) -> Result<Option<(Identity, Option<Tenant>)>, StoreError> {
        let Some(identity) = self.store.identity(&issued.identity_id).await? else { return Ok(None) };
        let Some(id) = &issued.tenant_id else { return Ok(Some((identity, None))) };
        Ok(self.store.tenant(id).await?.map(|tenant| (identity, Some(tenant))))
    }
}

fn parse_password(text: &str, identity: &Identity, tenant: Option<&Tenant>) -> Result<Password, Problem> {
    let words = ContextWords::new().person(&identity.name).email(&identity.email);
    let words = match tenant {
        Some(tenant) => words.company(&tenant.company_name).subdomain(&tenant.subdomain),
        None => words,
    };
    Password::parse(text, &words).map_err(|rule| Problem::fields(vec![rule.at("/password")]))
}

fn activated(issued: &IssuedActivation, request_id: &CorrelationId, at: Timestamp) -> AuditEntry {
    AuditEntry {
        actor: Actor::Identity(issued.identity_id.clone()),
        action: Action::IdentityActivated,
        tenant: issued.tenant_id.clone(),
        correlation_id: request_id.clone(),
        before: Facts::new().with("email_verified", &false),
        after: Facts::new().with("email_verified", &true),
        at,
    }
}

#[cfg(test)]
mod tests;
