//! EventBridge `PutEvents` into a log that one can read, and from there to the rules of the template.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use domain::Clock;
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::persist::PersistError;
use super::{ACCOUNT, AwsError, Caller, Persist, Service};

/// Enough for a day of development; the oldest are forgotten first.
const KEPT: usize = 1_000;
/// Entries of one call.
const MOST: usize = 10;
const KIND: &str = "event";

/// One event, as `GET /_local/events` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Which bus it was put on.
    pub bus: String,
    /// `Source`.
    pub source: String,
    /// `DetailType`.
    pub detail_type: String,
    /// `Detail`, parsed.
    pub detail: Value,
    /// When, by the stack's time.
    pub at: Timestamp,
}

/// The EventBridge API and what was put on its buses.
pub struct EventLog {
    region: String,
    clock: Arc<dyn Clock>,
    persist: Arc<Persist>,
    events: Mutex<Events>,
    listener: OnceLock<UnboundedSender<(String, Event)>>,
}

/// Newest first, and the number of the next one.
#[derive(Default)]
struct Events {
    kept: VecDeque<(u64, Event)>,
    next: u64,
}

impl EventLog {
    /// Opens the log with what earlier runs left in it.
    pub fn open(region: impl Into<String>, clock: Arc<dyn Clock>, persist: Arc<Persist>) -> Result<Self, PersistError> {
        let mut events = Events::default();
        for (key, value) in persist.load(KIND)? {
            if let (Ok(number), Ok(event)) = (u64::from_str_radix(&key, 16), serde_json::from_value(value)) {
                events.kept.push_front((number, event));
                events.next = number + 1;
            }
        }
        let (events, listener) = (Mutex::new(events), OnceLock::new());
        Ok(Self { region: region.into(), clock, persist, events, listener })
    }

    /// The events, newest first.
    pub fn events(&self) -> Vec<Event> {
        self.lock().kept.iter().map(|(_, event)| event.clone()).collect()
    }

    /// From now on, each event with its id; for one listener.
    pub fn listen(&self) -> UnboundedReceiver<(String, Event)> {
        let (sender, receiver) = unbounded_channel();
        let _ = self.listener.set(sender);
        receiver
    }

    fn put(&self, body: Value) -> Result<Value, AwsError> {
        let refused = |why: String| AwsError::refused("ValidationException", format!("Local EventBridge: {why}"));
        let request: PutEvents = serde_json::from_value(body).map_err(|error| refused(error.to_string()))?;
        if !(1..=MOST).contains(&request.entries.len()) {
            return Err(refused(format!("1 to {MOST} entries at a time")));
        }
        let mut results = Vec::new();
        for entry in request.entries {
            let result = match serde_json::from_str(&entry.detail) {
                Ok(detail @ Value::Object(_)) => json!({"EventId": id(self.keep(entry, detail)?)}),
                _ => json!({"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}),
            };
            results.push(result);
        }
        let failed = results.iter().filter(|result| result["ErrorCode"].is_string()).count();
        Ok(json!({"FailedEntryCount": failed, "Entries": results}))
    }

    fn keep(&self, entry: Entry, detail: Value) -> Result<u64, AwsError> {
        let event = Event {
            bus: entry.event_bus_name.unwrap_or_else(|| "default".to_owned()),
            source: entry.source,
            detail_type: entry.detail_type,
            detail,
            at: self.clock.now(),
        };
        let mut events = self.lock();
        let number = events.next;
        self.persist.put(KIND, &key(number), &event)?;
        events.next += 1;
        if let Some(listener) = self.listener.get() {
            // Nobody listens any more: the stack is going down.
            let _ = listener.send((id(number), event.clone()));
        }
        events.kept.push_front((number, event));
        if events.kept.len() > KEPT
            && let Some((oldest, _)) = events.kept.pop_back()
        {
            self.persist.delete(KIND, &key(oldest))?;
        }
        Ok(number)
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id(number: u64) -> String {
    format!("{number:032x}")
}

/// Fixed width, so that keys sort as numbers.
fn key(number: u64) -> String {
    format!("{number:016x}")
}

impl Service for EventLog {
    fn call<'a>(&'a self, _: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        let result = match action {
            "PutEvents" => self.put(body),
            _ => Err(AwsError::unknown(format!("events:{action}"))),
        };
        ready(result).boxed()
    }

    /// On every bus that an entry names.
    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        let entries = body["Entries"].as_array().into_iter().flatten();
        let arn = |entry: &Value| match entry["EventBusName"].as_str().unwrap_or("default") {
            arn if arn.starts_with("arn:") => arn.to_owned(),
            name => format!("arn:aws:events:{}:{ACCOUNT}:event-bus/{name}", self.region),
        };
        entries.map(|entry| (format!("events:{action}"), arn(entry))).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Entry {
    source: String,
    detail_type: String,
    detail: String,
    event_bus_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> EventLog {
        let clock = crate::clock::StackClock::frozen(Timestamp::UNIX_EPOCH);
        EventLog::open("us-east-1", Arc::new(clock), Arc::new(Persist::memory())).unwrap()
    }

    fn entry(detail: &str) -> Value {
        json!({"Source": "innkeeper", "DetailType": "t", "Detail": detail, "EventBusName": "bus"})
    }

    #[test]
    fn an_entry_that_is_no_object_fails_alone() {
        let log = log();
        let answer = log.put(json!({"Entries": [entry("{\"n\":1}"), entry("[]"), entry("{\"n\":2}")]})).unwrap();
        assert_eq!(
            (&answer["FailedEntryCount"], &answer["Entries"][1]["ErrorCode"]),
            (&json!(1), &json!("MalformedDetail"))
        );
        let kept: Vec<Value> = log.events().into_iter().map(|event| event.detail["n"].clone()).collect();
        assert_eq!(kept, [json!(2), json!(1)], "newest first");
        assert!(log.put(json!({"Entries": []})).is_err());
        assert!(log.put(json!({"Entries": [{"Source": "s", "TraceHeader": "t"}]})).is_err());
    }

    #[test]
    fn a_right_is_needed_on_each_bus() {
        let other = json!({"Source": "s", "DetailType": "t", "Detail": "{}"});
        let needs = log().authorize("PutEvents", &json!({"Entries": [entry("{}"), other]}));
        let of =
            |bus: &str| ("events:PutEvents".to_owned(), format!("arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{bus}"));
        assert_eq!(needs, [of("bus"), of("default")]);
    }
}
