//! The history of an execution, as `GetExecutionHistory` tells it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// AWS ends an execution that has this many events; here too, so that a machine that runs in circles ends.
pub(super) const MAX_EVENTS: u64 = 25_000;

/// Something that happened in an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// From 1, without gaps.
    pub id: u64,
    /// What led to it; 0 for the start.
    pub previous: u64,
    /// When.
    pub at: Timestamp,
    /// E.g. `TaskStateEntered`.
    pub kind: String,
    /// What `{kind}EventDetails` holds.
    pub details: Map<String, Value>,
}

impl Event {
    pub(super) fn json(&self, with_data: bool) -> Value {
        let mut details = self.details.clone();
        if !with_data {
            for key in ["input", "output", "parameters"] {
                details.remove(key);
            }
        }
        let mut event = json!({
            "id": self.id,
            "previousEventId": self.previous,
            "timestamp": epoch(self.at),
            "type": self.kind,
        });
        if !details.is_empty() {
            event[details_key(&self.kind)] = details.into();
        }
        event
    }
}

fn details_key(kind: &str) -> String {
    for (suffix, key) in [("StateEntered", "stateEntered"), ("StateExited", "stateExited")] {
        if kind.ends_with(suffix) {
            return format!("{key}EventDetails");
        }
    }
    let (first, rest) = kind.split_at(1);
    format!("{}{rest}EventDetails", first.to_lowercase())
}

/// Seconds since 1970 with milliseconds, as the JSON protocol writes a time.
pub(super) fn epoch(at: Timestamp) -> Value {
    Value::from(at.as_millisecond() as f64 / 1000.0)
}
