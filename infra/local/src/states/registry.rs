//! The state machines and their executions, in memory and on disk.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::Value;

use super::definition::Definition;
use super::execution::Execution;
use super::history::Event;
use crate::aws::{AwsError, Persist};

const EXECUTIONS: &str = "states.execution";
const HISTORY: &str = "states.history";

pub(super) struct Machine {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) created_at: Timestamp,
    pub(super) definition: Arc<Definition>,
    pub(super) runs: RwLock<Runs>,
}

#[derive(Default)]
pub(super) struct Runs {
    pub(super) by_name: HashMap<String, Arc<Run>>,
    /// Oldest first.
    pub(super) in_order: Vec<Arc<Run>>,
}

pub(super) struct Run {
    pub(super) definition: Arc<Definition>,
    live: Mutex<Live>,
}

pub(super) struct Live {
    pub(super) execution: Execution,
    pub(super) history: Vec<Event>,
    /// The wake that the timers hold.
    pub(super) armed: Option<Timestamp>,
}

impl Machine {
    pub(super) fn new(name: &str, arn: &str, definition: Definition, created_at: Timestamp) -> Self {
        let definition = Arc::new(definition);
        Self { name: name.to_owned(), arn: arn.to_owned(), created_at, definition, runs: RwLock::default() }
    }

    /// `arn:…:stateMachine:m` has executions `arn:…:execution:m:name`.
    pub(super) fn execution_arn(&self, name: &str) -> String {
        format!("{}:{name}", self.arn.replacen(":stateMachine:", ":execution:", 1))
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Run>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).cloned()
    }
}

impl Runs {
    pub(super) fn insert(&mut self, name: String, run: Arc<Run>) {
        self.by_name.insert(name, run.clone());
        self.in_order.push(run);
    }
}

impl Run {
    pub(super) fn new(definition: Arc<Definition>, execution: Execution, history: Vec<Event>) -> Arc<Self> {
        Arc::new(Self { definition, live: Mutex::new(Live { execution, history, armed: None }) })
    }

    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Writes the transition down. The events go first and the execution says how many count, so that a kill in between
    /// leaves the transition undone; its events are then written again under the same key.
    pub(super) fn record(&mut self, persist: &Persist) -> Result<(), AwsError> {
        let events = self.execution.take_events();
        let arn = &self.execution.arn;
        if let Some(first) = events.first() {
            persist.put(HISTORY, &format!("{arn}#{:08}", first.id), &events)?;
        }
        persist.put(EXECUTIONS, arn, &self.execution)?;
        self.history.extend(events);
        Ok(())
    }
}

/// Every execution on disk with its history, oldest first.
pub(super) fn load(persist: &Persist) -> Result<Vec<(Execution, Vec<Event>)>, AwsError> {
    let mut histories: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for (key, value) in persist.load(HISTORY)? {
        let arn = key.rsplit_once('#').map_or(key.as_str(), |(arn, _)| arn).to_owned();
        let events: Vec<Event> = read(value)?;
        let history = histories.entry(arn).or_default();
        // A batch that was written again overlaps what a kill left behind.
        let first = events.first().map_or(u64::MAX, |event| event.id);
        history.retain(|event| event.id < first);
        history.extend(events);
    }
    let mut executions = Vec::new();
    for (arn, value) in persist.load(EXECUTIONS)? {
        let execution: Execution = read(value)?;
        let mut history = histories.remove(&arn).unwrap_or_default();
        history.retain(|event| event.id <= execution.last_event);
        executions.push((execution, history));
    }
    executions.sort_by_key(|(execution, _)| execution.started_at);
    Ok(executions)
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, AwsError> {
    serde_json::from_value(value).map_err(AwsError::internal)
}
