//! `POST /api/v1/auth/mfa/totp`: a secret for an authenticator, shown this once. It counts for nothing until a code confirms
//! it, and takes the place of one that never was.
//!
//! In a session the password has to be recent: who finds an open browser must not lock its owner out. One read and one
//! transaction beside the door's own read; the first of all makes the key that it is sealed under.

use std::sync::Arc;

use domain::{Action, Actor, AuditEntry, Entropy, Facts, IdentityId, TenantId, second_factor::TotpSecret};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, Caller, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route, StepUp, kinds,
        unauthenticated,
    },
};
use serde::Serialize;
use store::{SecondFactor, Store};
use utoipa::ToSchema;

use super::people::People;
use crate::notices::Notices;

/// What the authenticator is told.
#[derive(Serialize, ToSchema)]
#[schema(as = Enrolment)]
pub struct Answer {
    /// Base 32, for who types it.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// For a QR code.
    #[schema(example = "otpauth://totp/api.example.com:ada%40demo.com?secret=…")]
    otpauth_uri: String,
}

/// The store, the key to seal under, and what the account is called in the authenticator.
pub struct Deps {
    pub(super) store: Store,
    people: People,
    name: String,
    pub(super) notices: Notices,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let name = host_of(env.required("TOKEN_ISSUER")?).to_owned();
        let (people, notices) = (People::from_env(env).await?, Notices::from_env(env)?);
        Ok(Self { store: env.store()?, people, name, notices, entropy: env.entropy.clone() })
    }
}

/// `https://api.example.com:8443/x` is `api.example.com`: a colon ends the issuer's part of a label.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

/// The route.
pub struct Enrol;

impl Route for Enrol {
    const POLICY: Policy = Policy {
        operation: "auth-mfa-enrol",
        summary: "Enrol an authenticator",
        method: Method::POST,
        path: "/api/v1/auth/mfa/totp",
        access: Access::SigningIn { by: Some(StepUp::FactorOrPassword) },
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::HAS_SECOND_FACTOR],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let (identity, tenant) = deps.who(&cx).await?;
        let person = deps.store.identity(&identity).await?.ok_or_else(unauthenticated)?;
        let secret = TotpSecret::new(&*deps.entropy);
        let sealed = deps.people.seal(&identity, &secret).await?;
        let factor = SecondFactor::new(identity.clone(), sealed, cx.now);
        if !deps.store.enrol_second_factor(&factor, &enrolled(identity, tenant, &cx).into()).await? {
            return Err(Problem::new(&kinds::HAS_SECOND_FACTOR));
        }
        let otpauth_uri = secret.to_uri(&deps.name, &person.email).to_string();
        Ok(Reply::json(Answer { secret: secret.to_base32().to_string(), otpauth_uri }))
    }
}

impl Deps {
    async fn who(&self, cx: &Cx) -> Result<(IdentityId, Option<TenantId>), Problem> {
        if let Caller::SigningIn(digest) = &cx.caller {
            let waiting = self.store.waiting_sign_in(digest, cx.now).await?.ok_or_else(unauthenticated)?;
            return Ok((waiting.identity_id, waiting.tenant_id));
        }
        let member = cx.caller.member()?;
        Ok((member.identity.clone(), member.tenant.clone()))
    }
}

fn enrolled(identity: IdentityId, tenant: Option<TenantId>, cx: &Cx) -> AuditEntry {
    AuditEntry {
        actor: Actor::Identity(identity),
        action: Action::SecondFactorEnrolled,
        tenant,
        correlation_id: cx.request_id.clone(),
        before: Facts::new(),
        after: Facts::new(),
        at: cx.now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_called_after_the_host() {
        for url in ["https://api.example.com", "https://api.example.com:8443/x", "api.example.com"] {
            assert_eq!(host_of(url), "api.example.com");
        }
    }
}
