//! R29: bodies that nobody thought of. Never a 5xx, nothing stored; and what is accepted is stored as it was typed.

use local::aws::faults::Rule;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Map, Value, json};

use crate::{
    api::{Api, signup},
    corpus::{pointers, refused},
};

const FIELDS: [&str; 8] =
    ["company_name", "subdomain", "admin_name", "admin_email", "plan", "region", "accept_terms", "utm_term"];
/// Enough to walk every field and kind a few times; the stack is the same for all of them.
const CASES: u32 = 200;

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z0-9-]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(&FIELDS[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

/// Runs a property against one stack; its tasks go on between the cases.
fn check<S: Strategy>(strategy: S, property: impl AsyncFn(&Api, S::Value) -> Result<(), TestCaseError>)
where
    S::Value: Clone,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let api = runtime.block_on(Api::unlimited());
    // What is accepted is not provisioned: it is not what these look at, and takes the most time.
    api.stack.gateway.faults().add(Rule::error(400, "StateMachineDoesNotExist").on("states", "StartExecution"));
    // No file of past failures: what one finds becomes a line of the corpus.
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&strategy, |value| runtime.block_on(property(&api, value)));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn r29_any_bytes_are_refused() {
    check(prop::collection::vec(any::<u8>(), 0..200), async |api, bytes| {
        refused(api, bytes).await;
        Ok(())
    });
}

#[test]
fn r29_any_json_is_refused_by_its_fields() {
    check(prop::collection::btree_map(field(), json_value(), 0..8), async |api, body| {
        let body = Value::Object(body.into_iter().collect::<Map<_, _>>());
        let answer = refused(api, body.to_string()).await;
        // Without the required fields nothing is valid; more than 32 levels are no body of ours.
        prop_assert!(answer.status == 400 || !pointers(&answer).is_empty());
        Ok(())
    });
}

#[test]
fn r29_one_changed_field_is_refused_by_name_or_kept_as_typed() {
    let text = prop_oneof![any::<String>(), "[ -~]{1,40}", "\\PC{2,90}", "[a-z0-9-]{2,32}"];
    let names = prop::sample::select(&["company_name", "admin_name", "source", "utm_medium"][..]);
    let number = std::sync::atomic::AtomicU32::new(0);
    check((names, text), async |api, (field, text)| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut body = signup(&format!("fuzz-{number}"));
        body[field] = json!(text);
        let answer = api.post("/api/v1/tenants", &body).await;
        match answer.status {
            202 => {
                let key = json!({"pk": {"S": format!("T#{}", answer.expect(202)["tenant_id"].as_str().unwrap())}, "sk": {"S": "TENANT"}});
                let get = json!({"TableName": "innkeeper-local-core", "Key": key});
                let stored = api.stack.dynamodb.run("GetItem", get).unwrap();
                if field.ends_with("name") {
                    prop_assert_eq!(&stored["Item"][field]["S"], &json!(text));
                }
            }
            422 => prop_assert_eq!(pointers(&answer), [format!("/{field}")]),
            other => prop_assert!(false, "{} for {:?}", other, text),
        }
        Ok(())
    });
}

#[test]
fn r02_r29_any_path_and_credential_is_an_answer_and_never_a_5xx() {
    let segment = prop_oneof!["[!-~]{1,30}", "(%[0-9A-Fa-f]{2}){1,8}", "[a-z0-9-]{1,40}"];
    let path = prop_oneof![
        segment.clone().prop_map(|s| format!("/api/v1/subdomains/{s}")),
        segment.clone().prop_map(|s| format!("/api/v1/tenants/{s}/status")),
        segment.prop_map(|s| format!("/{s}")),
    ];
    let token =
        prop_oneof!["[!-~]{0,60}", "ink_st_[A-Za-z0-9_-]{40,60}", "[A-Za-z0-9_-]{1,40}(\\.[A-Za-z0-9_-]{1,40}){2}"];
    check((path, token), async |api, (path, token)| {
        let Ok(uri) = path.parse::<http::Uri>() else { return Ok(()) };
        if uri.path().is_empty() {
            return Ok(());
        }
        let request = http::Request::get(uri).header("authorization", format!("Bearer {token}"));
        let answer = api.send(request, "").await;
        prop_assert!(answer.status < 500, "{} for {path}", answer.status);
        prop_assert!(answer.header("x-request-id").is_some(), "{path}");
        Ok(())
    });
}
