//! Where an execution stands: everything that must survive a restart, and nothing else.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;
use super::history::Event;

/// One run of a state machine. Serialise it after a transition; what comes back resumes with
/// [`Input::Resume`](super::Input::Resume).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Execution {
    /// `arn:aws:states:{region}:{account}:execution:{machine}:{name}`.
    pub arn: String,
    /// Unique among the executions of its machine.
    pub name: String,
    /// The ARN of the state machine.
    pub machine: String,
    /// As it was sent, byte for byte.
    pub input: String,
    /// Running, or how it ended.
    pub status: Status,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When it ended.
    pub stopped_at: Option<Timestamp>,
    /// JSON, of a success.
    pub output: Option<String>,
    /// Of every other end.
    pub failure: Option<Failure>,
    pub(super) deadline: Option<Timestamp>,
    pub(super) updated_at: Timestamp,
    pub(super) branches: BTreeMap<u64, Branch>,
    pub(super) last_branch: u64,
    pub(super) last_task: u64,
    pub(super) last_event: u64,
    /// Of transitions that are not yet written down.
    #[serde(skip)]
    pub(super) events: Vec<Event>,
}

/// How an execution stands, in the words of the Step Functions API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Status {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

/// One call of a function: a retry is another task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskId {
    pub(super) branch: u64,
    pub(super) number: u64,
}

impl std::fmt::Display for TaskId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.branch, self.number)
    }
}

/// One thread of control: the machine itself, a branch of a Parallel, an iteration of a Map.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Branch {
    pub(super) parent: Option<u64>,
    /// Which branch or item of the parent.
    pub(super) slot: usize,
    pub(super) item: Option<Item>,
    pub(super) state: String,
    /// The state's input before `InputPath`.
    pub(super) input: Value,
    pub(super) entered_at: Timestamp,
    pub(super) entered_event: u64,
    pub(super) last_event: u64,
    /// Attempts used, by retrier.
    pub(super) retries: Vec<u64>,
    pub(super) retry_count: u64,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) value: Value,
}

/// What a branch waits for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Only within a transition.
    Moving,
    Task(Pending),
    Waiting {
        until: Timestamp,
    },
    Backoff {
        until: Timestamp,
    },
    Children {
        results: Vec<Option<Value>>,
        started: usize,
        left: usize,
    },
}

/// A function was called, and has not answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) number: u64,
    pub(super) via: Via,
    pub(super) function: String,
    pub(super) payload: Value,
    pub(super) token: Option<String>,
    /// The function returned; now the token is awaited.
    pub(super) submitted: bool,
    pub(super) deadline: Option<Timestamp>,
    pub(super) heartbeat: Option<u64>,
    pub(super) heartbeat_deadline: Option<Timestamp>,
    /// The call waits for its turn, and no time counts against it. Not stored: after a restart it is made again.
    #[serde(skip)]
    pub(super) queued: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Via {
    Direct,
    Invoke,
    InvokeAndWait,
}

impl Pending {
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.deadline.into_iter().chain(self.heartbeat_deadline).filter(|_| !self.queued).min()
    }

    fn shift(&mut self, by: SignedDuration) {
        self.deadline = self.deadline.map(|at| later(at, by));
        self.heartbeat_deadline = self.heartbeat_deadline.map(|at| later(at, by));
    }
}

impl Branch {
    pub(super) fn due(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Task(pending) => pending.due(),
            Phase::Waiting { until } | Phase::Backoff { until } => Some(*until),
            Phase::Moving | Phase::Children { .. } => None,
        }
    }
}

impl Execution {
    /// An execution that has not begun; [`Input::Start`](super::Input::Start) begins it.
    pub fn new(arn: String, name: String, machine: String, input: String, now: Timestamp) -> Self {
        Self {
            arn,
            name,
            machine,
            input,
            status: Status::Running,
            started_at: now,
            stopped_at: None,
            output: None,
            failure: None,
            deadline: None,
            updated_at: now,
            branches: BTreeMap::new(),
            last_branch: 0,
            last_task: 0,
            last_event: 0,
            events: Vec::new(),
        }
    }

    /// The events since the last call, oldest first; ids go on where they left off.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Whether the task still waits for its answer.
    pub fn awaits(&self, task: TaskId) -> bool {
        self.pending(task).is_some()
    }

    pub(super) fn pending(&self, task: TaskId) -> Option<&Pending> {
        match &self.branches.get(&task.branch)?.phase {
            Phase::Task(pending) if pending.number == task.number => Some(pending),
            _ => None,
        }
    }

    fn pending_mut(&mut self, task: TaskId) -> Option<&mut Pending> {
        match &mut self.branches.get_mut(&task.branch)?.phase {
            Phase::Task(pending) if pending.number == task.number => Some(pending),
            _ => None,
        }
    }

    /// The earliest moment at which something happens by itself.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.branches.values().filter_map(Branch::due).chain(self.deadline).min()
    }

    /// Moves what is measured from a start (timeouts, heartbeats) by the time in which nobody ran this execution. Waits and
    /// retries stay: they name a moment.
    pub(super) fn skip_downtime(&mut self, now: Timestamp) {
        let lost = now.duration_since(self.updated_at).max(SignedDuration::ZERO);
        self.deadline = self.deadline.map(|at| later(at, lost));
        for branch in self.branches.values_mut() {
            if let Phase::Task(pending) = &mut branch.phase {
                pending.shift(lost);
            }
        }
    }

    /// The call of the task waits for its turn.
    pub(super) fn queue(&mut self, task: TaskId) {
        if let Some(pending) = self.pending_mut(task) {
            pending.queued = true;
        }
    }

    /// It is the task's turn, after it `waited`: what is measured from its start begins now.
    pub(super) fn unqueue(&mut self, task: TaskId, waited: SignedDuration) {
        if let Some(pending) = self.pending_mut(task) {
            pending.queued = false;
            pending.shift(waited);
        }
    }
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn after_seconds(at: Timestamp, seconds: u64) -> Timestamp {
    later(at, SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}
