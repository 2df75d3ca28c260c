//! The interpreter: what happened, and what is to be done about it. It reads no clock and does no IO, so that every
//! transition can be written down before anything acts on it.

use std::collections::VecDeque;

use domain::Entropy;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::definition::{Definition, State};
use super::execution::{Branch, Execution, Item, Phase, Status};
use super::failure::{Failure, TIMEOUT};
use super::history::{Event, MAX_EVENTS};
use super::message::{Command, Input};

/// Applies one input. `None` means that it came too late, or too early, and changed nothing.
pub fn advance(
    definition: &Definition,
    execution: &mut Execution,
    input: Input,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Option<Vec<Command>> {
    if execution.status != Status::Running {
        return None;
    }
    let mut engine = Engine { definition, execution, now, entropy, moves: VecDeque::new(), commands: Vec::new() };
    engine.accept(input)?;
    engine.settle();
    Some(engine.conclude())
}

pub(super) struct Engine<'a> {
    pub(super) definition: &'a Definition,
    pub(super) execution: &'a mut Execution,
    pub(super) now: Timestamp,
    pub(super) entropy: &'a dyn Entropy,
    pub(super) moves: VecDeque<Move>,
    pub(super) commands: Vec<Command>,
}

/// A step of a branch that needs nothing from outside.
pub(super) enum Move {
    Enter {
        branch: u64,
        state: String,
        input: Value,
    },
    Run {
        branch: u64,
    },
    /// The state's work is done with this result.
    Result {
        branch: u64,
        value: Value,
    },
    Leave {
        branch: u64,
        output: Value,
        next: Option<String>,
    },
    Failed {
        branch: u64,
        failure: Failure,
    },
    Unhandled {
        branch: u64,
        failure: Failure,
    },
}

impl Move {
    fn branch(&self) -> u64 {
        match self {
            Self::Enter { branch, .. }
            | Self::Run { branch }
            | Self::Result { branch, .. }
            | Self::Leave { branch, .. }
            | Self::Failed { branch, .. }
            | Self::Unhandled { branch, .. } => *branch,
        }
    }
}

impl<'a> Engine<'a> {
    fn accept(&mut self, input: Input) -> Option<()> {
        match input {
            Input::Start => self.start(),
            Input::Returned { task, result } => self.returned(task, result),
            Input::Answered { task, result } => self.answered(task, result),
            Input::Heartbeat { task } => self.heartbeat(task),
            Input::Tick => self.tick(),
            Input::Stop(failure) => self.finish(Status::Aborted, Err(failure)),
            Input::Resume => self.resume(),
        }
    }

    fn start(&mut self) -> Option<()> {
        self.execution.deadline =
            self.definition.timeout.map(|seconds| super::execution::after_seconds(self.now, seconds));
        self.event(None, "ExecutionStarted", json!({ "input": self.execution.input }));
        let branch = self.branch(None, 0, None);
        let input = serde_json::from_str(&self.execution.input).unwrap_or_default();
        self.moves.push_back(Move::Enter { branch, state: self.definition.start_at.clone(), input });
        Some(())
    }

    fn tick(&mut self) -> Option<()> {
        if self.execution.deadline.is_some_and(|deadline| deadline <= self.now) {
            return self.finish(Status::TimedOut, Err(Failure::named(TIMEOUT)));
        }
        let branches = &self.execution.branches;
        let is_due = |branch: &Branch| branch.due().is_some_and(|due| due <= self.now);
        let due: Vec<u64> = branches.iter().filter(|(_, branch)| is_due(branch)).map(|(id, _)| *id).collect();
        for &id in &due {
            self.wake(id);
            self.settle();
        }
        (!due.is_empty()).then_some(())
    }

    fn wake(&mut self, id: u64) -> Option<()> {
        let branch = self.execution.branches.get_mut(&id)?;
        match std::mem::replace(&mut branch.phase, Phase::Moving) {
            Phase::Waiting { .. } => self.pass_on(id),
            Phase::Backoff { .. } => self.moves.push_back(Move::Run { branch: id }),
            Phase::Task(pending) => self.timed_out(id, &pending),
            other => branch.phase = other,
        }
        Some(())
    }

    fn resume(&mut self) -> Option<()> {
        self.execution.skip_downtime(self.now);
        let states = &self.definition.states;
        let lost = self.execution.branches.values().find(|branch| !states.contains_key(&branch.state));
        if let Some(branch) = lost {
            let cause = format!("The state machine no longer has the state '{}'.", branch.state);
            return self.finish(Status::Failed, Err(Failure::runtime(cause)));
        }
        let branches = self.execution.branches.iter();
        let tasks: Vec<Command> = branches.filter_map(|(id, branch)| super::task::dispatch(*id, branch)).collect();
        self.commands.extend(tasks);
        Some(())
    }

    /// Moves every branch until it waits for something.
    pub(super) fn settle(&mut self) {
        while let Some(next) = self.moves.pop_front() {
            // A sibling may have failed in between and taken this branch with it.
            if !self.execution.branches.contains_key(&next.branch()) {
                continue;
            }
            if self.execution.last_event >= MAX_EVENTS {
                let cause = format!("The execution reached the maximum number of history events ({MAX_EVENTS}).");
                self.finish(Status::Failed, Err(Failure::runtime(cause)));
                return;
            }
            self.step(next);
        }
    }

    fn step(&mut self, next: Move) {
        match next {
            Move::Enter { branch, state, input } => self.enter(branch, state, input),
            Move::Run { branch } => self.attempt(branch, |engine, state| engine.run(branch, state)),
            Move::Result { branch, value } => {
                self.attempt(branch, |engine, state| engine.result(branch, state, value));
            }
            Move::Leave { branch, output, next } => self.leave(branch, output, next),
            Move::Failed { branch, failure } => self.failed(branch, failure),
            Move::Unhandled { branch, failure } => self.unhandled(branch, failure),
        }
    }

    /// Runs a part of a state that may fail by itself, and says where it failed.
    pub(super) fn attempt(&mut self, id: u64, part: impl FnOnce(&mut Self, &'a State) -> Result<(), Failure>) {
        let Some(state) = self.state(id) else { return };
        if let Err(mut failure) = part(self, state)
            && let Some(branch) = self.execution.branches.get(&id)
        {
            let cause = failure.cause.take().unwrap_or_default();
            failure.cause = Some(format!(
                "An error occurred while executing the state '{}' (entered at the event id #{}). {cause}",
                branch.state, branch.entered_event
            ));
            self.moves.push_back(Move::Failed { branch: id, failure });
        }
    }

    fn enter(&mut self, id: u64, state: String, input: Value) {
        let Some(kind) = self.definition.states.get(&state).map(|state| state.kind.name()) else { return };
        let details = json!({ "name": state, "input": input.to_string() });
        let event = self.event(Some(id), &format!("{kind}StateEntered"), details);
        if let Some(branch) = self.execution.branches.get_mut(&id) {
            branch.state = state;
            branch.input = input;
            branch.entered_at = self.now;
            branch.entered_event = event;
            branch.retries.clear();
            branch.retry_count = 0;
            self.moves.push_back(Move::Run { branch: id });
        }
    }

    fn leave(&mut self, id: u64, output: Value, next: Option<String>) {
        let Some((state, kind)) = self.execution.branches.get(&id).map(|b| &b.state).zip(self.state(id)) else {
            return;
        };
        let details = json!({ "name": state, "output": output.to_string() });
        self.event(Some(id), &format!("{}StateExited", kind.kind.name()), details);
        match next {
            Some(state) => self.moves.push_back(Move::Enter { branch: id, state, input: output }),
            None => self.branch_done(id, output),
        }
    }

    pub(super) fn finish(&mut self, status: Status, end: Result<Value, Failure>) -> Option<()> {
        let (kind, details) = match (&end, status) {
            (Ok(output), _) => ("ExecutionSucceeded", json!({ "output": output.to_string() })),
            (Err(failure), Status::TimedOut) => ("ExecutionTimedOut", details(failure)),
            (Err(failure), Status::Aborted) => ("ExecutionAborted", details(failure)),
            (Err(failure), _) => ("ExecutionFailed", details(failure)),
        };
        let root = self.execution.branches.keys().next().copied();
        self.event(root, kind, details);
        self.execution.status = status;
        self.execution.stopped_at = Some(self.now);
        (self.execution.output, self.execution.failure) = match end {
            Ok(output) => (Some(output.to_string()), None),
            Err(failure) => (None, Some(failure)),
        };
        self.execution.deadline = None;
        self.execution.branches.clear();
        self.moves.clear();
        Some(())
    }

    fn conclude(mut self) -> Vec<Command> {
        self.execution.updated_at = self.now;
        if self.execution.status != Status::Running {
            return vec![Command::Finished];
        }
        let execution = &self.execution;
        self.commands.retain(|command| !matches!(command, Command::Invoke(call) if !execution.awaits(call.task)));
        self.commands.extend(self.execution.due().map(Command::WakeAt));
        self.commands
    }

    pub(super) fn branch(&mut self, parent: Option<u64>, slot: usize, item: Option<Item>) -> u64 {
        self.execution.last_branch += 1;
        let branch = Branch {
            parent,
            slot,
            item,
            state: String::new(),
            input: Value::Null,
            entered_at: self.now,
            entered_event: 0,
            last_event: parent.and_then(|id| self.execution.branches.get(&id)).map_or(0, |parent| parent.last_event),
            retries: Vec::new(),
            retry_count: 0,
            phase: Phase::Moving,
        };
        self.execution.branches.insert(self.execution.last_branch, branch);
        self.execution.last_branch
    }

    pub(super) fn state(&self, id: u64) -> Option<&'a State> {
        self.definition.states.get(&self.execution.branches.get(&id)?.state)
    }

    pub(super) fn context<'s>(&'s self, branch: &'s Branch, token: Option<&'s str>) -> Context<'s> {
        let mut holder = Some(branch);
        while let Some(inner) = holder.filter(|branch| branch.item.is_none()) {
            holder = inner.parent.and_then(|id| self.execution.branches.get(&id));
        }
        Context { execution: self.execution, branch, token, item: holder.and_then(|branch| branch.item.as_ref()) }
    }

    pub(super) fn event(&mut self, id: Option<u64>, kind: &str, details: Value) -> u64 {
        let execution = &mut *self.execution;
        execution.last_event += 1;
        let branch = id.and_then(|id| execution.branches.get_mut(&id));
        let previous = branch.map_or(0, |branch| std::mem::replace(&mut branch.last_event, execution.last_event));
        let details = match details {
            Value::Object(details) => details,
            _ => Map::new(),
        };
        let event = Event { id: execution.last_event, previous, at: self.now, kind: kind.to_owned(), details };
        execution.events.push(event);
        execution.last_event
    }
}

/// Error and cause, as event details have them.
pub(super) fn details(failure: &Failure) -> Value {
    serde_json::to_value(failure)
        .map(|mut value| {
            if let Some(map) = value.as_object_mut() {
                map.retain(|_, value| !value.is_null());
            }
            value
        })
        .unwrap_or_default()
}
