//! The Step Functions client: start by name, answer a task token.

use aws_sdk_sfn::{Client, error::ProvideErrorMetadata, error::SdkError};
use aws_types::SdkConfig;
use domain::TenantId;
use serde::Serialize;

/// Starts and answers executions of one state machine.
#[derive(Clone)]
pub struct Executions {
    client: Client,
    machine_arn: String,
}

/// What starting found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The execution runs now.
    Now,
    /// It was started before under this name; nothing happened.
    Before,
}

/// Why Step Functions did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// Throttled, timed out or down; safe to ask again.
    #[error("Step Functions did not answer as it should")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The task token is unknown, used up or timed out.
    #[error("nobody waits on this task token")]
    NobodyWaits,
}

impl Executions {
    /// A client for the machine with this ARN.
    pub fn new(config: &SdkConfig, machine_arn: impl Into<String>) -> Self {
        Self { client: Client::new(config), machine_arn: machine_arn.into() }
    }

    /// The execution name of a tenant's attempt. Names are unique per machine for 90 days, which makes a second start
    /// of the same attempt harmless: <https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html>
    pub fn name(tenant: &TenantId, attempt: u32) -> String {
        format!("{tenant}-{attempt}")
    }

    /// Starts the tenant's attempt, or finds it started. One call.
    ///
    /// # Errors
    /// [`WorkflowError::Unavailable`]: the outbox entry stays and the sweeper starts the same name later.
    pub async fn start<T: Serialize + Sync>(
        &self,
        tenant: &TenantId,
        attempt: u32,
        input: &T,
    ) -> Result<Started, WorkflowError> {
        self.start_named(&Self::name(tenant, attempt), input).await
    }

    /// Starts an execution of that name (at most 80 characters, none of them a space or one of `<>{}[]?*"#%\^|~`$&,;:/`),
    /// or finds it started. One call.
    ///
    /// # Errors
    /// [`WorkflowError::Unavailable`].
    pub async fn start_named<T: Serialize + Sync>(&self, name: &str, input: &T) -> Result<Started, WorkflowError> {
        let input = serde_json::to_string(input).map_err(|e| WorkflowError::Unavailable(Box::new(e)))?;
        let sent = self.client.start_execution().state_machine_arn(&self.machine_arn).name(name).input(input);
        match sent.send().await {
            Ok(_) => Ok(Started::Now),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => Ok(Started::Before),
            Err(e) => Err(unavailable(e)),
        }
    }

    /// Answers a waiting task with a result.
    ///
    /// # Errors
    /// [`WorkflowError::NobodyWaits`] for a token that is unknown, answered or timed out.
    pub async fn succeed(&self, token: &str, output: &str) -> Result<(), WorkflowError> {
        let sent = self.client.send_task_success().task_token(token).output(output).send().await;
        sent.map(drop).map_err(token_error)
    }

    /// Answers a waiting task with one of the two error names.
    ///
    /// # Errors
    /// As [`Executions::succeed`].
    pub async fn fail(&self, token: &str, error: &str, cause: &str) -> Result<(), WorkflowError> {
        let sent = self.client.send_task_failure().task_token(token).error(error).cause(cause).send().await;
        sent.map(drop).map_err(token_error)
    }

    /// Says that the work behind a token goes on.
    ///
    /// # Errors
    /// As [`Executions::succeed`].
    pub async fn heartbeat(&self, token: &str) -> Result<(), WorkflowError> {
        let sent = self.client.send_task_heartbeat().task_token(token).send().await;
        sent.map(drop).map_err(token_error)
    }
}

pub(crate) fn unavailable<E: std::error::Error + Send + Sync + 'static>(error: E) -> WorkflowError {
    WorkflowError::Unavailable(Box::new(error))
}

fn token_error<E, R>(error: SdkError<E, R>) -> WorkflowError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("InvalidToken" | "TaskDoesNotExist" | "TaskTimedOut") => WorkflowError::NobodyWaits,
        _ => unavailable(error),
    }
}
