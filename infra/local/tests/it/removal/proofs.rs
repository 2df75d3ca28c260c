//! The proofs: each goes through every point there is.

use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};
use serde_json::json;

use super::{of_deployed, of_pool, of_silo, runs};
use crate::harness::{Deliver, Lab, Ledger, Plan, Scenario, Stage, prove};

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
