//! More executions than functions may run at once.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    services::{Body, Stack},
    *,
};
use crate::clock::StackClock;

#[tokio::test]
async fn ten_thousand_executions_share_sixty_four_functions() {
    let counts: Arc<[AtomicUsize; 3]> = Arc::default();
    let counted = counts.clone();
    let body: Body = Box::new(move |_, event| {
        let counts = counted.clone();
        Box::pin(async move {
            let [running, most, done] = &*counts;
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::Relaxed);
            done.fetch_add(1, Ordering::Relaxed);
            Ok(event)
        })
    });
    let machine = parse(json!({
        "A": task("f", json!({"TimeoutSeconds": 900, "Next": "B"})),
        "B": {"Type": "Wait", "Seconds": 60, "Next": "C"},
        "C": task("f", json!({})),
    }));
    let stack = Stack::new(machine, body);
    let arns: Vec<String> = (0..10_000).map(|n| stack.start(&format!("e{n}"))).collect();
    let calls = async |wanted| {
        while counts[2].load(Ordering::Relaxed) < wanted {
            tokio::task::yield_now().await;
        }
    };
    calls(10_000).await;
    stack.clock.advance(SignedDuration::from_secs(60));
    calls(20_000).await;
    for arn in &arns {
        assert_eq!(stack.end(arn).await["status"], "SUCCEEDED");
    }
    assert_eq!(counts[1].load(Ordering::Relaxed), 64);
}

/// A hundred executions that want one of 64 places at once, of functions that take `seconds` where 12 are allowed.
async fn a_crowd(seconds: i64) -> Vec<Value> {
    let clock = Arc::new(Mutex::new(None::<StackClock>));
    let late = clock.clone();
    let body: Body = Box::new(move |_, event| {
        let clock = late.lock().unwrap().clone().unwrap();
        Box::pin(async move {
            clock.wait_until(clock.now() + SignedDuration::from_secs(seconds)).await;
            Ok(event)
        })
    });
    let stack = Stack::new(parse(json!({"A": task("f", json!({"TimeoutSeconds": 12}))})), body);
    *clock.lock().unwrap() = Some(stack.clock.clone());
    let started: Vec<String> = (0..100).map(|number| stack.start(&number.to_string())).collect();
    let mut ends = Vec::new();
    for arn in &started {
        ends.push(stack.end(arn).await["status"].clone());
    }
    ends
}

#[tokio::test]
async fn time_in_the_queue_counts_for_no_timeout() {
    assert_eq!(a_crowd(10).await, ["SUCCEEDED"; 100]);
}

#[tokio::test]
async fn a_function_that_had_to_queue_is_late_like_any_other() {
    assert_eq!(a_crowd(20).await, ["FAILED"; 100]);
}
