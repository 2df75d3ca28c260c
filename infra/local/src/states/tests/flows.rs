//! Data through states: paths, templates, functions, choices, waits, branches.

use super::*;

#[test]
fn paths_and_templates_of_a_pass() {
    let input = json!({"a": {"n": 1, "s": "x"}, "keep": true});
    let pass = |more: Value| {
        let mut state = json!({"Type": "Pass", "End": true});
        state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        run(json!({"A": state}), input.clone()).output()
    };
    assert_eq!(pass(json!({})), input);
    assert_eq!(pass(json!({"InputPath": "$.a"})), json!({"n": 1, "s": "x"}));
    assert_eq!(pass(json!({"InputPath": null})), json!({}));
    assert_eq!(pass(json!({"OutputPath": null})), json!({}));
    assert_eq!(pass(json!({"OutputPath": "$.a.s"})), json!("x"));
    assert_eq!(pass(json!({"Result": 7, "ResultPath": "$.a.n"})), json!({"a": {"n": 7, "s": "x"}, "keep": true}));
    assert_eq!(pass(json!({"Result": 7, "ResultPath": null})), input);
    assert_eq!(
        pass(json!({"InputPath": "$.a", "ResultPath": "$.copy"})),
        json!({"a": {"n": 1, "s": "x"}, "keep": true, "copy": {"n": 1, "s": "x"}})
    );
    assert_eq!(
        pass(
            json!({"InputPath": "$.a", "Parameters": {"l": [{"n.$": "$.n"}, 2], "f": {"s.$": "$['s']"}, "id.$": "$$.Execution.Name"}})
        ),
        json!({"l": [{"n": 1}, 2], "f": {"s": "x"}, "id": "one"})
    );
}

#[test]
fn intrinsic_functions() {
    let input = json!({"name": "Ann", "n": 4, "json": "{\"a\":[1]}", "o": {"k": "v"}, "b": true, "odd,(key": 1});
    let eval = |text: &str| {
        let state = json!({"A": {"Type": "Pass", "End": true, "Parameters": {"v.$": text}, "OutputPath": "$.v"}});
        run(state, input.clone()).output()
    };
    assert_eq!(eval("States.Format('Hi {}, {} \\{\\} it\\'s {}', $.name, $.n, $.b)"), json!("Hi Ann, 4 {} it's true"));
    assert_eq!(eval("States.Format('none')"), json!("none"));
    assert_eq!(eval("States.StringToJson($.json)"), json!({"a": [1]}));
    assert_eq!(eval("States.JsonToString($.o)"), json!("{\"k\":\"v\"}"));
    assert_eq!(eval("States.Array($.n, 'it', null, 2.5, States.Array())"), json!([4, "it", null, 2.5, []]));
    assert_eq!(eval("States.MathAdd($.n, -5)"), json!(-1));
    assert_eq!(eval("States.MathAdd(1.6, 1)"), json!(3));
    assert_eq!(eval("States.Format('{}', States.MathAdd($['odd,(key'], $$.State.RetryCount))"), json!("1"));
    assert_eq!(eval("$$.State.EnteredTime"), json!("2026-01-02T03:04:05.678Z"));
}

#[test]
fn intrinsic_failures_have_their_own_name() {
    for text in ["States.StringToJson('{')", "States.MathAdd('a', 1)", "States.Format('{}', $)"] {
        let sim = run(json!({"A": {"Type": "Pass", "End": true, "Parameters": {"v.$": text}}}), json!({}));
        assert_eq!(sim.error().0, "States.IntrinsicFailure", "{text}");
    }
}

#[test]
fn a_missing_path_ends_the_execution() {
    let states = json!({"A": task("f", json!({
        "Parameters": {"FunctionName": "f", "Payload": {"x.$": "$.nope"}},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}],
    })), "B": {"Type": "Succeed"}});
    let sim = run(states, json!({"a": 1}));
    let cause = "An error occurred while executing the state 'A' (entered at the event id #2). The JSONPath '$.nope' specified \
                 for the field 'x.$' could not be found in the input '{\"a\":1}'";
    assert_eq!(sim.error(), ("States.Runtime", cause));
}

#[test]
fn a_result_that_fits_nowhere_can_be_caught() {
    let states = json!({
        "A": task("f", json!({"ResultPath": "$.a.b", "Catch": [{"ErrorEquals": ["States.ResultPathMatchFailure"], "Next": "B", "ResultPath": "$.e"}]})),
        "B": {"Type": "Succeed"},
    });
    let output = run(states, json!({"a": 1})).output();
    assert_eq!(output["e"]["Error"], "States.ResultPathMatchFailure");
    assert_eq!(output["a"], 1);
}

#[test]
fn both_ways_to_call_a_function() {
    let states = json!({
        "A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "Parameters": {"in.$": "$.n"}, "ResultPath": "$.direct", "Next": "B"},
        "B": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName.$": "$.fn", "Payload": {"in.$": "$.n"}}, "ResultPath": "$.invoke", "End": true},
    });
    let sim = run(states, json!({"n": 1, "fn": "g"}));
    assert_eq!(
        sim.output(),
        json!({
            "n": 1, "fn": "g",
            "direct": {"in": 1},
            "invoke": {"ExecutedVersion": "$LATEST", "Payload": {"in": 1}, "StatusCode": 200},
        })
    );
    assert_eq!(
        sim.invoked,
        [
            ("arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(), json!({"in": 1})),
            ("g".to_owned(), json!({"in": 1}))
        ]
    );
    assert_eq!(
        sim.kinds(),
        [
            "ExecutionStarted",
            "TaskStateEntered",
            "LambdaFunctionScheduled",
            "LambdaFunctionStarted",
            "LambdaFunctionSucceeded",
            "TaskStateExited",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "TaskStateExited",
            "ExecutionSucceeded",
        ]
    );
    let previous: Vec<u64> = sim.events.iter().map(|event| event.previous).collect();
    assert_eq!(previous, [0, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
}

#[test]
fn choices() {
    let holds = |rule: Value, input: Value| {
        let mut rule = rule;
        rule["Next"] = json!("Yes");
        let states = json!({"A": {"Type": "Choice", "Choices": [rule], "Default": "No"}, "Yes": {"Type": "Succeed"}, "No": {"Type": "Succeed"}});
        let sim = run(states, input);
        match sim.execution.status {
            Status::Succeeded => Ok(sim.path()[1] == "Yes"),
            _ => Err(sim.error().0.to_owned()),
        }
    };
    let input = json!({"s": "b", "n": 2, "f": 2.5, "t": true, "z": null, "at": "2026-01-01T00:00:00Z", "two": 2});
    let table = [
        (json!({"Variable": "$.s", "StringEquals": "b"}), true),
        (json!({"Variable": "$.s", "StringEquals": "B"}), false),
        (json!({"Variable": "$.s", "StringGreaterThan": "a"}), true),
        (json!({"Variable": "$.n", "StringEquals": "2"}), false),
        (json!({"Variable": "$.n", "NumericEquals": 2.0}), true),
        (json!({"Variable": "$.n", "NumericEqualsPath": "$.two"}), true),
        (json!({"Variable": "$.f", "NumericLessThan": 2.5}), false),
        (json!({"Variable": "$.f", "NumericLessThanEquals": 2.5}), true),
        (json!({"Variable": "$.f", "NumericGreaterThan": 2}), true),
        (json!({"Variable": "$.f", "NumericGreaterThanEquals": 3}), false),
        (json!({"Variable": "$.t", "BooleanEquals": true}), true),
        (json!({"Variable": "$.at", "TimestampLessThan": "2026-01-01T00:00:01Z"}), true),
        (json!({"Variable": "$.nope", "IsPresent": false}), true),
        (json!({"Variable": "$.z", "IsPresent": true}), true),
        (json!({"Variable": "$.z", "IsNull": true}), true),
        (json!({"Variable": "$.s", "IsString": true}), true),
        (json!({"Variable": "$.s", "IsNumeric": true}), false),
        (json!({"Variable": "$.t", "IsBoolean": true}), true),
        (json!({"Variable": "$.at", "IsTimestamp": true}), true),
        (json!({"Not": {"Variable": "$.t", "BooleanEquals": false}}), true),
        (
            json!({"And": [{"Variable": "$.nope", "IsPresent": true}, {"Variable": "$.nope", "StringEquals": "x"}]}),
            false,
        ),
        (
            json!({"Or": [{"Variable": "$.t", "BooleanEquals": true}, {"Variable": "$.nope", "StringEquals": "x"}]}),
            true,
        ),
        (json!({"Variable": "$$.State.RetryCount", "NumericEquals": 0}), true),
    ];
    for (rule, expected) in table {
        assert_eq!(holds(rule.clone(), input.clone()), Ok(expected), "{rule}");
    }
    assert_eq!(holds(json!({"Variable": "$.nope", "StringEquals": "x"}), input), Err("States.Runtime".into()));
}

#[test]
fn no_choice_and_no_default() {
    let states = json!({"A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "B"}]}, "B": {"Type": "Succeed"}});
    assert_eq!(run(states, json!({"a": 2})).error().0, "States.NoChoiceMatched");
}

#[test]
fn waits_take_their_time_and_keep_their_input() {
    let states = json!({
        "A": {"Type": "Wait", "Seconds": 10, "Next": "B"},
        "B": {"Type": "Wait", "SecondsPath": "$.s", "Next": "C"},
        "C": {"Type": "Wait", "TimestampPath": "$.at", "Next": "D"},
        "D": {"Type": "Wait", "Timestamp": "2020-01-01T00:00:00Z", "Next": "E"},
        "E": {"Type": "Wait", "Seconds": 0, "End": true},
    });
    let input = json!({"s": 5, "at": "2026-01-02T03:05:05.678Z"});
    let sim = run(states, input.clone());
    assert_eq!(sim.output(), input);
    assert_eq!(sim.seconds_of("WaitStateExited"), [10.0, 15.0, 60.0, 60.0, 60.0]);
}

#[test]
fn fail_says_what_it_is_told() {
    let fixed = run(json!({"A": {"Type": "Fail", "Error": "E", "Cause": "C"}}), json!({}));
    assert_eq!(fixed.error(), ("E", "C"));
    assert_eq!(fixed.kinds(), ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]);
    let states = json!({"A": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('because {}', $.c)"}});
    assert_eq!(run(states, json!({"e": "X", "c": 1})).error(), ("X", "because 1"));
    assert_eq!(run(json!({"A": {"Type": "Fail"}}), json!({})).error(), ("", ""));
}

#[test]
fn map_keeps_order_and_limits_concurrency() {
    let map = |limit: u64| {
        json!({"A": {
            "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": limit, "End": true, "ResultPath": "$.out",
            "ItemSelector": {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.tag"},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "W", "States": {
                "W": {"Type": "Wait", "SecondsPath": "$.v", "Next": "P"},
                "P": {"Type": "Pass", "Parameters": {"got.$": "States.Format('{}{}{}', $.all, $.i, $$.Map.Item.Value)"}, "End": true},
            }},
        }})
    };
    let input = json!({"items": [3, 1, 2], "tag": "t"});
    for (limit, end) in [(0, 3.0), (1, 6.0), (2, 3.0), (9, 3.0)] {
        let sim = run(map(limit), input.clone());
        assert_eq!(sim.output()["out"], json!([{"got": "t03"}, {"got": "t11"}, {"got": "t22"}]), "{limit}");
        assert_eq!(sim.seconds_of("MapStateSucceeded"), [end], "{limit}");
        assert_eq!(sim.kinds().iter().filter(|kind| **kind == "MapIterationSucceeded").count(), 3);
    }
    assert_eq!(run(map(0), json!({"items": [], "tag": "t"})).output()["out"], json!([]));
    assert_eq!(run(map(0), json!({"items": {}, "tag": "t"})).error().0, "States.Runtime");
}

#[test]
fn parallel_collects_in_order() {
    let states = json!({"A": {
        "Type": "Parallel", "End": true, "ResultPath": "$.out", "ResultSelector": {"first.$": "$[0]", "second.$": "$[1].x"},
        "Branches": [
            {"StartAt": "B", "States": {"B": {"Type": "Wait", "Seconds": 5, "Next": "C"}, "C": {"Type": "Pass", "Result": "slow", "End": true}}},
            {"StartAt": "D", "States": {"D": {"Type": "Pass", "Parameters": {"x.$": "$.n"}, "End": true}}},
        ],
    }});
    assert_eq!(run(states, json!({"n": 1})).output(), json!({"n": 1, "out": {"first": "slow", "second": 1}}));
}

#[test]
fn a_circle_ends() {
    let states = json!({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}});
    let sim = run(states, json!({}));
    assert_eq!(sim.error().0, "States.Runtime");
    assert!(sim.error().1.contains("25000"));
}

#[test]
fn the_context_object_tells_who_runs() {
    let states = json!({"A": {"Type": "Pass", "End": true, "Parameters": {"c.$": "$$"}, "OutputPath": "$.c"}});
    assert_eq!(
        run(states, json!({"k": 1})).output(),
        json!({
            "Execution": {"Id": "arn:aws:states:us-east-1:123456789012:execution:m:one", "Name": "one", "Input": {"k": 1}, "StartTime": "2026-01-02T03:04:05.678Z", "RedriveCount": 0},
            "StateMachine": {"Id": "arn:aws:states:us-east-1:123456789012:stateMachine:m", "Name": "m"},
            "State": {"Name": "A", "EnteredTime": "2026-01-02T03:04:05.678Z", "RetryCount": 0},
        })
    );
}
