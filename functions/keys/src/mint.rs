//! `POST /api/v1/tenants/{tenant_id}/api-keys`: a new key, whose secret is in this answer and nowhere else. One transaction
//! beside the door's read, and a read more with an `Idempotency-Key`; at the plan's limit a `Query`, and a transaction for
//! each key that has ended and makes way.
//!
//! A secret is not kept for an answer that got lost: a repeat with the same `Idempotency-Key` makes no other key, and is
//! told the id of the first.

use domain::{
    Action, ApiKey, ApiKeyId, ApiKeyScopes, ApiKeySecrets, Facts, Label, Permission, Plan, Quota, Role, TenantId,
    api_key::{calls_per_hour, lifetime},
};
use http::{Method, header::LOCATION};
use jiff::SignedDuration;
use lambda::http::{
    Access, Csrf, Cx, Errors, Field, Idempotency, IdempotencyKey, Json, Policy, Problem, Rate, Reply, Route, Scope,
    StepUp, Unknown, kinds,
};
use serde::{Deserialize, Serialize};
use store::{ApiKeyRecord, Audit, Earlier, IdempotencyRecord, Kept, StoreError};
use utoipa::ToSchema;

use crate::{
    entry::{self, WithSecret},
    keeper::{Keeper, tenant_of},
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

/// How often keys that have ended may be in the way.
const TRIES: usize = 3;
/// Keys looked at in one `Query`.
const PAGE: u16 = 100;

/// Two requests are the same where this is.
#[derive(Serialize)]
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
    /// The tenant is not READY: a key of it would open nothing, and nobody would take it away.
    #[error("API keys are of a READY tenant")]
    NotReady,
    /// The plan allows no more.
    #[error("the plan has no room for another key")]
    Full(Plan),
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
            Error::NoTenant => Self::new(&kinds::NOT_FOUND),
            Error::NotReady => Self::new(&kinds::WRONG_STATE).detail(error.to_string()),
            Error::Full(plan) => Self::plan_full(plan, Quota::ApiKeys),
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
        idempotency: Idempotency::Optional,
        success: 201,
        problems: &[
            &kinds::PLAN_LIMIT,
            &kinds::WRONG_STATE,
            &kinds::ALREADY_MADE,
            &kinds::IDEMPOTENCY_MISMATCH,
            &kinds::INVALID_HEADER,
        ],
    };
    type Deps = Keeper;
    type Body = Json<Request>;
    type Answer = Json<WithSecret>;
    type Error = Error;

    async fn handle(keeper: &Keeper, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let tenant = tenant_of(&cx)?;
        let once = IdempotencyKey::sent(&cx, "api_key.create")?;
        let wanted = request.parse(cx.caller.member()?.role)?;
        let key_id = ApiKeyId::new(&*keeper.entropy);
        let saved = once.as_ref().map(|once| once.record(&wanted, &key_id, cx.now, &*keeper.entropy)).transpose()?;
        if let (Some(once), Some(saved)) = (&once, &saved)
            && let Some(earlier) = keeper.store.earlier(saved).await?
        {
            return Err(once.made_before::<ApiKeyId>("API key", earlier).into());
        }
        let Wanted { name, scopes, lifetime, calls_per_hour } = wanted;
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
        if let Some(earlier) = keeper.keep(&cx, &tenant, &record, saved.as_ref()).await? {
            let told = |once: IdempotencyKey| once.made_before::<ApiKeyId>("API key", earlier);
            return Err(once.map_or_else(|| Problem::new(&kinds::INTERNAL), told).into());
        }
        let location = url(&tenant, &record.key_id);
        let key_shown = entry::Answer::of(keeper.kind, &tenant, record, None, cx.now);
        let answer = WithSecret { api_key: key.expose().to_owned(), key: key_shown };
        Ok(Reply::json(answer).header(LOCATION, &location))
    }
}

impl Keeper {
    /// Keeps the key; what an earlier request under the same idempotency key left, if there was one.
    async fn keep(
        &self,
        cx: &Cx,
        tenant: &TenantId,
        record: &ApiKeyRecord,
        saved: Option<&IdempotencyRecord>,
    ) -> Result<Option<Earlier>, Error> {
        let entry: Audit = cx.audit(Action::ApiKeyCreated, Some(tenant.clone()), Facts::new(), facts(record)).into();
        for tries in 1.. {
            match self.store.create_api_key(tenant, record, saved, &entry).await? {
                Kept::Done => break,
                Kept::Before(earlier) => return Ok(Some(earlier)),
                Kept::NoTenant => return Err(Error::NoTenant),
                Kept::NotReady => return Err(Error::NotReady),
                Kept::Full(plan) if tries == TRIES || !self.made_way(cx, tenant).await? => {
                    return Err(Error::Full(plan));
                }
                Kept::Full(_) => {}
            }
        }
        Ok(None)
    }

    /// Whether keys that have ended were in the way, and are not any more.
    async fn made_way(&self, cx: &Cx, tenant: &TenantId) -> Result<bool, Error> {
        let (mut any, mut after) = (false, None);
        loop {
            let (page, next) = self.store.api_keys(tenant, after.as_ref(), PAGE).await?;
            for ended in page.iter().filter(|key| key.secrets.have_ended(cx.now)) {
                let entry = cx.audit(Action::ApiKeyExpired, Some(tenant.clone()), facts(ended), Facts::new());
                // Where it is not cleared somebody else did that, or gave it another secret: worth another try, too.
                self.store.clear_api_key(tenant, ended, &entry.into()).await?;
                any = true;
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(any),
            }
        }
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
