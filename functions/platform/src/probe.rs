//! The hook before the traffic: CodeDeploy calls it before a new version gets its first calls.
//!
//! It asks every new version of the release at once for `/healthz`, as API Gateway would. Whoever answers has started: its
//! settings, secrets and rights are there. A function without that route says so at its door, before it asks the store for
//! anything, so a probe costs one invocation each and changes nothing. The versions of a release go live together or not at all.
//!
//! It fails closed: what is not the expected answer is a failed deployment, and so is a word that does not reach CodeDeploy.
//!
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html>

use deployment::{DeploymentError, Deployments, Verdict};
use futures::future::join_all;
use lambda::{Env, FromEnv, StartError, Task};
use serde::Deserialize;
use serde_json::{Value, json};
use workflow::StepError;

/// What CodeDeploy sends.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Shift {
    deployment_id: String,
    lifecycle_event_hook_execution_id: String,
}

/// Why a version gets no traffic.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error(transparent)]
    NotAsked(#[from] DeploymentError),
    #[error("it answered {0}, and not to this request or not as its door does")]
    Strange(u64),
}

/// The versions of the release, by their qualified ARNs.
pub struct Deps {
    versions: Vec<String>,
    deployments: Deployments,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        env.required("VERSIONS")?;
        let deployments = env.http.clone().and_then(|http| Deployments::new(&env.sdk, http));
        Ok(Self { versions: env.list("VERSIONS"), deployments: deployments.ok_or(StartError::Missing("AWS_REGION"))? })
    }
}

/// The hook.
pub struct Probe;

impl Task for Probe {
    type Deps = Deps;
    type Input = Shift;
    type Output = Value;
    const NAME: &'static str = "Probe";

    /// One invocation of each version, and one call of CodeDeploy.
    async fn run(deps: &Deps, shift: Shift) -> Result<Value, StepError> {
        let event = event(&shift.deployment_id);
        let asked = deps.versions.iter().map(async |version| (version, deps.ask(version, &event).await));
        let mut unfit = Vec::new();
        for (version, answer) in join_all(asked).await {
            if let Err(error) = answer {
                let why = error.to_string();
                tracing::error!(version, why, deployment = shift.deployment_id, "a new version is not fit for traffic");
                unfit.push(version);
            }
        }
        let verdict = if unfit.is_empty() { Verdict::Succeeded } else { Verdict::Failed };
        let Shift { deployment_id, lifecycle_event_hook_execution_id } = &shift;
        let told = deps.deployments.report(deployment_id, lifecycle_event_hook_execution_id, verdict).await;
        // Lambda calls again, twice, what an asynchronous caller has no answer of.
        told.map_err(|error| StepError::retry("CodeDeploy was not told", error))?;
        Ok(json!({"status": verdict.name(), "asked": deps.versions.len(), "unfit": unfit}))
    }
}

impl Deps {
    /// Once more where Lambda itself had no answer, so that one throttled call does not end a deployment.
    async fn ask(&self, version: &str, event: &Value) -> Result<(), Unfit> {
        let answer = match self.deployments.invoke(version, event).await {
            Err(error) if error.may_pass() => self.deployments.invoke(version, event).await?,
            answer => answer?,
        };
        judge(&answer, event)
    }
}

/// `GET /healthz`, of a request named after the deployment, by which the functions' log tells it.
fn event(deployment: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "GET /healthz", "rawPath": "/healthz", "rawQueryString": "",
        "headers": {"host": "probe.invalid", "x-forwarded-proto": "https"},
        "requestContext": {
            "accountId": "", "apiId": "probe", "stage": "$default", "requestId": format!("probe-{deployment}"),
            "routeKey": "GET /healthz", "domainName": "probe.invalid", "domainPrefix": "probe",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
            "http": {
                "method": "GET", "path": "/healthz", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "probe",
            },
        },
        "isBase64Encoded": false,
    })
}

/// The door's own answer to this very request: up (200), or that this function has no such route (404).
fn judge(answer: &Value, event: &Value) -> Result<(), Unfit> {
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    let same = answer["headers"]["x-request-id"] == event["requestContext"]["requestId"];
    if same && matches!(status, 200 | 404) { Ok(()) } else { Err(Unfit::Strange(status)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_doors_answer_to_this_request_is_good() {
        let event = event("d-EXAMPLE01");
        let answer = |status: u64, id: &str| json!({"statusCode": status, "headers": {"x-request-id": id}});
        for (status, id, good) in [
            (200, "probe-d-EXAMPLE01", true),
            (404, "probe-d-EXAMPLE01", true),
            (200, "probe-d-EXAMPLE02", false),
            (500, "probe-d-EXAMPLE01", false),
            (426, "probe-d-EXAMPLE01", false),
        ] {
            assert_eq!(judge(&answer(status, id), &event).is_ok(), good, "{status} {id}");
        }
        for nothing in [json!(null), json!({}), json!("ok")] {
            assert!(judge(&nothing, &event).is_err(), "{nothing}");
        }
    }
}
