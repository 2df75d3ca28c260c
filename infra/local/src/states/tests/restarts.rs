//! A process that dies anywhere leaves an execution that ends as if nothing had happened.

use super::*;

/// Every type of state, retries, catches, waits, tokens, nesting.
fn everything() -> Definition {
    let steps = json!({"StartAt": "Step", "States": {
        "Step": task("step", json!({"Retry": [{"ErrorEquals": ["Innkeeper.Retry"], "IntervalSeconds": 2}], "Next": "Pause"})),
        "Pause": {"Type": "Wait", "Seconds": 3, "Next": "Nested"},
        "Nested": {"Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "Left", "States": {"Left": task("left", json!({"TimeoutSeconds": 5, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]})), "Late": {"Type": "Pass", "End": true}}},
            {"StartAt": "Right", "States": {"Right": token_task(json!({"HeartbeatSeconds": 30}))}},
        ]},
    }});
    parse_machine(json!({"StartAt": "Begin", "TimeoutSeconds": 3600, "States": {
        "Begin": {"Type": "Pass", "Parameters": {"items.$": "$.items", "name.$": "$$.Execution.Name"}, "Next": "Each"},
        "Each": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "ResultPath": "$.each", "Next": "Which", "ItemProcessor": steps},
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$.name", "StringEquals": "one", "Next": "Broken"}], "Default": "Never"},
        "Broken": task("broken", json!({"Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo", "ResultPath": "$.error"}], "Next": "Never"})),
        "Never": {"Type": "Fail"},
        "Undo": task("undo", json!({"ResultPath": "$.undone", "Next": "Done"})),
        "Done": {"Type": "Succeed"},
    }}))
}

fn script(state: &str, nth: usize, payload: &Value) -> Reply {
    match state {
        "Step" if nth.is_multiple_of(2) => Reply::Err("Innkeeper.Retry"),
        "Left" if nth == 1 => Reply::Hang,
        "Right" => Reply::Token(Ok(json!("deployed"))),
        "Broken" => Reply::Err("Broken"),
        "Undo" => Reply::Ok(payload["error"]["Error"].clone()),
        _ => Reply::Ok(payload.clone()),
    }
}

fn simulate(crash: Crash) -> Sim {
    Sim::new(everything(), json!({"items": ["a", "b", "c"]}), script).crashing(crash).run()
}

/// What must not depend on the crash. Siblings may overtake one another, so their order is left out.
fn essence(sim: &Sim) -> (Value, Vec<String>) {
    let mut path = sim.path();
    path.sort();
    (sim.output(), path)
}

#[test]
fn it_ends_the_same_wherever_the_process_dies() {
    let calm = simulate(Crash::Never);
    assert_eq!(calm.output()["undone"], json!({"r": "Broken"}));
    assert!(calm.transitions > 25, "{}", calm.transitions);
    for n in 1..=calm.transitions {
        assert_eq!(essence(&simulate(Crash::AfterTransition(n))), essence(&calm), "after transition {n}");
    }
    assert_eq!(essence(&simulate(Crash::AfterEveryTransition)), essence(&calm));
    let repeated = simulate(Crash::BeforeEveryRecord);
    assert_eq!(essence(&repeated), essence(&calm));
    assert!(repeated.invoked.len() > calm.invoked.len(), "calls were repeated");
}

#[test]
fn event_ids_have_no_gaps_after_restarts() {
    let sim = simulate(Crash::AfterEveryTransition);
    let ids: Vec<u64> = sim.events.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=sim.events.len() as u64).collect::<Vec<_>>());
    assert!(sim.events.iter().all(|event| event.previous < event.id));
}

#[test]
fn a_repeated_call_is_the_same_call_with_the_same_token() {
    let mut sim =
        Sim::new(parse(json!({"A": token_task(json!({"TimeoutSeconds": 60}))})), json!({}), |_, _, _| Reply::Hang);
    sim.feed(Input::Start);
    let before = sim.calls.front().unwrap().clone();
    sim.restart();
    assert_eq!(sim.calls.pop_front().unwrap(), before);
    sim.feed(Input::Returned { task: before.task, result: Ok(Value::Null) });
    sim.restart();
    assert!(sim.calls.is_empty(), "the function returned; only the token is awaited");
    sim.feed(Input::Answered { task: before.task, result: Ok(json!(1)) });
    assert_eq!(sim.output(), json!(1));
}

#[test]
fn downtime_is_not_counted_against_timeouts() {
    let machine = parse_machine(
        json!({"StartAt": "A", "TimeoutSeconds": 100, "States": {"A": token_task(json!({"TimeoutSeconds": 60, "HeartbeatSeconds": 20}))}}),
    );
    let mut sim = Sim::new(machine, json!({}), |_, _, _| Reply::Hang);
    sim.feed(Input::Start);
    sim.now += SignedDuration::from_hours(8);
    sim.restart();
    let task = sim.calls.pop_front().unwrap().task;
    assert!(!sim.feed(Input::Tick), "nothing is due");
    assert_eq!(sim.wake, Some(sim.now + SignedDuration::from_secs(20)));
    assert!(sim.feed(Input::Answered { task, result: Ok(json!(1)) }));
    assert_eq!(sim.execution.status, Status::Succeeded);
}

#[test]
fn a_state_that_is_gone_after_the_restart_fails_the_execution() {
    let mut sim =
        Sim::new(parse(json!({"A": {"Type": "Wait", "Seconds": 5, "End": true}})), json!({}), |_, _, _| Reply::Hang);
    sim.feed(Input::Start);
    sim.definition = parse_machine(json!({"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}));
    sim.restart();
    assert_eq!(sim.error(), ("States.Runtime", "The state machine no longer has the state 'A'."));
}
