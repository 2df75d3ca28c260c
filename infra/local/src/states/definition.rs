//! A state machine as typed states. The file is the only truth: what the local stack would run differently from AWS, or
//! not at all, is refused with its line when the file is read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::choice::Rule;
use super::intrinsic::Expression;
use super::parse;
use super::path::Path;
use super::source::{DefinitionError, Node};
use super::template::Template;

/// A state machine, ready to run. Names of states are unique in the whole machine, as AWS asks.
#[derive(Debug, Clone)]
pub struct Definition {
    pub(super) start_at: String,
    pub(super) states: HashMap<String, State>,
    pub(super) timeout: Option<u64>,
    pub(super) source: Arc<str>,
}

impl Definition {
    /// Reads Amazon States Language (JSON, query language JSONPath). `file` is for messages; `substitutions` are the
    /// template's `DefinitionSubstitutions`, which replace `${Name}`.
    pub fn parse(file: &str, text: &str, substitutions: &BTreeMap<String, String>) -> Result<Self, DefinitionError> {
        let source = parse::substitute(file, text, substitutions)?;
        parse::machine(file, &Node::read(file, &source)?, &source)
    }

    /// The names of the states that may run, sorted.
    pub fn state_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.states.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Every function that a Task names outright, sorted, each once.
    pub fn functions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.states.values().filter_map(|state| state.kind.function()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[derive(Debug, Clone)]
pub(super) struct State {
    /// `None` hands on `{}` (`"InputPath": null`).
    pub(super) input_path: Option<Path>,
    pub(super) parameters: Option<Template>,
    pub(super) result_selector: Option<Template>,
    /// `None` drops the result (`"ResultPath": null`).
    pub(super) result_path: Option<Path>,
    pub(super) output_path: Option<Path>,
    pub(super) retry: Vec<Retrier>,
    pub(super) catch: Vec<Catcher>,
    /// `None` ends the branch.
    pub(super) next: Option<String>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Task(Task),
    Pass { result: Option<Value> },
    Choice { rules: Vec<(Rule, String)>, default: Option<String> },
    Wait(Wait),
    Succeed,
    Fail { error: Option<Text>, cause: Option<Text> },
    Map { items_path: Path, item_selector: Option<Template>, max_concurrency: usize, start_at: String },
    Parallel { start_at: Vec<String> },
}

impl Kind {
    /// As `Type` has it, and as events are named.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Task(_) => "Task",
            Self::Pass { .. } => "Pass",
            Self::Choice { .. } => "Choice",
            Self::Wait(_) => "Wait",
            Self::Succeed => "Succeed",
            Self::Fail { .. } => "Fail",
            Self::Map { .. } => "Map",
            Self::Parallel { .. } => "Parallel",
        }
    }

    fn function(&self) -> Option<&str> {
        match self {
            Self::Task(Task { call: Call::Direct(arn), .. }) => Some(arn),
            Self::Task(Task {
                call: Call::Invoke { function: Template::Literal(Value::String(name)), .. }, ..
            }) => Some(name),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) call: Call,
    pub(super) timeout: Option<Seconds>,
    pub(super) heartbeat: Option<Seconds>,
}

#[derive(Debug, Clone)]
pub(super) enum Call {
    /// A function's ARN as `Resource`: payload in, payload out.
    Direct(String),
    /// `arn:aws:states:::lambda:invoke`, and with `.waitForTaskToken`.
    Invoke { function: Template, payload: Option<Template>, wait_for_token: bool },
}

#[derive(Debug, Clone)]
pub(super) enum Seconds {
    Fixed(u64),
    Path(Path),
}

#[derive(Debug, Clone)]
pub(super) enum Text {
    Fixed(String),
    Computed(Expression),
}

#[derive(Debug, Clone)]
pub(super) enum Wait {
    Seconds(Seconds),
    Until(Timestamp),
    UntilPath(Path),
}

#[derive(Debug, Clone)]
pub(super) struct Retrier {
    pub(super) errors: Vec<String>,
    pub(super) interval: u64,
    pub(super) backoff: f64,
    pub(super) max_attempts: u64,
    pub(super) max_delay: Option<u64>,
    pub(super) full_jitter: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Catcher {
    pub(super) errors: Vec<String>,
    pub(super) result_path: Option<Path>,
    pub(super) next: String,
}
