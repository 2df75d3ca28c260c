//! What the template asks of AWS alone, so that no run of the local stack can show whether it is right.

use local::{iam::DEPLOY_ONLY, stack::TEMPLATE, template::written};
use serde_json::{Map, Value};

/// The template's resources, as they are written.
fn resources() -> Map<String, Value> {
    let template = written(&std::fs::read_to_string(TEMPLATE).unwrap()).unwrap();
    template["Resources"].as_object().unwrap().clone()
}

/// Those of one type.
fn of_type(kind: &str) -> Vec<(String, Value)> {
    let found: Vec<_> = resources().into_iter().filter(|(_, resource)| resource["Type"] == kind).collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

/// CreateStateMachine is refused otherwise, and with it the stack.
#[test]
fn r36_a_machine_that_logs_may() {
    for (name, machine) in of_type("AWS::Serverless::StateMachine") {
        let properties = &machine["Properties"];
        assert!(properties["Logging"].is_object(), "{name} logs nothing");
        let policies = properties["Policies"].as_array().unwrap().iter();
        let statements: Vec<_> = policies.flat_map(|policy| policy["Statement"].as_array().unwrap()).collect();
        for action in DEPLOY_ONLY {
            let grants =
                |it: &&Value| it["Resource"] == "*" && it["Action"].as_array().unwrap().contains(&action.into());
            assert!(statements.iter().any(grants), "{name} may not {action}, which its Logging needs");
        }
    }
}
