//! The API and the driver, in frozen time, with functions that are closures.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;

use super::*;
use crate::aws::{AwsError, InvokeError, Invoker, Persist, Service};
use crate::clock::StackClock;

const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:m";

pub(super) type Body = Box<dyn Fn(&str, Value) -> BoxFuture<'static, Result<Value, InvokeError>> + Send + Sync>;

struct Functions(Body);

impl Invoker for Functions {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> BoxFuture<'a, Result<Value, InvokeError>> {
        (self.0)(function, event)
    }
}

fn echo() -> Body {
    Box::new(|_, event| Box::pin(async move { Ok(event) }))
}

pub(super) struct Stack {
    states: StepFunctions,
    pub(super) clock: StackClock,
}

impl Stack {
    fn over(definition: Definition, body: Body, persist: Persist, observer: Option<Arc<dyn Observer>>) -> Self {
        let clock = StackClock::frozen("2026-01-02T03:04:05Z".parse().unwrap());
        let states = StepFunctions::new(Wiring {
            invoker: Arc::new(Functions(body)),
            timer: Arc::new(clock.clone()),
            entropy: Arc::new(Counting::new()),
            persist: Arc::new(persist),
            observer,
        });
        states.register("m", MACHINE, definition);
        states.resume().unwrap();
        Self { states, clock }
    }

    pub(super) fn new(definition: Definition, body: Body) -> Self {
        Self::over(definition, body, Persist::memory(), None)
    }

    fn act(&self, action: &str, body: Value) -> Result<Value, AwsError> {
        self.states.act(action, &body)
    }

    fn code(&self, action: &str, body: Value) -> String {
        self.act(action, body).unwrap_err().code.into_owned()
    }

    pub(super) fn start(&self, name: &str) -> String {
        let answer = self
            .act("StartExecution", json!({"stateMachineArn": MACHINE, "name": name, "input": "{\"in\":1}"}))
            .unwrap();
        answer["executionArn"].as_str().unwrap().to_owned()
    }

    fn describe(&self, arn: &str) -> Value {
        self.act("DescribeExecution", json!({"executionArn": arn})).unwrap()
    }

    /// Lets everything run that can, and then time pass, until `done`.
    async fn until(&self, done: impl Fn() -> bool) {
        for _ in 0..10_000 {
            for _ in 0..400 {
                if done() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            if let Some(at) = self.clock.next_wake() {
                self.clock.advance(at.duration_since(self.clock.now()));
            }
        }
        panic!("it never comes");
    }

    pub(super) async fn end(&self, arn: &str) -> Value {
        self.until(|| self.describe(arn)["status"] != "RUNNING").await;
        self.describe(arn)
    }

    fn history(&self, arn: &str) -> Vec<Value> {
        let answer = self.act("GetExecutionHistory", json!({"executionArn": arn, "maxResults": 1000})).unwrap();
        answer["events"].as_array().unwrap().clone()
    }
}

fn waiting() -> Definition {
    parse(json!({"A": {"Type": "Wait", "Seconds": 10, "End": true}}))
}

#[tokio::test]
async fn an_execution_runs_and_is_described() {
    let stack = Stack::new(parse(json!({"A": task("f", json!({}))})), echo());
    let arn = stack.start("one");
    assert_eq!(arn, "arn:aws:states:us-east-1:123456789012:execution:m:one");
    let end = stack.end(&arn).await;
    assert_eq!(end["status"], "SUCCEEDED");
    assert_eq!(end["output"], "{\"r\":{\"in\":1}}");
    assert_eq!(end["input"], "{\"in\":1}");
    assert_eq!(end["startDate"], 1_767_323_045.0);
    let history = stack.history(&arn);
    assert_eq!(history[0]["executionStartedEventDetails"]["input"], "{\"in\":1}");
    assert_eq!(history[1]["stateEnteredEventDetails"]["name"], "A");
    assert_eq!(history[2]["taskScheduledEventDetails"]["resource"], "invoke");
    assert_eq!(history[6]["executionSucceededEventDetails"]["output"], "{\"r\":{\"in\":1}}");
}

#[tokio::test]
async fn a_name_is_used_once() {
    let stack = Stack::new(waiting(), echo());
    let start = |name: &str, input: &str| {
        stack.act("StartExecution", json!({"stateMachineArn": MACHINE, "name": name, "input": input}))
    };
    let first = start("one", "{\"a\":1}").unwrap();
    stack.clock.advance(SignedDuration::from_secs(3));
    assert_eq!(start("one", "{\"a\":1}").unwrap(), first, "the same request while it runs");
    assert_eq!(start("one", "{\"a\":2}").unwrap_err().code, "ExecutionAlreadyExists");
    stack.end(first["executionArn"].as_str().unwrap()).await;
    assert_eq!(start("one", "{\"a\":1}").unwrap_err().code, "ExecutionAlreadyExists", "it is closed");
    let made_up = stack.act("StartExecution", json!({"stateMachineArn": MACHINE})).unwrap();
    let arn = made_up["executionArn"].as_str().unwrap();
    assert_eq!(arn.rsplit(':').next().unwrap().len(), 36);
    assert_eq!(stack.describe(arn)["input"], "{}");
}

#[tokio::test]
async fn an_execution_that_ends_at_once_is_answered_and_closed() {
    let stack = Stack::new(parse(json!({"A": {"Type": "Succeed"}})), echo());
    let arn = stack.start("one");
    assert_eq!(stack.describe(&arn)["status"], "SUCCEEDED");
    let again = json!({"stateMachineArn": MACHINE, "name": "one", "input": "{\"in\":1}"});
    assert_eq!(stack.code("StartExecution", again), "ExecutionAlreadyExists");
}

#[tokio::test]
async fn bad_requests_are_named_as_aws_names_them() {
    let stack = Stack::new(waiting(), echo());
    let long = "x".repeat(81);
    for name in ["", "a b", "a/b", "a:b", "a*", "a#", "a\n", "{a}", &long] {
        assert_eq!(
            stack.code("StartExecution", json!({"stateMachineArn": MACHINE, "name": name})),
            "InvalidName",
            "{name}"
        );
    }
    stack.act("StartExecution", json!({"stateMachineArn": MACHINE, "name": "tenant-a_b.c!(1)+@='é"})).unwrap();
    let other = format!("{MACHINE}x");
    let execution = "arn:aws:states:us-east-1:123456789012:execution:m:none";
    let table = [
        ("StartExecution", json!({"stateMachineArn": other}), "StateMachineDoesNotExist"),
        ("StartExecution", json!({}), "ValidationException"),
        ("StartExecution", json!({"stateMachineArn": MACHINE, "input": "{"}), "InvalidExecutionInput"),
        ("DescribeExecution", json!({"executionArn": execution}), "ExecutionDoesNotExist"),
        ("GetExecutionHistory", json!({"executionArn": "nonsense"}), "ExecutionDoesNotExist"),
        ("StopExecution", json!({"executionArn": execution}), "ExecutionDoesNotExist"),
        ("ListExecutions", json!({"stateMachineArn": MACHINE, "statusFilter": "ODD"}), "ValidationException"),
        ("ListExecutions", json!({"stateMachineArn": MACHINE, "nextToken": "x"}), "InvalidToken"),
        ("SendTaskSuccess", json!({"taskToken": "00", "output": "{}"}), "InvalidToken"),
        ("SendTaskSuccess", json!({"taskToken": "00", "output": "{"}), "InvalidOutput"),
        ("SendTaskFailure", json!({}), "ValidationException"),
    ];
    for (action, body, code) in table {
        assert_eq!(stack.code(action, body.clone()), code, "{action} {body}");
    }
    let refused = stack.act("CreateStateMachine", json!({})).unwrap_err();
    assert!(refused.message.contains("states:CreateStateMachine"), "{refused}");
    assert!(stack.states.authorize("CreateStateMachine", &json!({})).is_empty());
}

#[tokio::test]
async fn lists_and_histories_come_in_pages() {
    let stack = Stack::new(waiting(), echo());
    let names: Vec<String> = (0..7).map(|n| format!("e{n}")).collect();
    let arns: Vec<String> = names.iter().map(|name| stack.start(name)).collect();
    stack.act("StopExecution", json!({"executionArn": arns[2], "error": "E", "cause": "C"})).unwrap();
    let mut listed = Vec::new();
    let mut token = Value::Null;
    loop {
        let page = stack
            .act("ListExecutions", json!({"stateMachineArn": MACHINE, "maxResults": 3, "nextToken": token}))
            .unwrap();
        listed.extend(page["executions"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap().to_owned()));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert!(listed.iter().rev().eq(&names), "newest first: {listed:?}");
    let aborted = stack.act("ListExecutions", json!({"stateMachineArn": MACHINE, "statusFilter": "ABORTED"})).unwrap();
    assert_eq!(aborted["executions"].as_array().unwrap().len(), 1);
    let stopped = stack.describe(&arns[2]);
    assert_eq!(
        (&stopped["status"], &stopped["error"], &stopped["cause"]),
        (&json!("ABORTED"), &json!("E"), &json!("C"))
    );
    let page = stack
        .act(
            "GetExecutionHistory",
            json!({"executionArn": arns[2], "maxResults": 2, "reverseOrder": true, "includeExecutionData": false}),
        )
        .unwrap();
    assert_eq!(page["events"][0]["type"], "ExecutionAborted");
    assert_eq!(page["events"][1]["stateEnteredEventDetails"], json!({"name": "A"}));
    assert_eq!(page["nextToken"], "2");
}

#[tokio::test]
async fn machines_are_described() {
    let stack = Stack::new(waiting(), echo());
    let described = stack.act("DescribeStateMachine", json!({"stateMachineArn": MACHINE})).unwrap();
    assert_eq!((&described["name"], &described["status"]), (&json!("m"), &json!("ACTIVE")));
    assert!(described["definition"].as_str().unwrap().contains("\"Wait\""));
    assert_eq!(stack.act("ListStateMachines", json!({})).unwrap()["stateMachines"][0]["stateMachineArn"], MACHINE);
}

/// Keeps the tokens that it is given.
fn token_keeper() -> (Body, Arc<Mutex<Vec<String>>>) {
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let kept = tokens.clone();
    let body: Body = Box::new(move |_, event| {
        kept.lock().unwrap().push(event["token"].as_str().unwrap().to_owned());
        Box::pin(async { Ok(Value::Null) })
    });
    (body, tokens)
}

#[tokio::test]
async fn tokens_are_good_once_and_while_their_task_lives() {
    let (body, tokens) = token_keeper();
    let stack =
        Stack::new(parse(json!({"A": token_task(json!({"TimeoutSeconds": 60, "HeartbeatSeconds": 10}))})), body);
    let token = |n: usize| tokens.lock().unwrap()[n].clone();
    let arn = stack.start("one");
    stack.until(|| tokens.lock().unwrap().len() == 1).await;
    assert_eq!(
        stack.states.authorize("SendTaskSuccess", &json!({"taskToken": token(0)})),
        [("states:SendTaskSuccess".into(), MACHINE.into())]
    );
    assert_eq!(
        stack.states.authorize("SendTaskSuccess", &json!({"taskToken": "zz"})),
        [("states:SendTaskSuccess".into(), MACHINE.into())]
    );
    stack.clock.advance(SignedDuration::from_secs(9));
    stack.act("SendTaskHeartbeat", json!({"taskToken": token(0)})).unwrap();
    stack.clock.advance(SignedDuration::from_secs(9));
    tokio::task::yield_now().await;
    let mut forged = token(0);
    let last = if forged.ends_with('0') { "1" } else { "0" };
    forged.replace_range(forged.len() - 1.., last);
    assert_eq!(stack.code("SendTaskSuccess", json!({"taskToken": forged, "output": "1"})), "InvalidToken");
    stack.act("SendTaskSuccess", json!({"taskToken": token(0), "output": "{\"ok\":true}"})).unwrap();
    assert_eq!(stack.end(&arn).await["output"], "{\"ok\":true}");
    for action in ["SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"] {
        assert_eq!(
            stack.code(action, json!({"taskToken": token(0), "output": "1"})),
            "TaskTimedOut",
            "a second answer"
        );
    }

    let late = stack.start("late");
    let end = stack.end(&late).await;
    assert_eq!(end["error"], "States.HeartbeatTimeout");
    assert_eq!(stack.code("SendTaskSuccess", json!({"taskToken": token(1), "output": "1"})), "TaskTimedOut");

    let refused = stack.start("refused");
    stack.until(|| tokens.lock().unwrap().len() == 3).await;
    stack.act("SendTaskFailure", json!({"taskToken": token(2), "error": "No", "cause": "Never"})).unwrap();
    assert_eq!(stack.end(&refused).await["cause"], "Never");

    let elsewhere = Stack::new(waiting(), echo());
    assert_eq!(elsewhere.code("SendTaskSuccess", json!({"taskToken": token(0), "output": "1"})), "TaskDoesNotExist");
}

#[tokio::test]
async fn functions_that_fail_panic_or_do_not_exist() {
    let body: Body = Box::new(|function, _| {
        let function = function.to_owned();
        Box::pin(async move {
            match function.as_str() {
                "fails" => Err(InvokeError::Failed { error_type: "Innkeeper.Fail".into(), error_message: "m".into() }),
                "panics" => panic!("at the disco"),
                _ => Err(InvokeError::Unknown(function)),
            }
        })
    });
    let states = json!({"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName.$": "$.f"}, "End": true}});
    let stack = Stack::new(parse(states), body);
    for (function, error) in
        [("fails", "Innkeeper.Fail"), ("panics", "Runtime.ExitError"), ("none", "Lambda.ResourceNotFoundException")]
    {
        let input = json!({"f": function}).to_string();
        let started = stack.act("StartExecution", json!({"stateMachineArn": MACHINE, "input": input})).unwrap();
        let end = stack.end(started["executionArn"].as_str().unwrap()).await;
        assert_eq!((&end["status"], &end["error"]), (&json!("FAILED"), &json!(error)));
    }
}

/// Crashes at the nth effect.
struct CrashAt(usize, AtomicUsize);

impl Observer for CrashAt {
    fn observe<'a>(&'a self, _: Effect<'a>) -> BoxFuture<'a, Verdict> {
        let n = self.1.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { if n == self.0 { Verdict::Crash } else { Verdict::Proceed } })
    }
}

fn saga() -> Definition {
    parse_machine(json!({"StartAt": "One", "States": {
        "One": task("f", json!({"ResultPath": "$.one", "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5}], "Next": "Pause"})),
        "Pause": {"Type": "Wait", "Seconds": 30, "Next": "Two"},
        "Two": task("f", json!({"ResultPath": "$.two", "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Undo"}], "Next": "Undo"})),
        "Undo": task("f", json!({"ResultPath": null})),
    }}))
}

/// `One` fails when it is first called; `Two` always.
fn saga_functions() -> Body {
    Box::new(|_, event| {
        let fails = event.get("one").is_some() && event.get("error").is_none();
        let failed = || InvokeError::Failed { error_type: "No".into(), error_message: "m".into() };
        Box::pin(async move { if fails { Err(failed()) } else { Ok(json!("done")) } })
    })
}

fn entered(history: &[Value]) -> Vec<&str> {
    history.iter().filter_map(|event| event["stateEnteredEventDetails"]["name"].as_str()).collect()
}

async fn saga_over(path: &Path, observer: Option<Arc<dyn Observer>>) -> Option<(Value, Vec<Value>)> {
    let stack = Stack::over(saga(), saga_functions(), Persist::open(path).unwrap(), observer);
    let arn = "arn:aws:states:us-east-1:123456789012:execution:m:one";
    if stack.act("DescribeExecution", json!({"executionArn": arn})).is_err() {
        stack.start("one");
    }
    tokio::select! {
        biased;
        () = stack.states.halted() => None,
        end = stack.end(arn) => Some((end, stack.history(arn))),
    }
}

#[tokio::test]
async fn a_crash_before_or_after_any_effect_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (calm, calm_history) = saga_over(&dir.path().join("calm"), None).await.unwrap();
    assert_eq!(entered(&calm_history), ["One", "Pause", "Two", "Undo"]);
    for n in 0..6 {
        let path = dir.path().join(format!("crash{n}"));
        let observer: Arc<dyn Observer> = Arc::new(CrashAt(n, AtomicUsize::new(0)));
        assert!(saga_over(&path, Some(observer)).await.is_none(), "it crashes at effect {n}");
        let (end, history) = saga_over(&path, None).await.unwrap();
        assert_eq!((&end["status"], &end["output"]), (&calm["status"], &calm["output"]), "{n}");
        let kinds = |events: &[Value]| events.iter().map(|e| e["type"].clone()).collect::<Vec<_>>();
        assert_eq!(kinds(&history), kinds(&calm_history), "{n}");
        let again = saga_over(&path, None).await.unwrap();
        assert_eq!(again.1, history, "a closed execution is read back as it was");
    }
}

#[tokio::test]
async fn after_halt_nothing_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let stack = Stack::over(waiting(), echo(), Persist::open(&path).unwrap(), None);
    let arn = stack.start("one");
    stack.states.halt();
    assert_eq!(stack.code("StopExecution", json!({"executionArn": arn})), "InternalServerError");
    let next = Stack::over(waiting(), echo(), Persist::open(&path).unwrap(), None);
    assert_eq!(next.end(&arn).await["status"], "SUCCEEDED");
}
