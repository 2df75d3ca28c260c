//! `POST /api/v1/tenants/{tenant_id}/deployment`: the deployer's answer, signed as the webhook was, with the task token
//! that the webhook carried. Costs two reads, one transaction and one Step Functions call.

use std::sync::Arc;

use domain::{Action, Clock, DeploymentDetail, Step as Which, TenantId};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Unknown, kinds},
    standard_webhooks::{Headers, verify},
};
use secrecy::{ExposeSecret, SecretString};
use secrets::{Cached, SecretError};
use serde::Deserialize;
use serde_json::json;
use store::{Effects, Outcome, Stack, StackState};
use utoipa::ToSchema;
use workflow::{Executions, FAIL, StepInput, WorkflowError};

use crate::{deploy_stack::digest, deployer::shared_secret, journal::Journal};

/// Deployers have little to say.
const LIMIT: usize = 16 * 1024;

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = DeploymentAnswer, description = "How the deployment stands")]
pub struct Request {
    /// The token that the webhook carried.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 1)]
    task_token: Field<SecretString>,
    /// `succeeded`, `failed` or `in_progress` (a heartbeat; one is due every 120 s).
    #[serde(default)]
    #[schema(value_type = String, required, pattern = "^(succeeded|failed|in_progress)$")]
    outcome: Field<Answered>,
    /// Of a failure, what the tenant may know of it; at most 300 characters, none of them a control character.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300)]
    detail: Field<String>,
    /// Of a failure, whether another attempt can help.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    retryable: Field<bool>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answered {
    Succeeded,
    Failed,
    InProgress,
}

struct Parsed {
    task_token: SecretString,
    outcome: Answered,
    detail: Option<DeploymentDetail>,
    retryable: bool,
}

impl Request {
    fn parse(self) -> Result<Parsed, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let task_token = errors.require("task_token", self.task_token);
        let outcome = errors.require("outcome", self.outcome);
        let detail = errors.take("detail", self.detail);
        let detail = detail.and_then(|text| errors.check("/detail", DeploymentDetail::parse(&text)));
        let retryable = errors.take("retryable", self.retryable).unwrap_or(false);
        let parsed = match (task_token, outcome) {
            (Some(task_token), Some(outcome)) => Ok(Parsed { task_token, outcome, detail, retryable }),
            _ => Err(Vec::new()),
        };
        errors.finish(parsed)
    }
}

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Body or path.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// The signature does not hold, or no deployer is configured.
    #[error("the signature does not hold")]
    Signature,
    /// There is nothing to check it by.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Nothing waits on this token for this tenant.
    #[error("nothing waits on this token for this tenant")]
    NobodyWaits,
    /// The store.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The tenant's record does not take the answer now.
    #[error("the answer was not recorded")]
    Record(#[from] workflow::StepError),
    /// Step Functions.
    #[error(transparent)]
    Workflow(WorkflowError),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(Box::new(problem))
    }
}

impl From<WorkflowError> for Error {
    fn from(error: WorkflowError) -> Self {
        match error {
            WorkflowError::NobodyWaits => Self::NobodyWaits,
            WorkflowError::Unavailable(_) => Self::Workflow(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problem) => *problem,
            Error::Signature => Self::new(&kinds::INVALID_SIGNATURE),
            Error::Secret(error) => error.into(),
            Error::NobodyWaits => Self::new(&kinds::NOBODY_WAITS),
            Error::Store(error) => error.into(),
            Error::Record(error @ workflow::StepError::Retry { .. }) => Self::unavailable(error),
            Error::Record(error) => Self::new(&kinds::NOBODY_WAITS).source(error),
            Error::Workflow(error) => Self::unavailable(error),
        }
    }
}

/// The journal of DeployStack, Step Functions, and the secret shared with the deployer if there is one.
pub struct Deps {
    journal: Journal,
    executions: Executions,
    secret: Option<Cached<SecretString>>,
    clock: Arc<dyn Clock>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secret = match env.optional("DEPLOYER_SECRET") {
            Some(id) => Some(shared_secret(env, id).await?),
            None => None,
        };
        Ok(Self {
            journal: Journal::from_env(env, Which::DeployStack)?,
            executions: Executions::new(&env.sdk, env.required("PROVISIONING_MACHINE")?),
            secret,
            clock: env.clock.clone(),
        })
    }
}

/// The route.
pub struct Callback;

impl Route for Callback {
    const POLICY: Policy = Policy {
        operation: "provisioning-deployment-callback",
        summary: "Answer a deployment webhook",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/deployment",
        access: Access::Signature,
        rate: Rate::General,
        body_limit: LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller signs the body"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::INVALID_SIGNATURE, &kinds::NOBODY_WAITS],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = ();
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<()>, Error> {
        signed(deps, &cx).await?;
        let tenant_id: TenantId = cx.path("tenant_id")?;
        let answer = request.parse()?;
        let token = answer.task_token.expose_secret();
        let input = waiting(deps, &tenant_id, token).await?;
        match answer.outcome {
            Answered::InProgress => deps.executions.heartbeat(token).await?,
            Answered::Failed => {
                let cause =
                    json!({"code": "deployment_failed", "detail": answer.detail, "retryable": answer.retryable});
                deps.executions.fail(token, FAIL, &cause.to_string()).await?;
            }
            Answered::Succeeded => {
                // Recorded first: the next step asks whether this one succeeded. If the answer below is lost, the
                // heartbeat runs out, the state is tried again, and finds the record.
                record(deps, &input).await?;
                deps.executions.succeed(token, "{}").await?;
            }
        }
        Ok(Reply::new(()))
    }
}

/// Fails closed: without a configured deployer nothing has a valid signature.
async fn signed(deps: &Deps, cx: &Cx) -> Result<(), Error> {
    let header = |name| cx.header(name).ok_or(Error::Signature);
    let headers = Headers {
        id: header("webhook-id")?,
        timestamp: header("webhook-timestamp")?,
        signature: header("webhook-signature")?,
    };
    let secret = deps.secret.as_ref().ok_or(Error::Signature)?;
    let holds =
        |secret: &SecretString| verify(secret.expose_secret().as_bytes(), &headers, deps.clock.now(), cx.raw_body());
    // The deployer may have a secret that this function has not heard of.
    if holds(&*secret.get().await?) || holds(&*secret.refresh_now().await?) { Ok(()) } else { Err(Error::Signature) }
}

/// The step that waits on this token, if it is this tenant's.
async fn waiting(deps: &Deps, tenant_id: &TenantId, token: &str) -> Result<StepInput, Error> {
    let made = deps.journal.store.made::<Stack>(tenant_id).await?.ok_or(Error::NobodyWaits)?;
    if made.record.task_token != Some(digest(token)) {
        return Err(Error::NobodyWaits);
    }
    let tenant = deps.journal.store.tenant(tenant_id).await?.ok_or(Error::NobodyWaits)?;
    let provisioning = &tenant.provisioning;
    if provisioning.attempt() != made.attempt {
        return Err(Error::NobodyWaits);
    }
    Ok(StepInput::first(tenant_id.clone(), made.attempt, provisioning.correlation_id().clone()))
}

async fn record(deps: &Deps, input: &StepInput) -> Result<(), Error> {
    let tenant = deps.journal.tenant(input).await?;
    let deployed = Stack { deployer: "webhook".into(), state: StackState::Deployed, task_token: None };
    let effects = Effects::of(&tenant).keep(&deployed);
    deps.journal.finish(input, Outcome::Succeeded, effects, Action::TenantStepSucceeded).await?;
    Ok(())
}
