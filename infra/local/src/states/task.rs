//! Tasks: a function is called, and answers, or fails, or is late.

use serde_json::{Map, Value, json};

use super::definition::{Call, State, Task};
use super::engine::{Engine, Move, details};
use super::execution::{Branch, Pending, Phase, TaskId, Via, after_seconds};
use super::failure::{Failure, HEARTBEAT_TIMEOUT, TIMEOUT};
use super::message::{Command, Invoke};
use super::token;

/// The most that a state may hand on, in bytes (AWS quota).
pub(super) const MAX_DATA: usize = 256 * 1024;

/// The call that a branch waits for, unless it was made and only the token is awaited.
pub(super) fn dispatch(id: u64, branch: &Branch) -> Option<Command> {
    let Phase::Task(pending) = &branch.phase else { return None };
    (!pending.submitted).then(|| {
        Command::Invoke(Invoke {
            task: TaskId { branch: id, number: pending.number },
            state: branch.state.clone(),
            function: pending.function.clone(),
            payload: pending.payload.clone(),
            token: pending.token.clone(),
            deadline: pending.due(),
        })
    })
}

impl Engine<'_> {
    pub(super) fn run_task(&mut self, id: u64, state: &State, task: &Task) -> Result<(), Failure> {
        let number = self.execution.last_task + 1;
        let via = via(&task.call);
        let token = (via == Via::InvokeAndWait)
            .then(|| token::mint(&self.execution.arn, TaskId { branch: id, number }, self.entropy));
        let input = self.parameters(id, state)?;
        let (function, payload) = self.call(id, &task.call, &input, token.as_deref())?;
        let (timeout, heartbeat) = self.with(id, &input, None, |scope| {
            let timeout = task.timeout.as_ref().map(|seconds| seconds.eval("TimeoutSecondsPath", scope));
            let heartbeat = task.heartbeat.as_ref().map(|seconds| seconds.eval("HeartbeatSecondsPath", scope));
            Ok((timeout.transpose()?, heartbeat.transpose()?))
        })?;
        self.execution.last_task = number;
        let mut scheduled = via.scheduled(&function, &payload);
        scheduled.extend(timeout.map(|seconds| ("timeoutInSeconds".to_owned(), json!(seconds))));
        scheduled.extend(heartbeat.map(|seconds| ("heartbeatInSeconds".to_owned(), json!(seconds))));
        self.event(Some(id), &via.kind("Scheduled"), scheduled.into());
        self.event(Some(id), &via.kind("Started"), via.resource().into());
        self.set_phase(
            id,
            Phase::Task(Pending {
                number,
                via,
                function,
                payload,
                token,
                submitted: false,
                deadline: timeout.map(|seconds| after_seconds(self.now, seconds)),
                heartbeat,
                heartbeat_deadline: heartbeat.map(|seconds| after_seconds(self.now, seconds)),
                queued: false,
            }),
        );
        self.commands.extend(self.execution.branches.get(&id).and_then(|branch| dispatch(id, branch)));
        Ok(())
    }

    fn call(&self, id: u64, call: &Call, input: &Value, token: Option<&str>) -> Result<(String, Value), Failure> {
        let Call::Invoke { function, payload, .. } = call else {
            let Call::Direct(arn) = call else { return Err(Failure::default()) };
            return Ok((arn.clone(), input.clone()));
        };
        self.with(id, input, token, |scope| {
            let payload = payload.as_ref().map(|template| template.eval("Payload", scope)).transpose()?;
            match function.eval("FunctionName", scope)? {
                Value::String(name) => Ok((name, payload.unwrap_or_else(|| json!({})))),
                other => Err(Failure::runtime(format!("FunctionName is not a string: {other}"))),
            }
        })
    }

    pub(super) fn returned(&mut self, task: TaskId, result: Result<Value, Failure>) -> Option<()> {
        let pending = self.execution.pending(task)?;
        let (via, submitted) = (pending.via, pending.submitted);
        match result {
            Ok(_) if via == Via::InvokeAndWait && submitted => None,
            Ok(value) if via == Via::InvokeAndWait => {
                if let Some(Phase::Task(pending)) = self.execution.branches.get_mut(&task.branch).map(|b| &mut b.phase)
                {
                    pending.submitted = true;
                }
                let mut details = via.resource();
                details.insert("output".into(), invoked(value).to_string().into());
                self.event(Some(task.branch), &via.kind("Submitted"), details.into());
                Some(())
            }
            Ok(value) if via == Via::Invoke => self.answered(task, Ok(invoked(value))),
            result => self.answered(task, result),
        }
    }

    pub(super) fn answered(&mut self, task: TaskId, result: Result<Value, Failure>) -> Option<()> {
        let via = self.execution.pending(task)?.via;
        let id = task.branch;
        self.set_phase(id, Phase::Moving);
        let mut shown = via.resource();
        let result = result.and_then(|value| match value.to_string() {
            text if text.len() > MAX_DATA => Err(too_large(self, id)),
            text => Ok((value, text)),
        });
        match result {
            Ok((value, text)) => {
                shown.insert("output".into(), text.into());
                self.event(Some(id), &via.kind("Succeeded"), shown.into());
                self.moves.push_back(Move::Result { branch: id, value });
            }
            Err(failure) => {
                shown.extend(details(&failure).as_object().cloned().unwrap_or_default());
                self.event(Some(id), &via.kind("Failed"), shown.into());
                self.moves.push_back(Move::Failed { branch: id, failure });
            }
        }
        Some(())
    }

    pub(super) fn heartbeat(&mut self, task: TaskId) -> Option<()> {
        self.execution.pending(task)?;
        if let Some(Phase::Task(pending)) = self.execution.branches.get_mut(&task.branch).map(|b| &mut b.phase) {
            pending.heartbeat_deadline = pending.heartbeat.map(|seconds| after_seconds(self.now, seconds));
        }
        Some(())
    }

    /// The branch has stopped waiting for `pending`, which is due.
    pub(super) fn timed_out(&mut self, id: u64, pending: &Pending) {
        let missed =
            pending.deadline.is_none_or(|deadline| pending.heartbeat_deadline.is_some_and(|beat| beat < deadline));
        let failure = Failure::named(if missed { HEARTBEAT_TIMEOUT } else { TIMEOUT });
        let mut shown = pending.via.resource();
        shown.extend(details(&failure).as_object().cloned().unwrap_or_default());
        self.event(Some(id), &pending.via.kind("TimedOut"), shown.into());
        self.moves.push_back(Move::Failed { branch: id, failure });
    }
}

fn too_large(engine: &Engine<'_>, id: u64) -> Failure {
    let state = engine.execution.branches.get(&id).map_or("", |branch| branch.state.as_str());
    let cause = format!(
        "The state/task '{state}' returned a result with a size exceeding the maximum number of bytes service limit."
    );
    Failure::new("States.DataLimitExceeded", cause)
}

fn via(call: &Call) -> Via {
    match call {
        Call::Direct(_) => Via::Direct,
        Call::Invoke { wait_for_token: false, .. } => Via::Invoke,
        Call::Invoke { wait_for_token: true, .. } => Via::InvokeAndWait,
    }
}

fn invoked(payload: Value) -> Value {
    json!({ "ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200 })
}

impl Via {
    /// The event that says so, e.g. `TaskScheduled`.
    fn kind(self, what: &str) -> String {
        format!("{}{what}", if self == Self::Direct { "LambdaFunction" } else { "Task" })
    }

    fn resource(self) -> Map<String, Value> {
        let resource = match self {
            Self::Direct => return Map::new(),
            Self::Invoke => "invoke",
            Self::InvokeAndWait => "invoke.waitForTaskToken",
        };
        [("resourceType", "lambda"), ("resource", resource)]
            .map(|(k, v)| (k.to_owned(), json!(v)))
            .into_iter()
            .collect()
    }

    fn scheduled(self, function: &str, payload: &Value) -> Map<String, Value> {
        let mut details = self.resource();
        if self == Self::Direct {
            details
                .extend([("resource".to_owned(), json!(function)), ("input".to_owned(), json!(payload.to_string()))]);
        } else {
            let parameters = json!({ "FunctionName": function, "Payload": payload });
            details.insert("parameters".into(), json!(parameters.to_string()));
        }
        details
    }
}
