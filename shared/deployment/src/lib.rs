//! A deployment under way: asks a new version of a function, and tells CodeDeploy what came of it.
//!
//! Two calls, of two services that nothing else here calls. `aws-sigv4`, the SDK's own signer, signs them, and they go over the
//! connector below the SDK's clients; `aws-sdk-lambda` and `aws-sdk-codedeploy` would be some hundred more operations in every
//! build. A call is made once: who makes it knows whether to make it again.
//!
//! Architecture Invariant: no other crate calls Lambda or CodeDeploy.

mod signed;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_types::SdkConfig;
use serde_json::{Value, json};

use crate::signed::Signed;

/// What CodeDeploy is told of a hook.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The traffic may go to the new version.
    Succeeded,
    /// The deployment ends here, and the old version keeps all of it.
    Failed,
}

impl Verdict {
    /// As CodeDeploy writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// No answer, or one that may be another the next time: the service throttles or is down.
    #[error("{0} did not answer as it should")]
    Unavailable(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The service refused for good; its status and what it says.
    #[error("{service} refused with {status}: {why}")]
    Refused {
        /// `lambda` or `codedeploy`.
        service: &'static str,
        /// HTTP status.
        status: u16,
        /// The error's message.
        why: String,
    },
    /// The function ran and failed, or did not start.
    #[error("the function failed: {0}")]
    Function(String),
}

impl DeploymentError {
    /// Whether the same call may come to more.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(..))
    }
}

/// The two services. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deployments(Signed);

impl Deployments {
    /// In the account and region that `config` says; none where it has no region, credentials or clock.
    pub fn new(config: &SdkConfig, http: SharedHttpConnector) -> Option<Self> {
        Signed::new(config, http).map(Self)
    }

    /// Invokes the version that a qualified ARN names, and waits for what it answers.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
    ///
    /// # Errors
    /// [`DeploymentError`].
    pub async fn invoke(&self, version: &str, event: &Value) -> Result<Value, DeploymentError> {
        let path = format!("/2015-03-31/functions/{}/invocations", version.replace(':', "%3A"));
        let answer = self.0.post("lambda", &path, &[("content-type", "application/json")], event).await?;
        if answer.function_error { Err(DeploymentError::Function(answer.body.to_string())) } else { Ok(answer.body) }
    }

    /// Tells CodeDeploy what a hook found. Without it the deployment waits for an hour, and fails.
    ///
    /// # Errors
    /// [`DeploymentError`].
    pub async fn report(&self, deployment: &str, execution: &str, verdict: Verdict) -> Result<(), DeploymentError> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus"),
        ];
        let body = json!({
            "deploymentId": deployment, "lifecycleEventHookExecutionId": execution, "status": verdict.name(),
        });
        self.0.post("codedeploy", "/", &headers, &body).await.map(drop)
    }
}
