//! `POST /api/v1/tenants`: asks for a tenant. Nothing accepted is ever lost: tenant, claim, outbox entry and audit entry
//! are one transaction, and the workflow is started from the outbox again if the start here is lost.
//!
//! Costs one `TransactWriteItems` and one `StartExecution`; a repeated `Idempotency-Key` costs the transaction alone.

use std::sync::Arc;

use domain::{
    Action, Actor, AuditEntry, Clock, CorrelationId, Entropy, Facts, Provisioning, Regions, Signup, SignupDraft,
    StatusToken, TenantId, TenantStatus, UtmParameter,
};
use http::{Method, header};
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, IdempotencyKey, Json, Policy, Problem, Rate, Reply,
        Route, Unknown, kinds,
    },
};
use serde::{Deserialize, Serialize};
use store::{Earlier, NewTenant, SignupOutcome, Store};
use utoipa::ToSchema;
use workflow::{Executions, Mode, StepInput};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = SignupRequest, description = "A new tenant")]
pub struct Request {
    /// 2 to 100 characters, no control characters.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 2, max_length = 100, example = "Demo ISP")]
    company_name: Field<String>,
    /// 3 to 30 of a-z, 0-9 and `-`; starts and ends with a letter or digit; no `--`; not reserved.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 3, max_length = 30, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "demo")]
    subdomain: Field<String>,
    /// 2 to 80 characters.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 2, max_length = 80, example = "Demo Admin")]
    admin_name: Field<String>,
    /// Gets the activation link. At most 254 characters.
    #[serde(default)]
    #[schema(value_type = String, required, format = "email", max_length = 254, example = "admin@demo.com")]
    admin_email: Field<String>,
    /// `starter` unless said otherwise.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(starter|professional|enterprise)$", example = "starter")]
    plan: Field<String>,
    /// Where the tenant's application goes: one of the configured regions, the first of them unless said otherwise.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "us-east-1")]
    region: Field<String>,
    /// Whether the terms were accepted, where the form asks.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    accept_terms: Field<bool>,
    /// Where the customer heard of us.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    source: Field<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    utm_source: Field<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    utm_medium: Field<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    utm_campaign: Field<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    utm_term: Field<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    utm_content: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self, regions: &Regions) -> Result<Signup, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let utm = [
            (UtmParameter::Source, self.utm_source),
            (UtmParameter::Medium, self.utm_medium),
            (UtmParameter::Campaign, self.utm_campaign),
            (UtmParameter::Term, self.utm_term),
            (UtmParameter::Content, self.utm_content),
        ];
        let draft = SignupDraft {
            company_name: errors.take("company_name", self.company_name),
            subdomain: errors.take("subdomain", self.subdomain),
            admin_name: errors.take("admin_name", self.admin_name),
            admin_email: errors.take("admin_email", self.admin_email),
            plan: errors.take("plan", self.plan),
            region: errors.take("region", self.region),
            accept_terms: errors.take("accept_terms", self.accept_terms),
            source: errors.take("source", self.source),
            utm: utm.into_iter().filter_map(|(name, field)| Some((name, errors.take(name.as_str(), field)?))).collect(),
        };
        errors.finish(draft.parse(regions))
    }
}

/// What a tenant's customer needs to follow it.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = SignupAccepted)]
pub struct Accepted {
    /// `tenant-{subdomain}-{8 hex}`
    #[schema(value_type = String, example = "tenant-demo-1f2e3d4c")]
    tenant_id: TenantId,
    /// As asked for.
    #[schema(value_type = String)]
    subdomain: domain::Subdomain,
    /// `REQUESTED`
    #[schema(value_type = String, example = "REQUESTED")]
    status: TenantStatus,
    /// Where the status is.
    status_url: String,
    /// Bearer token that reads this status and nothing else. It is shown once.
    status_token: String,
}

/// Why a signup was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules, headers.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// Somebody has the name, or had.
    #[error("the subdomain is taken")]
    SubdomainTaken,
    /// The key was used for another body.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    /// The first request with the key is still running.
    #[error("the first request with this key is still running")]
    InFlight,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] store::StoreError),
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
            Error::SubdomainTaken => Self::new(&kinds::SUBDOMAIN_TAKEN),
            Error::IdempotencyMismatch => Self::new(&kinds::IDEMPOTENCY_MISMATCH),
            Error::InFlight => Self::new(&kinds::IN_FLIGHT),
            Error::Store(error) => error.into(),
        }
    }
}

/// The store, the workflow, the regions that may be asked for, and randomness for ids and tokens.
pub struct Deps {
    store: Store,
    executions: Executions,
    regions: Regions,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self {
            store: env.store()?,
            executions: Executions::new(&env.sdk, env.required("PROVISIONING_MACHINE")?),
            regions: env.parsed("REGIONS")?,
            clock: env.clock.clone(),
            entropy: env.entropy.clone(),
        })
    }
}

/// The route.
pub struct Create;

impl Route for Create {
    const POLICY: Policy = Policy {
        operation: "signup-create",
        summary: "Ask for a tenant",
        method: Method::POST,
        path: "/api/v1/tenants",
        access: Access::Anonymous,
        rate: Rate::Signup,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: there is no session before there is a tenant"),
        idempotency: Idempotency::Optional,
        success: 202,
        problems: &[&kinds::SUBDOMAIN_TAKEN, &kinds::IDEMPOTENCY_MISMATCH, &kinds::IN_FLIGHT, &kinds::INVALID_HEADER],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Accepted>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let signup = request.parse(&deps.regions)?;
        let key = IdempotencyKey::sent(&cx, "tenant.create")?;
        let now = deps.clock.now();
        let tenant_id = TenantId::new(&signup.subdomain, &*deps.entropy);
        let token = StatusToken::new(&*deps.entropy);
        let accepted = Accepted {
            status_url: status_url(&tenant_id),
            subdomain: signup.subdomain.clone(),
            status: TenantStatus::Requested,
            status_token: token.expose().to_owned(),
            tenant_id: tenant_id.clone(),
        };
        let record = key.as_ref().map(|key| key.record(&signup, &accepted, now, &*deps.entropy)).transpose()?;
        let audit = requested(&tenant_id, &signup, &cx.request_id, now);
        let new = NewTenant {
            tenant_id,
            signup,
            status_token: token.digest(),
            provisioning: Provisioning::requested(cx.request_id.clone(), now),
        };
        let accepted = match deps.store.signup(new, record, audit.into()).await? {
            SignupOutcome::Created => {
                start(deps, &accepted.tenant_id, &cx.request_id).await;
                accepted
            }
            SignupOutcome::IdempotencyReplay(saved) => {
                let key = key.ok_or(Error::IdempotencyMismatch)?;
                key.answered(Earlier::Replay(saved))?
            }
            SignupOutcome::SubdomainTaken => return Err(Error::SubdomainTaken),
            SignupOutcome::IdempotencyMismatch => return Err(Error::IdempotencyMismatch),
            SignupOutcome::InFlight => return Err(Error::InFlight),
        };
        let location = accepted.status_url.clone();
        Ok(Reply::json(accepted).header(header::LOCATION, &location).header(header::RETRY_AFTER, "1"))
    }
}

/// Starts the workflow. A failure here loses nothing: the outbox entry was written with the tenant.
async fn start(deps: &Deps, tenant_id: &TenantId, correlation_id: &CorrelationId) {
    let input = StepInput::first(tenant_id.clone(), 1, correlation_id.clone());
    debug_assert_eq!(input.mode, Mode::Run);
    if let Err(error) = deps.executions.start(tenant_id, 1, &input).await {
        tracing::warn!(%tenant_id, request_id = %correlation_id, %error, "the start is left to the sweeper");
    }
}

fn requested(tenant_id: &TenantId, signup: &Signup, request_id: &CorrelationId, now: jiff::Timestamp) -> AuditEntry {
    let after =
        Facts::new().with("subdomain", &signup.subdomain).with("plan", &signup.plan).with("region", &signup.region);
    AuditEntry {
        actor: Actor::Anonymous,
        action: Action::TenantRequested,
        tenant: Some(tenant_id.clone()),
        correlation_id: request_id.clone(),
        before: Facts::new(),
        after: after.with("admin_email", &signup.admin_email),
        at: now,
    }
}

pub(crate) fn status_url(tenant_id: &TenantId) -> String {
    format!("/api/v1/tenants/{tenant_id}/status")
}
