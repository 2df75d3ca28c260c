//! How a state fails, and which retrier or catcher answers to it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An error as Step Functions reports it: a name and a cause, either of which may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    /// E.g. `States.Timeout` or the `errorType` of a function.
    pub error: Option<String>,
    /// For people; of a function, its error document as a JSON string.
    pub cause: Option<String>,
}

pub(super) const TIMEOUT: &str = "States.Timeout";
pub(super) const HEARTBEAT_TIMEOUT: &str = "States.HeartbeatTimeout";

impl Failure {
    pub(super) fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { error: Some(error.into()), cause: Some(cause.into()) }
    }

    pub(super) fn named(error: &str) -> Self {
        Self { error: Some(error.to_owned()), cause: None }
    }

    /// The machine itself is at fault; no retrier or catcher answers to it.
    pub(super) fn runtime(cause: impl Into<String>) -> Self {
        Self::new("States.Runtime", cause)
    }

    pub(super) fn intrinsic(cause: impl Into<String>) -> Self {
        Self::new("States.IntrinsicFailure", cause)
    }

    /// What AWS makes of an error that a function returned: the cause is the error document, as a string.
    pub(super) fn of_function(error_type: &str, error_message: &str) -> Self {
        let document = serde_json::json!({"errorMessage": error_message, "errorType": error_type});
        Self::new(error_type, document.to_string())
    }

    /// What a catcher hands on.
    pub(super) fn output(&self) -> Value {
        let mut output = Map::new();
        for (key, value) in [("Error", &self.error), ("Cause", &self.cause)] {
            output.extend(value.clone().map(|value| (key.to_owned(), Value::String(value))));
        }
        output.into()
    }

    /// Whether one name of an `ErrorEquals` covers this failure.
    ///
    /// `States.Runtime` and `States.DataLimitExceeded` end the execution whatever is written. `States.TaskFailed` is every
    /// error but a timeout. A missed heartbeat is a timeout too, so `States.Timeout` covers it.
    pub(super) fn is_covered_by(&self, name: &str) -> bool {
        let error = self.error.as_deref().unwrap_or_default();
        match (error, name) {
            ("States.Runtime" | "States.DataLimitExceeded", _) => false,
            (_, "States.ALL") => true,
            (TIMEOUT | HEARTBEAT_TIMEOUT, "States.TaskFailed") => false,
            (_, "States.TaskFailed") => true,
            (HEARTBEAT_TIMEOUT, TIMEOUT) => true,
            (error, name) => error == name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cover_errors_as_documented() {
        let table = [
            ("Custom", "States.ALL", true),
            ("Custom", "States.TaskFailed", true),
            ("Custom", "Custom", true),
            ("Custom", "Other", false),
            ("Custom", "custom", false),
            ("States.Timeout", "States.ALL", true),
            ("States.Timeout", "States.TaskFailed", false),
            ("States.Timeout", "States.HeartbeatTimeout", false),
            ("States.HeartbeatTimeout", "States.HeartbeatTimeout", true),
            ("States.HeartbeatTimeout", "States.Timeout", true),
            ("States.Runtime", "States.ALL", false),
            ("States.Runtime", "States.Runtime", false),
            ("States.DataLimitExceeded", "States.ALL", false),
            ("States.ResultPathMatchFailure", "States.ALL", true),
            ("", "States.ALL", true),
        ];
        for (error, name, covered) in table {
            assert_eq!(Failure::named(error).is_covered_by(name), covered, "{error} by {name}");
        }
    }
}
