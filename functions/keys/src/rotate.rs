//! `POST /api/v1/tenants/{tenant_id}/api-keys/{key_id}/rotate`: another secret for a key; the one before it goes on for a
//! while, or ends at once where it has leaked. Two reads and one transaction beside the door's read.
//!
//! Who gets a secret could use it: so nobody rotates a key that may do more than they may themselves. An operator of the
//! platform, who reads no vault, does not come to one this way; revoking is open to them.

use domain::{
    Action, ApiKey, ApiKeyId, Facts, Permission,
    api_key::{grace, lifetime},
};
use http::Method;
use jiff::SignedDuration;
use lambda::http::{
    Access, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, StepUp, Unknown,
    kinds,
};
use serde::Deserialize;
use store::{ApiKeyRecord, StoreError};
use utoipa::ToSchema;

use crate::{
    entry::{self, WithSecret},
    keeper::{Keeper, tenant_of},
    mint::facts,
};

/// What to send, if anything.
#[derive(Deserialize, Default, ToSchema)]
#[schema(as = ApiKeyRotationRequest)]
pub struct Request {
    /// How long the secret of until now goes on: 0 to 168 hours, 24 unless said otherwise. Send 0 where it has leaked.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 168, example = 24)]
    grace_hours: Field<u64>,
    /// Of the new secret: 1 to 365 days; 90 unless said otherwise.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 365, example = 90)]
    expires_in_days: Field<u64>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    /// Lifetime and grace.
    fn parse(self) -> Result<(SignedDuration, SignedDuration), Problem> {
        let mut errors = Errors::of(&self.unknown);
        let days = errors.take("expires_in_days", self.expires_in_days);
        let hours = errors.take("grace_hours", self.grace_hours);
        let lifetime = errors.check("/expires_in_days", lifetime(days));
        let grace = errors.check("/grace_hours", grace(hours));
        errors.finish(lifetime.zip(grace).ok_or_else(Vec::new))
    }
}

/// Why the secret is still the same.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent breaks a rule.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// The tenant has no such key.
    #[error("there is no such key")]
    NotFound,
    /// The key may do what the caller may not.
    #[error("the key may do more than the caller")]
    BeyondCaller,
    /// Somebody else rotated or revoked it meanwhile.
    #[error("the key was changed meanwhile")]
    Overtaken,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
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
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::BeyondCaller => Self::new(&kinds::FORBIDDEN).detail("the key may do more than your own role"),
            Error::Overtaken => Self::new(&kinds::VERSION_CONFLICT),
            Error::Store(error) => error.into(),
        }
    }
}

/// The route.
pub struct Rotate;

impl Route for Rotate {
    const POLICY: Policy = Policy {
        operation: "keys-rotate",
        summary: "Replace the secret of an API key",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/api-keys/{key_id}/rotate",
        access: Access::SteppedUp {
            by: StepUp::FactorOrPassword,
            permission: Some((Permission::ApiKeyManage, Scope::Tenant)),
        },
        rate: Rate::General,
        body_limit: 1024,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::VERSION_CONFLICT],
    };
    type Deps = Keeper;
    type Body = Option<Json<Request>>;
    type Answer = Json<WithSecret>;
    type Error = Error;

    async fn handle(keeper: &Keeper, cx: Cx, request: Option<Json<Request>>) -> Result<Reply<Self::Answer>, Error> {
        let (tenant, key_id) = (tenant_of(&cx)?, cx.path::<ApiKeyId>("key_id")?);
        let (lifetime, grace) = request.map(|Json(request)| request).unwrap_or_default().parse()?;
        let (held, used) = keeper.found(&tenant, &key_id).await?.ok_or(Error::NotFound)?;
        if !held.scopes.are_within(cx.caller.member()?.role) {
            return Err(Error::BeyondCaller);
        }
        let key = ApiKey::new(keeper.kind, &tenant, &key_id, &*keeper.entropy);
        let rotated = ApiKeyRecord {
            secrets: held.secrets.rotated(key.digest(), lifetime, grace, cx.now),
            version: held.version + 1,
            rotated_at: Some(cx.now),
            ..held.clone()
        };
        let before = Facts::new().with("expires_at", &held.secrets.expires_at());
        let former_until = rotated.secrets.former(cx.now).map_or(cx.now, |former| former.until);
        let after = facts(&rotated).with("former_until", &former_until);
        let entry = cx.audit(Action::ApiKeyRotated, Some(tenant.clone()), before, after);
        if !keeper.store.rotate_api_key(&tenant, &rotated, &entry.into()).await? {
            return Err(Error::Overtaken);
        }
        let shown = entry::Answer::of(keeper.kind, &tenant, rotated, used, cx.now);
        Ok(Reply::json(WithSecret { api_key: key.expose().to_owned(), key: shown }))
    }
}
