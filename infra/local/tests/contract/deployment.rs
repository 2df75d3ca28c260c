//! Before a new version gets traffic: who is asked, and that anything but the expected answer ends the deployment. R36.

use std::collections::BTreeSet;

use local::{
    aws::faults::Rule,
    stack::{LocalStack, Options},
    template::Stack,
};
use serde_json::json;

use crate::api::Api;

const PROBE: &str = "platform-probe";
const PUT: (&str, &str) = ("codedeploy", "PutLifecycleEventHookExecutionStatus");

fn template() -> Stack {
    Options::memory("http://127.0.0.1:0").read().unwrap()
}

/// Binaries of the functions whose alias moves by CodeDeploy.
fn shifted(template: &Stack) -> Vec<String> {
    template.functions.iter().filter(|spec| spec.shift.is_some()).map(|spec| spec.binary.clone()).collect()
}

#[test]
fn r36_whatever_gets_its_traffic_by_and_by_is_asked_before() {
    let template = template();
    let probe = template.functions.iter().find(|spec| spec.binary == PROBE).unwrap();
    assert!(probe.name.starts_with("CodeDeployHook_"), "CodeDeploy's role may invoke no other: {}", probe.name);
    let asked: BTreeSet<&str> = probe.env["VERSIONS"].split(',').collect();
    let mut expected = BTreeSet::new();
    for spec in &template.functions {
        let Some(shift) = &spec.shift else { continue };
        assert_eq!(shift.pre_traffic.as_ref(), Some(&probe.name), "{}", spec.logical_id);
        assert!(!spec.routes.is_empty(), "{} serves no request", spec.logical_id);
        expected.insert(format!("{}:1", spec.arn));
    }
    assert_eq!(asked, expected.iter().map(String::as_str).collect());
    assert!(asked.len() >= 8);
}

#[tokio::test]
async fn r36_every_version_answers_the_probe_and_the_store_is_not_asked() {
    let api = Api::open().await;
    let functions = shifted(&api.stack.template);
    // What a start reads, it reads once.
    api.stack.shift(&functions[0]).await.unwrap().1.unwrap();
    let calls = || api.stack.gateway.counters().snapshot().total(None, Some("dynamodb"), None);
    let before = calls();
    for function in &functions {
        let (word, answer) = api.stack.shift(function).await.unwrap();
        assert_eq!(word.as_deref(), Some("Succeeded"), "{function}: {answer:?}");
        assert_eq!(answer.unwrap(), json!({"status": "Succeeded", "asked": functions.len(), "unfit": []}));
    }
    assert_eq!(calls(), before);
}

#[tokio::test]
async fn r36_a_version_that_does_not_start_ends_the_deployment() {
    let stack = LocalStack::open(Options::memory("http://127.0.0.1:0")).await.unwrap();
    let gone = json!({"SecretId": "innkeeper/local/signing-keys", "ForceDeleteWithoutRecovery": true});
    stack.secrets.run("DeleteSecret", gone).await.unwrap();
    // The function itself would start; the release of which it is a part does not.
    let (word, answer) = stack.shift("platform-docs").await.unwrap();
    assert_eq!(word.as_deref(), Some("Failed"));
    let unfit = answer.unwrap()["unfit"].to_string();
    assert!(unfit.contains("auth-login:1") && !unfit.contains("platform-docs"), "{unfit}");
}

#[tokio::test]
async fn r36_lambda_is_asked_once_more_where_it_does_not_answer_and_no_answer_is_a_failure() {
    let api = Api::open().await;
    let faults = api.stack.gateway.faults();
    faults.add(Rule::error(429, "TooManyRequestsException").on("lambda", "Invoke").nth(1));
    assert_eq!(api.stack.shift("auth-login").await.unwrap().0.as_deref(), Some("Succeeded"));
    faults.clear();
    for fault in [Rule::error(500, "ServiceException"), Rule::error(403, "AccessDeniedException")] {
        faults.add(fault.on("lambda", "Invoke"));
        assert_eq!(api.stack.shift("auth-login").await.unwrap().0.as_deref(), Some("Failed"));
        faults.clear();
    }
}

#[tokio::test]
async fn r36_a_word_that_does_not_reach_codedeploy_fails_the_hook() {
    let api = Api::open().await;
    api.stack.gateway.faults().add(Rule::error(500, "InternalFailure").on(PUT.0, PUT.1));
    let (word, answer) = api.stack.shift("auth-login").await.unwrap();
    assert_eq!(word, None, "CodeDeploy waits, and ends the deployment after an hour");
    assert!(answer.is_err());
}
