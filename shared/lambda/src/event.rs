//! Functions that are not woken by HTTP: the steps of a workflow and the jobs of a schedule.

use std::{future::Future, pin::Pin, sync::Arc};

use futures::FutureExt;
use lambda_runtime::Diagnostic;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use store::JobRun;
use workflow::{FAIL, Mode, StepError, StepInput};

use crate::{Env, FromEnv, StartError};

/// One state of a workflow: its work, and how to take it back.
pub trait Step: Send + Sync + 'static {
    /// What it works with.
    type Deps: FromEnv;
    /// The state's name in the ASL.
    const NAME: &'static str;
    /// Does the work; run twice it has the effect of once.
    fn run(deps: &Self::Deps, input: StepInput) -> impl Future<Output = Result<Value, StepError>> + Send;
    /// Removes what this attempt's run made; run twice, or without a run before, it succeeds.
    fn undo(deps: &Self::Deps, input: StepInput) -> impl Future<Output = Result<Value, StepError>> + Send;
}

/// A state of a workflow that only has to be done, and has nothing to take back; done twice it has the effect of once.
pub trait Task: Send + Sync + 'static {
    /// What it works with.
    type Deps: FromEnv;
    /// What it is told.
    type Input: DeserializeOwned + Send;
    /// What it tells the state machine.
    type Output: Serialize;
    /// The state's name in the ASL.
    const NAME: &'static str;
    /// Does it.
    fn run(deps: &Self::Deps, input: Self::Input) -> impl Future<Output = Result<Self::Output, StepError>> + Send;
}

/// A piece of scheduled work.
pub trait Job: Send + Sync + 'static {
    /// What it works with.
    type Deps: FromEnv;
    /// Its name in the log, and in the template's `SCHEDULED_JOBS`.
    const NAME: &'static str;
    /// Does what is due. What it answers is for the log and for people who invoke it by hand.
    fn run(deps: &Self::Deps) -> impl Future<Output = Result<Value, StepError>> + Send;
}

/// How a function that is not HTTP fails: Step Functions matches on `error_type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The ASL error name.
    pub error_type: String,
    /// JSON for a step (`{code, detail, retryable}`), so that the failure can be told to the tenant; text otherwise.
    pub error_message: String,
}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Self {
        Self { error_type: fault.error_type, error_message: fault.error_message }
    }
}

type Handler = dyn Fn(Value) -> Pin<Box<dyn Future<Output = Result<Value, StepError>> + Send>> + Send + Sync;

/// A started step or job.
#[derive(Clone)]
pub struct EventService {
    name: &'static str,
    handler: Arc<Handler>,
}

impl EventService {
    pub(crate) fn new<F>(name: &'static str, handler: impl Fn(Value) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Value, StepError>> + Send + 'static,
    {
        let handler = move |event| -> Pin<Box<dyn Future<Output = _> + Send>> { Box::pin(handler(event)) };
        Self { name, handler: Arc::new(handler) }
    }

    pub(crate) fn step<S: Step>(deps: S::Deps) -> Self {
        let deps = Arc::new(deps);
        let handler = move |event: Value| -> Pin<Box<dyn Future<Output = _> + Send>> {
            let deps = deps.clone();
            Box::pin(async move {
                let input: StepInput =
                    serde_json::from_value(event).map_err(|e| StepError::fail("malformed_input", e.to_string()))?;
                match input.mode {
                    Mode::Run => S::run(&deps, input).await,
                    Mode::Undo => S::undo(&deps, input).await,
                }
            })
        };
        Self { name: S::NAME, handler: Arc::new(handler) }
    }

    pub(crate) fn task<T: Task>(deps: T::Deps) -> Self {
        let deps = Arc::new(deps);
        let handler = move |event: Value| -> Pin<Box<dyn Future<Output = _> + Send>> {
            let deps = deps.clone();
            Box::pin(async move {
                let input =
                    serde_json::from_value(event).map_err(|e| StepError::fail("malformed_input", e.to_string()))?;
                serde_json::to_value(T::run(&deps, input).await?)
                    .map_err(|e| StepError::fail("malformed_output", e.to_string()))
            })
        };
        Self { name: T::NAME, handler: Arc::new(handler) }
    }

    /// A job, of which each run is noted.
    pub(crate) async fn job<J: Job>(env: &Env) -> Result<Self, StartError> {
        let deps = Arc::new((J::Deps::from_env(env).await?, env.limits()?, env.clock.clone()));
        let handler = move |_| -> Pin<Box<dyn Future<Output = _> + Send>> {
            let deps = deps.clone();
            Box::pin(async move {
                let (job, runs, clock) = &*deps;
                let at = clock.now();
                let outcome = J::run(job).await;
                let took_ms = clock.now().as_millisecond().saturating_sub(at.as_millisecond());
                let run = JobRun { at, succeeded: outcome.is_ok(), took_ms };
                // The work is done; that nobody sees it is no reason to do it again.
                if let Err(error) = runs.note_job_run(J::NAME, run).await {
                    tracing::warn!(step = J::NAME, %error, "the run of a job was not noted");
                }
                outcome
            })
        };
        Ok(Self { name: J::NAME, handler: Arc::new(handler) })
    }

    /// Handles one event. A panic is a failure for good, and the function serves on.
    ///
    /// # Errors
    /// [`Fault`], with an error name that the state machine knows.
    pub async fn call(&self, event: Value) -> Result<Value, Fault> {
        let text = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (tenant_id, request_id, mode) = (text("tenant_id"), text("correlation_id"), text("mode"));
        let attempt = event.get("attempt").and_then(Value::as_u64);
        let outcome = std::panic::AssertUnwindSafe((self.handler)(event)).catch_unwind().await;
        let outcome =
            outcome.unwrap_or_else(|_| Err(StepError::fail("internal", "the step panicked; its log has the place")));
        match &outcome {
            Ok(_) => tracing::info!(step = self.name, tenant_id, request_id, attempt, mode, "step done"),
            Err(error) => {
                let cause = chain(error);
                tracing::warn!(step = self.name, tenant_id, request_id, attempt, mode, error = error.name(), code = error.code(), detail = %error, cause, "step failed");
            }
        }
        outcome.map_err(|error| fault(&error))
    }
}

fn fault(error: &StepError) -> Fault {
    let message = json!({"code": error.code(), "detail": error.to_string(), "retryable": error.retryable()});
    debug_assert!(error.name() == FAIL || error.name() == workflow::RETRY);
    Fault { error_type: error.name().to_owned(), error_message: message.to_string() }
}

/// The `source()` chain as one line, for the log only.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        parts.push(cause.to_string());
        next = cause.source();
    }
    parts.join(": ")
}
