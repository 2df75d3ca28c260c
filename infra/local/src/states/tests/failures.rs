//! Retry, Catch, timeouts, heartbeats, tokens.

use super::*;

fn failing(states: Value, script: impl Fn(&str, usize, &Value) -> Reply + 'static) -> Sim {
    Sim::new(parse(states), json!({"in": 1}), script).run()
}

fn retrying(retry: Value) -> Sim {
    failing(json!({"A": task("f", json!({"Retry": [retry]}))}), |_, _, _| Reply::Err("E"))
}

#[test]
fn the_cause_of_a_function_error_is_its_document() {
    let sim = failing(json!({"A": task("f", json!({}))}), |_, _, _| Reply::Err("Innkeeper.Fail"));
    assert_eq!(sim.error(), ("Innkeeper.Fail", "{\"errorMessage\":\"why\",\"errorType\":\"Innkeeper.Fail\"}"));
    assert_eq!(sim.execution.status, Status::Failed);
    assert_eq!(sim.kinds()[4..], ["TaskFailed", "ExecutionFailed"]);
}

#[test]
fn retries_back_off_as_written() {
    let table = [
        (json!({"ErrorEquals": ["E"]}), vec![0.0, 1.0, 3.0, 7.0]),
        (json!({"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}), vec![0.0]),
        (
            json!({"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "BackoffRate": 1.0, "MaxAttempts": 3}),
            vec![0.0, 2.0, 4.0, 6.0],
        ),
        (
            json!({"ErrorEquals": ["Other", "E"], "IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 3}),
            vec![0.0, 3.0, 7.5, 14.25],
        ),
        (
            json!({"ErrorEquals": ["E"], "IntervalSeconds": 1, "MaxAttempts": 6, "MaxDelaySeconds": 5}),
            vec![0.0, 1.0, 3.0, 7.0, 12.0, 17.0, 22.0],
        ),
        (json!({"ErrorEquals": ["Other"]}), vec![0.0]),
    ];
    for (retry, times) in table {
        let sim = retrying(retry.clone());
        assert_eq!(sim.seconds_of("TaskScheduled"), times, "{retry}");
        assert_eq!(sim.error().0, "E");
        assert_eq!(sim.path(), ["A"], "a retry does not enter the state again");
    }
}

#[test]
fn full_jitter_stays_between_nothing_and_the_delay() {
    let retry = json!({"ErrorEquals": ["E"], "IntervalSeconds": 4, "MaxAttempts": 200, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"});
    let times = retrying(retry).seconds_of("TaskScheduled");
    let delays: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(delays.len(), 200);
    for (n, delay) in delays.iter().enumerate() {
        let most = (4.0 * 2_f64.powi(n.try_into().unwrap())).min(60.0);
        assert!((0.0..=most).contains(delay), "{n}: {delay}");
    }
    assert!(
        delays.iter().any(|delay| *delay < 6.0) && delays.iter().any(|delay| *delay > 54.0),
        "spread over the whole range"
    );
}

#[test]
fn each_retrier_counts_for_itself_and_an_exhausted_one_gives_way_to_catch() {
    // The example of the Amazon States Language: errors A, B, C, B.
    let states = json!({
        "A": task("f", json!({
            "Retry": [
                {"ErrorEquals": ["EA", "EB"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2},
                {"ErrorEquals": ["EC"], "IntervalSeconds": 5},
                {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100},
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}],
        })),
        "Z": {"Type": "Succeed"},
    });
    let sim = failing(states, |_, nth, _| Reply::Err(["EA", "EB", "EC", "EB"][nth]));
    assert_eq!(sim.seconds_of("TaskScheduled"), [0.0, 1.0, 3.0, 8.0]);
    assert_eq!(sim.output()["Error"], "EB");
}

#[test]
fn the_retry_count_is_in_the_context() {
    let states = json!({"A": task("f", json!({
        "Parameters": {"FunctionName": "f", "Payload": {"n.$": "$$.State.RetryCount"}},
        "Retry": [{"ErrorEquals": ["States.ALL"]}],
    }))});
    let sim = failing(states, |_, nth, payload| if nth < 2 { Reply::Err("E") } else { Reply::Ok(payload.clone()) });
    assert_eq!(sim.output(), json!({"r": {"n": 2}}));
}

#[test]
fn the_first_catcher_that_covers_the_error_takes_it() {
    let catch = json!([
        {"ErrorEquals": ["States.Timeout"], "Next": "T"},
        {"ErrorEquals": ["Known"], "Next": "K", "ResultPath": "$.error"},
        {"ErrorEquals": ["States.TaskFailed"], "Next": "F", "ResultPath": null},
        {"ErrorEquals": ["States.ALL"], "Next": "Z"},
    ]);
    let states = || {
        json!({
            "A": task("f", json!({"TimeoutSeconds": 9, "Catch": catch})),
            "T": {"Type": "Succeed"}, "K": {"Type": "Succeed"}, "F": {"Type": "Succeed"}, "Z": {"Type": "Succeed"},
        })
    };
    let known = failing(states(), |_, _, _| Reply::Err("Known"));
    assert_eq!(known.path(), ["A", "K"]);
    let error = json!({"Error": "Known", "Cause": "{\"errorMessage\":\"why\",\"errorType\":\"Known\"}"});
    assert_eq!(known.output(), json!({"in": 1, "error": error}));
    let other = failing(states(), |_, _, _| Reply::Err("Other"));
    assert_eq!((other.path().remove(1), other.output()), ("F".into(), json!({"in": 1})));
    let late = failing(states(), |_, _, _| Reply::Hang);
    assert_eq!((late.path().remove(1), late.output()), ("T".into(), json!({"Error": "States.Timeout"})));
    assert_eq!(late.seconds_of("TaskTimedOut"), [9.0]);
    assert_eq!(late.seconds_of("TaskStateExited"), [9.0]);
}

#[test]
fn a_result_after_the_timeout_counts_for_nothing() {
    let definition = parse(json!({"A": task("f", json!({
        "TimeoutSecondsPath": "$.limit", "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}],
    }))}));
    let mut sim =
        Sim::new(definition, json!({"limit": 9}), |_, nth, _| if nth == 0 { Reply::Hang } else { Reply::Ok(json!(2)) });
    sim.feed(Input::Start);
    let first = sim.calls.pop_front().unwrap();
    assert_eq!(first.deadline, Some(sim.now + SignedDuration::from_secs(9)));
    sim.pass_time();
    assert!(!sim.feed(Input::Returned { task: first.task, result: Ok(json!(1)) }));
    sim.pass_time();
    let second = sim.calls.pop_front().unwrap();
    assert!(!sim.feed(Input::Returned { task: first.task, result: Ok(json!(1)) }));
    assert!(sim.feed(Input::Returned { task: second.task, result: Ok(json!(2)) }));
    assert_eq!(sim.output(), json!({"r": 2}));
}

#[test]
fn uncaught_timeouts_fail_and_the_machines_own_ends_as_timed_out() {
    let task_late = failing(json!({"A": task("f", json!({"TimeoutSeconds": 5}))}), |_, _, _| Reply::Hang);
    assert_eq!((task_late.execution.status, task_late.error()), (Status::Failed, ("States.Timeout", "")));
    let machine = parse_machine(json!({"StartAt": "A", "TimeoutSeconds": 7, "States": {
        "A": task("f", json!({"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]})), "B": {"Type": "Succeed"},
    }}));
    let late = Sim::new(machine, json!({}), |_, _, _| Reply::Hang).run();
    assert_eq!((late.execution.status, late.kinds().pop()), (Status::TimedOut, Some("ExecutionTimedOut")));
    assert_eq!(late.seconds_of("ExecutionTimedOut"), [7.0]);
}

#[test]
fn tokens_answer_after_or_before_the_function_returns() {
    let states = || json!({"A": token_task(json!({"ResultPath": "$.out"}))});
    let after = failing(states(), |_, _, _| Reply::Token(Ok(json!("done"))));
    assert_eq!(after.output(), json!({"in": 1, "out": "done"}));
    assert_eq!(
        after.kinds()[2..7],
        ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited"]
    );
    assert_eq!(failing(states(), |_, _, _| Reply::EarlyToken(json!("soon"))).output()["out"], "soon");
    let said_no = failing(states(), |_, _, _| Reply::Token(Err("Deployer.No")));
    assert_eq!(said_no.error(), ("Deployer.No", "said by token"));
    assert_eq!(failing(states(), |_, _, _| Reply::Err("E")).error().0, "E");
}

#[test]
fn each_attempt_has_a_token_of_its_own() {
    let states = json!({"A": token_task(json!({"Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]}))});
    let sim = failing(states, |_, nth, _| if nth < 2 { Reply::Err("E") } else { Reply::Token(Ok(json!(1))) });
    let mut tokens: Vec<&str> = sim.invoked.iter().map(|(_, payload)| payload["token"].as_str().unwrap()).collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
    assert!(tokens.iter().all(|token| token.len() < 1024), "AWS: at most 2048");
}

#[test]
fn heartbeats_keep_a_task_alive_until_they_stop() {
    let catch = |name: &str| json!([{"ErrorEquals": [name], "Next": "B"}]);
    let states = |name: &str| json!({"A": token_task(json!({"HeartbeatSeconds": 10, "TimeoutSeconds": 100, "Catch": catch(name)})), "B": {"Type": "Succeed"}});
    for name in ["States.HeartbeatTimeout", "States.Timeout", "States.ALL"] {
        let sim = failing(states(name), |_, _, _| Reply::Beats(3, 8));
        assert_eq!(sim.output()["Error"], "States.HeartbeatTimeout");
        assert_eq!(sim.seconds_of("TaskTimedOut"), [34.0], "{name}");
    }
    assert_eq!(failing(states("States.TaskFailed"), |_, _, _| Reply::Beats(0, 8)).execution.status, Status::Failed);
    let sim = failing(states("States.HeartbeatTimeout"), |_, _, _| Reply::Beats(20, 8));
    assert_eq!(sim.error().0, "States.Timeout", "heartbeats do not stretch TimeoutSeconds");
    assert_eq!(sim.seconds_of("TaskTimedOut"), [100.0]);
}

#[test]
fn a_branch_that_fails_takes_its_siblings_with_it() {
    let branch = |name: &str| json!({"StartAt": name, "States": {name: task("f", json!({}))}});
    let states = json!({
        "A": {"Type": "Parallel", "Branches": [branch("Slow"), branch("Bad")], "End": true,
              "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}], "Catch": [{"ErrorEquals": ["E"], "Next": "B", "ResultPath": "$.e"}]},
        "B": {"Type": "Succeed"},
    });
    let sim = failing(states, |state, _, _| if state == "Bad" { Reply::Err("E") } else { Reply::Hang });
    assert_eq!(sim.path(), ["A", "Slow", "Bad", "Slow", "Bad", "B"]);
    assert_eq!(sim.output()["e"]["Error"], "E");
}

#[test]
fn an_iteration_that_fails_fails_the_map() {
    let states = json!({"A": {
        "Type": "Map", "ItemsPath": "$.l", "End": true, "MaxConcurrency": 1,
        "ItemProcessor": {"StartAt": "W", "States": {"W": task("f", json!({}))}},
    }});
    let sim = Sim::new(parse(states), json!({"l": [0, 1, 2]}), |_, _, payload| {
        if payload == &json!(1) { Reply::Err("E") } else { Reply::Ok(Value::Null) }
    });
    let sim = sim.run();
    assert_eq!(sim.error().0, "E");
    assert_eq!(sim.invoked.len(), 2);
    let end = sim.kinds().split_off(sim.kinds().len() - 3);
    assert_eq!(end, ["MapIterationFailed", "MapStateFailed", "ExecutionFailed"]);
}

#[test]
fn a_map_that_fails_between_iterations_leaves_none_behind() {
    let states = json!({
        "A": {
            "Type": "Map", "ItemsPath": "$.l", "End": true, "Catch": [{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "B"}],
            "ItemSelector": {"v.$": "States.StringToJson($$.Map.Item.Value)"},
            "ItemProcessor": {"StartAt": "W", "States": {"W": task("f", json!({}))}},
        },
        "B": {"Type": "Wait", "Seconds": 5, "End": true},
    });
    let sim = Sim::new(parse(states), json!({"l": ["1", "{"]}), |_, _, _| Reply::Hang).run();
    assert_eq!(sim.output()["Error"], "States.IntrinsicFailure");
    assert_eq!(sim.path(), ["A", "W", "B"]);
    assert!(sim.invoked.is_empty());
}

#[test]
fn what_is_too_large_ends_the_execution() {
    let states = json!({"A": task("f", json!({"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]})), "B": {"Type": "Succeed"}});
    let sim = failing(states, |_, _, _| Reply::Ok(json!("x".repeat(300_000))));
    assert_eq!(sim.error().0, "States.DataLimitExceeded");
}

#[test]
fn stop_aborts() {
    let mut sim =
        Sim::new(parse(json!({"A": {"Type": "Wait", "Seconds": 5, "End": true}})), json!({}), |_, _, _| Reply::Hang);
    sim.feed(Input::Start);
    sim.feed(Input::Stop(Failure::new("Why", "Because")));
    assert_eq!((sim.execution.status, sim.error()), (Status::Aborted, ("Why", "Because")));
    assert!(!sim.feed(Input::Tick));
    assert!(!sim.feed(Input::Resume));
}
