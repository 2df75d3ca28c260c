//! CodeDeploy, as far as a hook before the traffic speaks with it: `PutLifecycleEventHookExecutionStatus`.
//!
//! Nothing is shifted, for there is one version of each function; a deployment here is what its hook is asked about.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::future::{BoxFuture, FutureExt, ready};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AwsError, Caller, Service};

/// The deployments of this process, and the CodeDeploy API over them.
#[derive(Default)]
pub struct CodeDeploy {
    deployments: Mutex<BTreeMap<String, Deployment>>,
}

struct Deployment {
    /// The deployment group's ARN, which permissions are about.
    group: String,
    execution: String,
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Word {
    deployment_id: String,
    lifecycle_event_hook_execution_id: String,
    status: String,
}

impl CodeDeploy {
    /// Begins one of the deployment group with this ARN. What its hook is sent.
    pub fn begin(&self, group: &str) -> (String, Value) {
        let mut deployments = self.lock();
        let number = deployments.len() + 1;
        let (id, execution) = (format!("d-LOCAL{number:04}"), format!("execution-{number}"));
        let event = json!({"DeploymentId": id, "LifecycleEventHookExecutionId": execution});
        deployments.insert(id.clone(), Deployment { group: group.to_owned(), execution, status: None });
        (id, event)
    }

    /// What the hook said of the deployment: `Succeeded`, `Failed`, or nothing yet.
    pub fn status(&self, deployment: &str) -> Option<String> {
        self.lock().get(deployment)?.status.clone()
    }

    fn put(&self, body: Value) -> Result<Value, AwsError> {
        let word: Word = serde_json::from_value(body)
            .map_err(|error| AwsError::refused("ValidationException", format!("Local CodeDeploy: {error}")))?;
        if !["Succeeded", "Failed"].contains(&word.status.as_str()) {
            let message = "Status must be Succeeded or Failed.";
            return Err(AwsError::refused("InvalidLifecycleEventHookExecutionStatusException", message));
        }
        let mut deployments = self.lock();
        let deployment = deployments.get_mut(&word.deployment_id).ok_or_else(|| {
            AwsError::refused(
                "DeploymentDoesNotExistException",
                "The deployment does not exist with the user or account.",
            )
        })?;
        if deployment.execution != word.lifecycle_event_hook_execution_id {
            let message = "The lifecycle event hook execution id is not of this deployment.";
            return Err(AwsError::refused("InvalidLifecycleEventHookExecutionIdException", message));
        }
        if deployment.status.is_some() {
            let message = "An attempt to return the status of an already completed lifecycle event occurred.";
            return Err(AwsError::refused("LifecycleEventAlreadyCompletedException", message));
        }
        deployment.status = Some(word.status);
        Ok(json!({"lifecycleEventHookExecutionId": word.lifecycle_event_hook_execution_id}))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Deployment>> {
        self.deployments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for CodeDeploy {
    fn call<'a>(&'a self, _: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        let result = match action {
            "PutLifecycleEventHookExecutionStatus" => self.put(body),
            _ => Err(AwsError::unknown(format!("codedeploy:{action}"))),
        };
        ready(result).boxed()
    }

    /// On the group of the deployment; there is none to ask about where there is no such deployment.
    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        let deployments = self.lock();
        let deployment = body["deploymentId"].as_str().and_then(|id| deployments.get(id));
        deployment.map(|deployment| (format!("codedeploy:{action}"), deployment.group.clone())).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:app/group";

    #[test]
    fn a_hook_has_one_word_on_its_own_deployment() {
        let codedeploy = CodeDeploy::default();
        let (id, event) = codedeploy.begin(GROUP);
        let word = |execution: &Value, status: &str| {
            codedeploy.put(json!({"deploymentId": id, "lifecycleEventHookExecutionId": execution, "status": status}))
        };
        let execution = &event["LifecycleEventHookExecutionId"];
        assert_eq!(
            word(&json!("other"), "Succeeded").unwrap_err().code,
            "InvalidLifecycleEventHookExecutionIdException"
        );
        assert_eq!(word(execution, "Perhaps").unwrap_err().code, "InvalidLifecycleEventHookExecutionStatusException");
        assert_eq!(codedeploy.status(&id), None);
        word(execution, "Failed").unwrap();
        assert_eq!(word(execution, "Succeeded").unwrap_err().code, "LifecycleEventAlreadyCompletedException");
        assert_eq!(codedeploy.status(&id).unwrap(), "Failed");
    }

    #[test]
    fn the_right_is_on_the_deployments_group() {
        let codedeploy = CodeDeploy::default();
        let (id, _) = codedeploy.begin(GROUP);
        let action = "PutLifecycleEventHookExecutionStatus";
        assert_eq!(
            codedeploy.authorize(action, &json!({"deploymentId": id})),
            [(format!("codedeploy:{action}"), GROUP.to_owned())]
        );
        assert!(codedeploy.authorize(action, &json!({"deploymentId": "d-OTHER"})).is_empty());
    }
}
