//! Runs machines against scripted functions, in simulated time, with a restart wherever a test wants one.

mod compared;
mod crowds;
mod definitions;
mod failures;
mod flows;
mod restarts;
mod services;
mod shipped;

use std::collections::{BTreeMap, HashMap, VecDeque};

use domain::Entropy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;

/// Different at every call and the same in every run.
pub(super) struct Counting(std::sync::atomic::AtomicU64);

impl Counting {
    pub(super) fn new() -> Self {
        Self(1.into())
    }
}

impl Entropy for Counting {
    fn fill(&self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(8) {
            let n = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&n.to_le_bytes()[..chunk.len()]);
        }
    }
}

pub(super) fn parse(states: Value) -> Definition {
    parse_machine(json!({ "StartAt": "A", "States": states }))
}

pub(super) fn parse_machine(machine: Value) -> Definition {
    let text = serde_json::to_string_pretty(&machine).unwrap();
    Definition::parse("statemachines/x.asl.json", &text, &BTreeMap::new()).unwrap()
}

/// A Task that calls the function of its own name through lambda:invoke, with more fields.
pub(super) fn task(function: &str, more: Value) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": { "FunctionName": function, "Payload.$": "$" },
        "ResultSelector": { "r.$": "$.Payload" },
    });
    state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    if !matches!(more.get("Next"), Some(Value::String(_))) {
        state["End"] = json!(true);
    }
    state
}

/// The same, answered by token.
pub(super) fn token_task(more: Value) -> Value {
    let mut state = task("f", more);
    state["Resource"] = json!("arn:aws:states:::lambda:invoke.waitForTaskToken");
    state["Parameters"]["Payload"] = json!({ "token.$": "$$.Task.Token" });
    state["Parameters"].as_object_mut().unwrap().remove("Payload.$");
    state.as_object_mut().unwrap().remove("ResultSelector");
    state
}

#[derive(Debug, Clone)]
pub(super) enum Reply {
    Ok(Value),
    Err(&'static str),
    /// Never returns.
    Hang,
    /// Returns, and answers by token afterwards.
    Token(Result<Value, &'static str>),
    /// Answers by token before it returns.
    EarlyToken(Value),
    /// Returns; sends this many heartbeats, so many seconds apart, and then nothing.
    Beats(u32, i64),
}

/// When the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crash {
    Never,
    /// Right after the nth transition was recorded.
    AfterTransition(usize),
    AfterEveryTransition,
    /// After every call of a function, before its result is recorded; once per task.
    BeforeEveryRecord,
}

/// When, with which token; a heartbeat has no result.
type Answer = (Timestamp, String, Option<Result<Value, Failure>>);
type Script = Box<dyn Fn(&str, usize, &Value) -> Reply>;

pub(super) struct Sim {
    definition: Definition,
    pub(super) execution: Execution,
    pub(super) now: Timestamp,
    entropy: Counting,
    script: Script,
    crash: Crash,
    calls: VecDeque<Invoke>,
    wake: Option<Timestamp>,
    answers: VecDeque<Answer>,
    /// Distinct tasks by state.
    tasks: HashMap<String, Vec<TaskId>>,
    pub(super) invoked: Vec<(String, Value)>,
    pub(super) transitions: usize,
    pub(super) events: Vec<Event>,
}

impl Sim {
    pub(super) fn new(
        definition: Definition,
        input: Value,
        script: impl Fn(&str, usize, &Value) -> Reply + 'static,
    ) -> Self {
        let now: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let arn = "arn:aws:states:us-east-1:123456789012:execution:m:one".to_owned();
        let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m".to_owned();
        Self {
            definition,
            execution: Execution::new(arn, "one".into(), machine, input.to_string(), now),
            now,
            entropy: Counting::new(),
            script: Box::new(script),
            crash: Crash::Never,
            calls: VecDeque::new(),
            wake: None,
            answers: VecDeque::new(),
            tasks: HashMap::new(),
            invoked: Vec::new(),
            transitions: 0,
            events: Vec::new(),
        }
    }

    pub(super) fn crashing(mut self, crash: Crash) -> Self {
        self.crash = crash;
        self
    }

    pub(super) fn run(mut self) -> Self {
        assert!(self.feed(Input::Start));
        while self.execution.status == Status::Running {
            if let Some(call) = self.calls.pop_front() {
                self.call(call);
            } else {
                self.pass_time();
            }
        }
        self
    }

    /// Applies one input, and dies if it is time to; whether the input changed anything.
    pub(super) fn feed(&mut self, input: Input) -> bool {
        let resumes = matches!(input, Input::Resume);
        let Some(commands) = advance(&self.definition, &mut self.execution, input, self.now, &self.entropy) else {
            return false;
        };
        self.events.extend(self.execution.take_events());
        self.wake = None;
        for command in commands {
            match command {
                Command::Invoke(call) => self.calls.push_back(call),
                Command::WakeAt(at) => self.wake = Some(at),
                Command::Finished => assert_ne!(self.execution.status, Status::Running),
            }
        }
        if !resumes {
            self.transitions += 1;
            match self.crash {
                Crash::AfterTransition(n) if n == self.transitions => self.restart(),
                Crash::AfterEveryTransition => self.restart(),
                _ => {}
            }
        }
        true
    }

    pub(super) fn restart(&mut self) {
        let json = serde_json::to_value(&self.execution).unwrap();
        self.execution = serde_json::from_value(json).unwrap();
        self.calls.clear();
        self.wake = None;
        self.feed(Input::Resume);
    }

    fn call(&mut self, call: Invoke) {
        self.invoked.push((call.function.clone(), call.payload.clone()));
        let tasks = self.tasks.entry(call.state.clone()).or_default();
        let is_new = !tasks.contains(&call.task);
        if is_new {
            tasks.push(call.task);
        }
        let nth = tasks.iter().position(|task| *task == call.task).unwrap();
        if is_new && self.crash == Crash::BeforeEveryRecord {
            self.restart();
            return;
        }
        let reply = (self.script)(&call.state, nth, &call.payload);
        let returned = |value| Input::Returned { task: call.task, result: value };
        match reply {
            Reply::Hang => {}
            Reply::Ok(value) => self.take(returned(Ok(value))),
            Reply::Err(error) => self.take(returned(Err(Failure::of_function(error, "why")))),
            Reply::Token(answer) => {
                let answer = answer.map_err(|error| Failure::new(error, "said by token"));
                self.answers.push_back((self.now, call.token.unwrap(), Some(answer)));
                self.feed(returned(Ok(Value::Null)));
            }
            Reply::EarlyToken(value) => {
                self.feed(Input::Answered { task: call.task, result: Ok(value) });
                assert!(!self.feed(returned(Ok(Value::Null))), "the task is over");
            }
            Reply::Beats(count, apart) => {
                let token = call.token.unwrap();
                for n in 1..=i64::from(count) {
                    let at = self.now + SignedDuration::from_secs(n * apart);
                    self.answers.push_back((at, token.clone(), None));
                }
                self.feed(returned(Ok(Value::Null)));
            }
        }
    }

    /// An answer always counts, but for an iteration of a Map that a sibling's failure has ended.
    fn take(&mut self, answer: Input) {
        assert!(self.feed(answer) || self.kinds().contains(&"MapStateStarted"));
    }

    fn pass_time(&mut self) {
        let answer = self.answers.front().map(|(at, _, _)| *at);
        let next = answer.into_iter().chain(self.wake).min().expect("it waits for nothing");
        self.now = self.now.max(next);
        if answer == Some(next) {
            let (_, token, answer) = self.answers.pop_front().unwrap();
            let (arn, task) = super::token::read(&token).unwrap();
            assert_eq!(arn, self.execution.arn);
            let pending = self.execution.pending(task);
            if pending.is_some_and(|pending| pending.token.as_deref() == Some(&token)) {
                self.feed(match answer {
                    Some(result) => Input::Answered { task, result },
                    None => Input::Heartbeat { task },
                });
            }
        } else {
            self.feed(Input::Tick);
        }
    }

    pub(super) fn output(&self) -> Value {
        assert_eq!(self.execution.status, Status::Succeeded, "{:?}", self.execution.failure);
        serde_json::from_str(self.execution.output.as_ref().unwrap()).unwrap()
    }

    pub(super) fn error(&self) -> (&str, &str) {
        let failure = self.execution.failure.as_ref().expect("it did not fail");
        (failure.error.as_deref().unwrap_or(""), failure.cause.as_deref().unwrap_or(""))
    }

    /// The states in the order in which they were entered.
    pub(super) fn path(&self) -> Vec<String> {
        let entered = self.events.iter().filter(|event| event.kind.ends_with("StateEntered"));
        entered.map(|event| event.details["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn kinds(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.kind.as_str()).collect()
    }

    /// Seconds since the start at which events of this kind happened.
    pub(super) fn seconds_of(&self, kind: &str) -> Vec<f64> {
        let start = self.execution.started_at;
        let events = self.events.iter().filter(|event| event.kind == kind);
        events.map(|event| event.at.duration_since(start).as_secs_f64()).collect()
    }
}

/// Runs a machine whose only functions echo.
pub(super) fn run(states: Value, input: Value) -> Sim {
    Sim::new(parse(states), input, |_, _, payload| Reply::Ok(payload.clone())).run()
}
