//! What a step is given and how it fails.

use std::error::Error;

use domain::{CorrelationId, Step, TenantId};
use serde::{Deserialize, Serialize};

/// The error name that the state machine retries.
pub const RETRY: &str = "Innkeeper.Retry";
/// The error name that the state machine answers with undo.
pub const FAIL: &str = "Innkeeper.Fail";

/// The input of every step. The tenant's data is read from the store, so what flows through the machine stays this small.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepInput {
    /// Whose step this is.
    pub tenant_id: TenantId,
    /// Which attempt; a step of an older attempt is refused by the store.
    pub attempt: u32,
    /// The request that caused this execution.
    pub correlation_id: CorrelationId,
    /// Forward, or back.
    #[serde(default)]
    pub mode: Mode,
    /// Only where the state waits for somebody outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_token: Option<String>,
    /// Only for the record of an orphan: the state whose undo failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Only on the way back: the failure that the state machine caught, as ASL's `{Error, Cause}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Caught>,
}

impl StepInput {
    /// The input that an execution is started with.
    pub fn first(tenant_id: TenantId, attempt: u32, correlation_id: CorrelationId) -> Self {
        Self { tenant_id, attempt, correlation_id, mode: Mode::Run, task_token: None, step: None, failure: None }
    }
}

/// What a `Catch` hands on: the error's name and its cause.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Caught {
    /// The error name, such as `Innkeeper.Fail` or `States.Timeout`.
    #[serde(rename = "Error")]
    pub error: String,
    /// For a failed function, the JSON text `{"errorType", "errorMessage"}`.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

/// Which way a step goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Do the step's work.
    #[default]
    Run,
    /// Remove what this attempt's run made.
    Undo,
}

/// How a step fails. Decided where the cause is known, never by looking at a message later.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// May pass by itself: throttling, a lost answer, a dependency that is down.
    #[error("{detail}")]
    Retry {
        /// For people; ends up in the tenant's status when the retries run out.
        detail: String,
        /// For the log.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Trying again would fail again.
    #[error("{detail}")]
    Fail {
        /// Stable, for programs: `subdomain_lost`, `plan_limit`, …
        code: &'static str,
        /// For people.
        detail: String,
        /// Whether the tenant's `retry` route can help once the cause is mended.
        retryable: bool,
        /// For the log.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl StepError {
    /// A failure that the state machine tries again.
    pub fn retry(detail: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Retry { detail: detail.into(), source: Some(Box::new(source)) }
    }

    /// Not there yet: asked again by the state machine's backoff, without an error behind it.
    pub fn not_yet(detail: impl Into<String>) -> Self {
        Self::Retry { detail: detail.into(), source: None }
    }

    /// A failure for good.
    pub fn fail(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Fail { code, detail: detail.into(), retryable: false, source: None }
    }

    /// A failure for good, with its cause for the log.
    pub fn because(code: &'static str, detail: impl Into<String>, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Fail { code, detail: detail.into(), retryable: false, source: Some(Box::new(cause)) }
    }

    /// The ASL error name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Retry { .. } => RETRY,
            Self::Fail { .. } => FAIL,
        }
    }

    /// The stable code for the tenant's status.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "dependency_unavailable",
            Self::Fail { code, .. } => code,
        }
    }

    /// Whether the tenant's `retry` route can help.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Retry { .. } => true,
            Self::Fail { retryable, .. } => *retryable,
        }
    }
}
