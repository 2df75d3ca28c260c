//! `POST /api/v1/tenants/{tenant_id}/retry`: another attempt for a tenant that FAILED. Costs one read, one transaction
//! and one start, which the sweeper makes up for if it is lost.

use domain::{Action, Facts, Permission, TenantId, TenantStatus};
use http::{Method, header};
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds},
};
use serde::Serialize;
use store::{Retried, Store, StoreError};
use utoipa::ToSchema;
use workflow::{Executions, StepInput};

use crate::create::status_url;

/// The attempt that was promised.
#[derive(Serialize, ToSchema)]
#[schema(as = RetryAccepted)]
pub struct Accepted {
    tenant_id: String,
    /// One more than the one that failed.
    attempt: u32,
    status_url: String,
}

/// Why there is no other attempt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such tenant.
    #[error("no such tenant")]
    NotFound,
    /// It has not failed.
    #[error("the tenant is {0}")]
    NotFailed(TenantStatus),
    /// The store.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::NotFound,
            other => Self::Store(other),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::NotFailed(status) => Self::new(&kinds::WRONG_STATE)
                .detail(format!("only a FAILED tenant can be retried, this one is {status}")),
            Error::Store(error) => error.into(),
        }
    }
}

/// The store and the workflow.
pub struct Deps {
    store: Store,
    executions: Executions,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let executions = Executions::new(&env.sdk, env.required("PROVISIONING_MACHINE")?);
        Ok(Self { store: env.store()?, executions })
    }
}

/// The route.
pub struct Retry;

impl Route for Retry {
    const POLICY: Policy = Policy {
        operation: "signup-retry",
        summary: "Try a failed provisioning again",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/retry",
        access: Access::Permission(Permission::TenantProvision, Scope::Platform),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 202,
        problems: &[&kinds::WRONG_STATE],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Accepted>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let tenant_id: TenantId = cx.path("tenant_id").map_err(|_| Error::NotFound)?;
        let audit = cx.audit(Action::TenantRetried, Some(tenant_id.clone()), Facts::new(), Facts::new());
        let attempt = match deps.store.retry(&tenant_id, &cx.request_id, audit.into()).await? {
            Retried::Requested { attempt } => attempt,
            Retried::NotFailed(status) => return Err(Error::NotFailed(status)),
        };
        let input = StepInput::first(tenant_id.clone(), attempt, cx.request_id.clone());
        if let Err(error) = deps.executions.start(&tenant_id, attempt, &input).await {
            tracing::warn!(%tenant_id, attempt, request_id = %cx.request_id, %error, "the start is left to the sweeper");
        }
        let status_url = status_url(&tenant_id);
        let location = status_url.clone();
        Ok(Reply::json(Accepted { tenant_id: tenant_id.to_string(), attempt, status_url })
            .header(header::LOCATION, &location))
    }
}
