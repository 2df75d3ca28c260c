//! `tests/events/FUNCTION.json`: an example event of each function, for `cargo lambda invoke FUNCTION --data-file …`.
//! `UPDATE=1` writes the one that a new function lacks; it may then be made a better example by hand.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use lambda::{Function, Kind, Served, http::Policy};
use local::{aws::InvokeError, functions::all};
use serde_json::{Map, Value, json};

use crate::{api::Api, openapi::may_write};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/events");
/// Read when a test runs: where both are written anew, the events come from the new one.
static OPENAPI: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/platform/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

fn file(function: &Function) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.json", function.name))
}

fn example(function: &Function) -> Value {
    match &function.kind {
        Kind::Http(served) => request(served.policies[0]),
        Kind::Step => json!({
            "tenant_id": "tenant-demo-1f2e3d4c", "attempt": 1, "correlation_id": "req_an-example-event", "mode": "run",
        }),
        Kind::Event => json!({"source": "innkeeper", "detail-type": "secret.rotated", "detail": {}}),
        Kind::Job => json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
        Kind::Rotation => json!({
            "Step": "createSecret", "SecretId": format!("innkeeper/local/{}", function.name.trim_start_matches("rotate-")),
            "ClientRequestToken": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        }),
        Kind::Hook => json!({"DeploymentId": "d-EXAMPLE01", "LifecycleEventHookExecutionId": "an-example-execution"}),
    }
}

/// API Gateway's payload format 2.0, with what the handlers read of it.
fn request(policy: &Policy) -> Value {
    let path = policy.path.replace("{tenant_id}", "tenant-demo-1f2e3d4c").replace(['{', '}', '+'], "");
    let method = policy.method.as_str();
    let mut event = json!({
        "version": "2.0", "routeKey": format!("{method} {}", policy.path), "rawPath": path, "rawQueryString": "",
        "headers": {"host": "127.0.0.1", "x-forwarded-proto": "https"},
        "requestContext": {
            "accountId": "123456789012", "apiId": "local", "stage": "$default", "requestId": "an-example-event",
            "routeKey": format!("{method} {}", policy.path), "domainName": "127.0.0.1", "domainPrefix": "127",
            "time": "01/Mar/2026:09:00:00 +0000", "timeEpoch": 1_772_355_600_000_u64,
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "example",
            },
        },
        "isBase64Encoded": false,
    });
    if let Some(body) = body(policy) {
        event["headers"]["content-type"] = json!("application/json");
        event["body"] = json!(body.to_string());
    }
    event
}

/// What the published description gives as examples of the required fields.
fn body(policy: &Policy) -> Option<Value> {
    let operation = &OPENAPI["paths"][policy.path.replace("+}", "}")][policy.method.as_str().to_lowercase()];
    let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
    let schema = OPENAPI.pointer(schema.trim_start_matches('#'))?;
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let field = |name: &str| {
        let example = &schema["properties"][name]["example"];
        (name.to_owned(), if example.is_null() { json!("seven purple lanterns, drifting") } else { example.clone() })
    };
    Some(required.map(field).collect::<Map<_, _>>().into())
}

fn policy_of(served: &Served, event: &Value) -> &'static Policy {
    let is_of = |policy: &&&Policy| event["routeKey"] == json!(format!("{} {}", policy.method.as_str(), policy.path));
    served.policies.iter().find(is_of).unwrap_or_else(|| panic!("no route for {}", event["routeKey"]))
}

#[tokio::test]
async fn each_function_has_an_event_and_understands_it() {
    let api = Api::open().await;
    for function in all() {
        let path = file(function);
        if may_write() && !path.exists() {
            std::fs::write(&path, format!("{:#}\n", example(function))).unwrap();
        }
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("{} is missing; UPDATE=1 writes it", path.display()));
        let event: Value = serde_json::from_str(&text).unwrap();
        if let Kind::Http(served) = &function.kind {
            assert_eq!(event["body"].is_string(), body(policy_of(served, &event)).is_some(), "{}", function.name);
        }
        let answer = api.stack.invoke(function.name, event).await;
        let understood = match (&function.kind, &answer) {
            (Kind::Http(_), Ok(answer)) => answer["statusCode"].as_u64().is_some_and(|status| status < 500),
            (Kind::Job | Kind::Event, answer) => answer.is_ok(),
            // There is no such deployment: CodeDeploy says so.
            (Kind::Hook, Err(InvokeError::Failed { error_message, .. })) => error_message.contains("CodeDeploy"),
            (Kind::Hook, Ok(_)) => false,
            // There is no such tenant, or version: a refusal that has read the event.
            (Kind::Step | Kind::Rotation, Err(InvokeError::Failed { error_type, error_message })) => {
                error_type == workflow::FAIL && !error_message.contains("malformed")
            }
            (Kind::Step | Kind::Rotation, answer) => answer.is_ok(),
            (Kind::Http(_) | Kind::Hook, Err(_)) => false,
        };
        assert!(understood, "{}: {answer:?}", function.name);
    }
}

#[test]
fn no_event_is_of_a_function_that_is_gone() {
    for entry in std::fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        assert!(all().any(|function| file(function).file_name() == path.file_name()), "{}", path.display());
    }
}
