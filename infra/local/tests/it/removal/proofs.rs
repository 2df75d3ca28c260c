//! The proofs: each goes through every point there is.

use jiff::SignedDuration;
use local::{
    aws::faults::{Fault, Rule},
    stack::LocalStack,
};
use serde_json::json;

use super::{of_deployed, of_pool, of_silo, runs};
use crate::harness::{Deliver, Lab, Ledger, Plan, Scenario, Stage, Trouble, prove};

#[test]
fn r06_nothing_is_left_and_late_events_change_nothing() {
    prove::success(of_pool).conclude("pool");
    prove::success(of_silo).conclude("silo");
    prove::success(of_deployed).conclude("deployed");
}

#[test]
fn r06_a_removal_delivered_twice_and_at_once_removes_once() {
    prove::deliveries(of_silo, Deliver::Twice).conclude("twice");
    prove::deliveries(of_silo, Deliver::AtOnce).conclude("at once");
}

#[test]
fn r06_a_removal_that_dies_at_an_effect_goes_on() {
    prove::crashes_at_effects(of_silo, &[]).conclude("silo");
    prove::crashes_at_effects(of_deployed, &[]).conclude("deployed");
}

#[test]
fn r06_a_removal_that_dies_before_any_call_goes_on() {
    prove::crashes_at_calls(of_silo, &Fault::CrashBefore, &[]).conclude("silo");
}

#[test]
fn r06_a_removal_that_dies_after_any_call_goes_on() {
    prove::crashes_at_calls(of_silo, &Fault::CrashAfter, &[]).conclude("silo");
}

#[test]
fn r06_a_removal_outlasts_a_refusal_of_any_call() {
    let denied = Fault::Error { status: 400, code: "AccessDeniedException".into() };
    prove::faults_at_calls(of_silo, &denied, 1, |_| Ok(())).conclude("silo");
}

#[test]
fn r06_a_removal_that_fails_is_remembered_and_begins_again_the_day_after() {
    let ways = [
        ("is denied", Rule::error(400, "AccessDeniedException")),
        ("is throttled for ever", Rule::error(400, "ThrottlingException")),
    ];
    let states = [
        "BeginRemoval",
        "Export",
        "RemoveMembers",
        "UndoConfigureDomain",
        "UndoDeployStack",
        "UndoGenerateSecrets",
        "UndoCreateDatabase",
        "PurgeItems",
        "Archive",
    ]
    .map(str::to_owned);
    prove::failures_of(of_silo, &states, &ways, |_, _| Ok(())).conclude("silo");
}

/// Midnight is no reason for another run beside the one that is on its way.
#[test]
fn r06_a_removal_has_one_run_in_the_day_that_follows_its_beginning() {
    let lab = Lab::memory(of_pool());
    let denied = Rule::error(400, "AccessDeniedException");
    let plan = Plan { troubles: vec![Trouble::at("BeginRemoval", denied)], ..Plan::default() };
    lab.process(plan, async |process| {
        let clock = &process.stack.clock;
        clock.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(5));
        let midnight = clock.now() + SignedDuration::from_secs(5);
        process.run(&lab.scenario).await;
        assert!(clock.now() > midnight, "the run outlasts the day");
        assert_eq!(runs(&Ledger::of(&process.stack).await), ["FAILED"]);
    });
}

/// Restored, or ordered anew, between the sweeper's look and the first state.
#[test]
fn r06_a_tenant_that_is_not_due_loses_nothing() {
    let lab = Lab::memory(of_pool());
    lab.process(Plan::default(), async |process| {
        let stack = &process.stack;
        lab.scenario.plant(stack);
        lab.scenario.order(stack, stack.clock.now() + SignedDuration::from_hours(24));
        let before = Ledger::of(stack).await;
        stack.invoke("provisioning-sweep", json!({})).await.unwrap();
        for _ in 0..30 {
            stack.clock.wait_until(stack.clock.now() + SignedDuration::from_secs(1)).await;
        }
        assert_eq!(runs(&Ledger::of(stack).await), ["SUCCEEDED"]);
        let after = Ledger::of(stack).await;
        assert_eq!(before.core, after.core, "nothing was taken away");
        assert_eq!(lab.scenario.stage(&after), Stage::Running);
    });
}

/// Of the audit log of ten years, in few entries: each as large as an item can be.
fn plant_history(stack: &LocalStack, id: &str, entries: usize) {
    let long = "a long story; ".repeat(390_000 / 14);
    for nth in 0..entries {
        let item = json!({
            "pk": {"S": format!("T#{id}")}, "sk": {"S": format!("2020-01-01T00:00:00.000Z#{nth:016x}")},
            "actor": {"S": "anonymous"}, "action": {"S": "tenant.updated"}, "tenant": {"S": id},
            "correlation_id": {"S": "req_00000001"}, "at": {"S": "2020-01-01T00:00:00Z"},
            "after": {"M": {"story": {"S": long}}},
        });
        stack.dynamodb.run("PutItem", json!({"TableName": "innkeeper-local-audit", "Item": item})).unwrap();
    }
}

/// Also by two deliveries at once, of which one notes each part.
#[test]
fn r06_a_large_tenant_is_exported_part_by_part_and_each_part_noted_once() {
    const ENTRIES: usize = 20;
    for deliver in [Deliver::Once, Deliver::AtOnce] {
        let lab = Lab::memory(of_pool());
        lab.process(Plan { deliver, ..Plan::default() }, async |process| {
            let (stack, id) = (&process.stack, lab.scenario.id());
            lab.scenario.plant(stack);
            plant_history(stack, &id, ENTRIES);
            stack.invoke("provisioning-sweep", json!({})).await.unwrap();
            process.resume(&lab.scenario).await;
            let ledger = Ledger::of(stack).await;
            assert_eq!(lab.scenario.stage(&ledger), Stage::Ready(1));
            let receipt = &ledger.core[&(format!("T#{id}"), "RECEIPT".to_owned())];
            let parts = receipt["export"].as_array().unwrap();
            assert_eq!((parts.len(), ledger.objects.len(), ledger.audited("tenant.exported")), (2, 2, 2));
            let mut stories = 0;
            for (part, (key, body)) in parts.iter().zip(&ledger.objects) {
                assert_eq!((&part["key"], &part["bytes"]), (&json!(key), &json!(body.len())));
                assert_eq!(part["sha256"], domain::ContentDigest::of(body).as_str());
                assert!(body.len() <= 8 << 20, "{}", body.len());
                let text = std::str::from_utf8(body).unwrap();
                assert_eq!(part["lines"], text.lines().count());
                stories += text.lines().filter(|line| line.contains("a long story")).count();
            }
            assert_eq!(stories, ENTRIES);
        });
    }
}
