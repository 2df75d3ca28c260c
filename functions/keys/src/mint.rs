//! `POST /api/v1/tenants/{tenant_id}/api-keys`: a new key, whose secret is in this answer and nowhere else. One transaction
//! beside the door's read.
//!
//! A repeat makes another key, which the list shows: a secret is not kept for an answer that got lost.

use domain::{
    Action, ApiKey, ApiKeyId, ApiKeyScopes, ApiKeySecrets, Facts, Label, Permission, Role, TenantId,
    api_key::{calls_per_hour, lifetime},
};
use http::{Method, header::LOCATION};
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
    keeper::{Keeper, audit, tenant_of},
};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = ApiKeyRequest)]
pub struct Request {
    /// What the key is for: 1 to 64 characters.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 1, max_length = 64, example = "nightly export")]
    name: Field<String>,
    /// What it may do; no more than your own role may, and never what only people do.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required, example = json!(["vault.read"]))]
    scopes: Field<Vec<String>>,
    /// 1 to 365 days; 90 unless said otherwise.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 365, example = 90)]
    expires_in_days: Field<u64>,
    /// A limit of its own, below the plan's: 1 to 100 000.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 100_000)]
    calls_per_hour: Field<u64>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct Wanted {
    name: Label,
    scopes: ApiKeyScopes,
    lifetime: SignedDuration,
    calls_per_hour: Option<u32>,
}

impl Request {
    fn parse(self, creator: Role) -> Result<Wanted, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let name = errors.require("name", self.name);
        let scopes = errors.require("scopes", self.scopes);
        let days = errors.take("expires_in_days", self.expires_in_days);
        let calls = errors.take("calls_per_hour", self.calls_per_hour);
        let name = name.and_then(|name| errors.check("/name", Label::parse(&name)));
        let lifetime = errors.check("/expires_in_days", lifetime(days));
        let calls = errors.check("/calls_per_hour", calls.map(calls_per_hour).transpose());
        let scopes = scopes.map_or(Err(Vec::new()), |names| ApiKeyScopes::parse(&names, creator));
        let parsed = scopes.and_then(|scopes| match (name, lifetime, calls) {
            (Some(name), Some(lifetime), Some(calls_per_hour)) => Ok(Wanted { name, scopes, lifetime, calls_per_hour }),
            _ => Err(Vec::new()),
        });
        errors.finish(parsed)
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent breaks a rule.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// An operator asked for one of a tenant that does not exist.
    #[error("there is no such tenant")]
    NoTenant,
    /// The store did not do it.
    #[error(transparent)]
    Store(StoreError),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(Box::new(problem))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Conflict("tenant")) { Self::NoTenant } else { Self::Store(error) }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problem) => *problem,
            Error::NoTenant => Self::new(&kinds::NOT_FOUND),
            Error::Store(error) => error.into(),
        }
    }
}

/// The route.
pub struct Mint;

impl Route for Mint {
    const POLICY: Policy = Policy {
        operation: "keys-mint",
        summary: "Make an API key",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/api-keys",
        access: Access::SteppedUp {
            by: StepUp::FactorOrPassword,
            permission: Some((Permission::ApiKeyManage, Scope::Tenant)),
        },
        rate: Rate::General,
        body_limit: 8 * 1024,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 201,
        problems: &[],
    };
    type Deps = Keeper;
    type Body = Json<Request>;
    type Answer = Json<WithSecret>;
    type Error = Error;

    async fn handle(keeper: &Keeper, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let tenant = tenant_of(&cx)?;
        let Wanted { name, scopes, lifetime, calls_per_hour } = request.parse(cx.caller.member()?.role)?;
        let key_id = ApiKeyId::new(&*keeper.entropy);
        let key = ApiKey::new(keeper.kind, &tenant, &key_id, &*keeper.entropy);
        let record = ApiKeyRecord {
            key_id,
            name,
            scopes,
            calls_per_hour,
            secrets: ApiKeySecrets::first(key.digest(), lifetime, cx.now),
            version: 1,
            created_at: cx.now,
            created_by: cx.caller.actor(),
            rotated_at: None,
        };
        let entry = audit(&cx, &tenant, Action::ApiKeyCreated, Facts::new(), facts(&record));
        keeper.store.create_api_key(&tenant, &record, &entry.into()).await?;
        let location = url(&tenant, &record.key_id);
        let key_shown = entry::Answer::of(keeper.kind, &tenant, record, None, cx.now);
        let answer = WithSecret { api_key: key.expose().to_owned(), key: key_shown };
        Ok(Reply::json(answer).header(LOCATION, &location))
    }
}

fn url(tenant: &TenantId, key: &ApiKeyId) -> String {
    format!("/api/v1/tenants/{tenant}/api-keys/{key}")
}

/// What the audit log says of a key that is.
pub(crate) fn facts(record: &ApiKeyRecord) -> Facts {
    Facts::new()
        .with("key_id", &record.key_id)
        .with("name", &record.name)
        .with("scopes", &record.scopes)
        .with("expires_at", &record.secrets.expires_at())
}
