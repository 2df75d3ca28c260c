//! What an expression can see: its input, and the context object (`$$`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::execution::{Branch, Execution, Item};
use super::failure::Failure;
use super::path::Path;

pub(super) struct Scope<'a> {
    pub(super) input: &'a Value,
    pub(super) context: &'a Context<'a>,
}

pub(super) struct Context<'a> {
    pub(super) execution: &'a Execution,
    pub(super) branch: &'a Branch,
    pub(super) token: Option<&'a str>,
    pub(super) item: Option<&'a Item>,
}

impl Scope<'_> {
    pub(super) fn find(&self, field: &str, path: &Path) -> Result<Value, Failure> {
        self.look(path).ok_or_else(|| {
            Failure::runtime(format!(
                "The JSONPath '{}' specified for the field '{field}' could not be found in the input '{}'",
                path.text(),
                self.input
            ))
        })
    }

    pub(super) fn look(&self, path: &Path) -> Option<Value> {
        if path.is_context() { path.find(&self.context.value()).cloned() } else { path.find(self.input).cloned() }
    }
}

impl Context<'_> {
    fn value(&self) -> Value {
        let (execution, branch) = (self.execution, self.branch);
        let mut value = json!({
            "Execution": {
                "Id": execution.arn,
                "Name": execution.name,
                "Input": serde_json::from_str::<Value>(&execution.input).unwrap_or_default(),
                "StartTime": iso(execution.started_at),
                "RedriveCount": 0,
            },
            "StateMachine": { "Id": execution.machine, "Name": execution.machine.rsplit(':').next() },
            "State": { "Name": branch.state, "EnteredTime": iso(branch.entered_at), "RetryCount": branch.retry_count },
        });
        if let Some(token) = self.token {
            value["Task"] = json!({ "Token": token });
        }
        if let Some(item) = self.item {
            value["Map"] = json!({ "Item": { "Index": item.index, "Value": item.value } });
        }
        value
    }
}

/// ISO 8601 with milliseconds, as the context object has it.
fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
