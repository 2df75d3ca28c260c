//! RecordFailure: FAILED, with the step, the cause and whether a retry helps.

use domain::{Action, Failure, Step as Which, TenantStatus};
use lambda::{Env, FromEnv, StartError, Step};
use serde::Deserialize;
use serde_json::Value;
use store::{Effects, Outcome};
use workflow::{Caught, StepError, StepInput};

use crate::journal::Journal;

/// The journal.
pub struct Deps {
    journal: Journal,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Which::ValidateRequest)? })
    }
}

/// The step.
pub struct RecordFailure;

impl Step for RecordFailure {
    type Deps = Deps;
    const NAME: &'static str = "RecordFailure";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let tenant = deps.journal.tenant(&input).await?;
        if tenant.provisioning.status() == TenantStatus::Failed {
            return Ok(Value::Null);
        }
        let told = input.failure.as_ref().map_or_else(Told::unknown, told);
        let step = tenant.provisioning.halted_at();
        let failure = Failure::new(&told.code, step, &told.detail, told.retryable);
        let effects = Effects::of(&tenant).promise_kept();
        deps.journal.of(step).finish(&input, Outcome::Failed(failure), effects, Action::TenantFailed).await
    }

    /// A record is not taken back.
    async fn undo(_: &Deps, _: StepInput) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}

/// What a failed step says of itself.
#[derive(Deserialize)]
pub(crate) struct Told {
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) retryable: bool,
}

impl Told {
    fn unknown() -> Self {
        Self { code: "unknown".into(), detail: "the step did not say why".into(), retryable: true }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaError {
    error_message: String,
}

/// Reads a caught failure: the words of our own steps, or what Step Functions says in their place.
pub(crate) fn told(caught: &Caught) -> Told {
    // A function's failure is wrapped by Lambda; the deployer's answer comes as it is.
    let words =
        serde_json::from_str::<LambdaError>(&caught.cause).map_or_else(|_| caught.cause.clone(), |e| e.error_message);
    if let Ok(told) = serde_json::from_str::<Told>(&words) {
        return told;
    }
    match caught.error.as_str() {
        "States.Timeout" | "States.HeartbeatTimeout" => {
            Told { code: "timeout".into(), detail: "the step did not end in its time".into(), retryable: true }
        }
        // The rest is between us and AWS: its text may name internals, so the log has it and the tenant does not.
        _ => Told { code: "internal".into(), detail: "the step broke; our log says why".into(), retryable: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: &str, cause: &str) -> (String, String, bool) {
        let told = told(&Caught { error: error.into(), cause: cause.into() });
        (told.code, told.detail, told.retryable)
    }

    #[test]
    fn a_step_is_heard_in_its_own_words() {
        let cause = r#"{"errorType":"Innkeeper.Fail","errorMessage":"{\"code\":\"region_unavailable\",\"detail\":\"gone\",\"retryable\":false}"}"#;
        assert_eq!(of("Innkeeper.Fail", cause), ("region_unavailable".into(), "gone".into(), false));
    }

    #[test]
    fn the_deployer_is_heard_in_its_own_words() {
        let cause = r#"{"code":"quota","detail":"no capacity","retryable":true}"#;
        assert_eq!(of("Innkeeper.Fail", cause), ("quota".into(), "no capacity".into(), true));
    }

    #[test]
    fn what_aws_says_is_not_repeated() {
        assert_eq!(of("States.Timeout", "").0, "timeout");
        let (code, detail, retryable) = of("Lambda.Unknown", "arn:aws:lambda:secret-internals");
        assert_eq!((code.as_str(), retryable), ("internal", true));
        assert!(!detail.contains("arn"));
    }
}
