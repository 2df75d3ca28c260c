//! Many at once, on as many threads as there are: one gets it. Asserted on the store, not on the answers alone.

use std::sync::Arc;

use http::StatusCode;
use local::stack::{LocalStack, Options};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    harness::{Ledger, prove},
    provisioning::{pool, sign_up},
};

/// All of a crowd call from one address.
async fn open() -> Arc<LocalStack> {
    Arc::new(LocalStack::open(Options::memory("http://127.0.0.1:8080").unlimited()).await.unwrap())
}

/// All at the same time; what each was answered.
async fn crowd(stack: &Arc<LocalStack>, size: usize, key: Option<&'static str>) -> Vec<(StatusCode, Value)> {
    let mut calls = JoinSet::new();
    for _ in 0..size {
        let stack = stack.clone();
        calls.spawn(async move { sign_up(&stack, "demo", "starter", key).await });
    }
    calls.join_all().await
}

/// The one tenant is ready and whole, and nothing else is there.
async fn one_tenant(stack: &LocalStack) {
    let scenario = pool();
    let runs = |ledger: &Ledger| ledger.executions.iter().any(|run| run.status == "RUNNING");
    let mut pace = tokio::time::interval(std::time::Duration::from_millis(10));
    while runs(&Ledger::of(stack).await) {
        pace.tick().await;
    }
    prove::ready(&scenario, &Ledger::of(stack).await, 1).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r05_of_two_hundred_who_want_a_name_at_once_one_gets_it() {
    let stack = open().await;
    let answers = crowd(&stack, 200, None).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == StatusCode::ACCEPTED);
    assert_eq!((won.len(), lost.len()), (1, 199));
    for (status, problem) in &lost {
        assert_eq!((*status, &problem["code"]), (StatusCode::CONFLICT, &"subdomain_taken".into()), "{problem}");
    }
    one_tenant(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r05_a_request_sent_fifty_times_at_once_is_done_once_and_answered_the_same() {
    let stack = open().await;
    let key = Some("one-signup-sent-often");
    let answers = crowd(&stack, 50, key).await;
    let (_, first) = answers.iter().find(|(status, _)| *status == StatusCode::ACCEPTED).unwrap();
    for (status, body) in &answers {
        match *status {
            StatusCode::ACCEPTED => assert_eq!(body, first),
            _ => {
                assert_eq!((*status, &body["code"]), (StatusCode::CONFLICT, &"in_flight".into()), "{body}")
            }
        }
    }
    assert_eq!(sign_up(&stack, "demo", "starter", key).await, (StatusCode::ACCEPTED, first.clone()));
    let (status, problem) = sign_up(&stack, "demo", "professional", key).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &"idempotency_mismatch".into()),
        "{problem}"
    );
    one_tenant(&stack).await;
}
