//! Every AWS call throttled, answered too late, and refused for good.

use local::aws::faults::Fault;

use super::{Provisioning, deployed, pool, silo, step, tenant};
use crate::{
    deployer::Manner,
    harness::{Holds, Ledger, holds, prove},
};

/// Beyond what the SDK tries by itself.
const PAST_THE_SDK: usize = 3;

fn throttled() -> Fault {
    Fault::Error { status: 400, code: "ThrottlingException".into() }
}

fn denied() -> Fault {
    Fault::Error { status: 400, code: "AccessDeniedException".into() }
}

/// Nobody sees it: READY in the first attempt, and the mail is out.
fn unseen(ledger: &Ledger) -> Holds {
    let provisioning = &tenant(ledger).unwrap()["provisioning"];
    let good = provisioning["status"] == "READY" && provisioning["attempt"] == 1;
    holds(good && step(ledger, "SendWelcome") == Some("SUCCEEDED"), || provisioning.to_string())
}

/// READY in the first attempt; that the mail is out may not be known.
fn ready(ledger: &Ledger) -> Holds {
    let provisioning = &tenant(ledger).unwrap()["provisioning"];
    holds(provisioning["status"] == "READY" && provisioning["attempt"] == 1, || provisioning.to_string())
}

fn anything(_: &Ledger) -> Holds {
    Ok(())
}

fn throttles(scenario: impl Fn() -> Provisioning, what: &str) {
    prove::faults_at_calls(&scenario, &throttled(), 1, unseen).conclude(what);
    // One that outlasts the SDK's own tries right after the mail went out leaves what mail can promise: a warning.
    prove::faults_at_calls(&scenario, &throttled(), PAST_THE_SDK, ready).conclude(what);
}

fn timeouts(scenario: impl Fn() -> Provisioning, what: &str) {
    prove::faults_at_calls(&scenario, &Fault::Timeout, 1, ready).conclude(what);
    prove::faults_at_calls(&scenario, &Fault::Timeout, PAST_THE_SDK, ready).conclude(what);
}

fn refusals(scenario: impl Fn() -> Provisioning, what: &str) {
    prove::faults_at_calls(&scenario, &denied(), 1, anything).conclude(what);
}

#[test]
fn r05_a_throttle_at_every_call_is_not_seen_in_the_pool() {
    throttles(pool, "pool");
}

#[test]
fn r05_a_throttle_at_every_call_is_not_seen_as_a_silo() {
    throttles(silo, "silo");
}

#[test]
fn r05_a_throttle_at_every_call_is_not_seen_with_a_deployer() {
    throttles(|| deployed(Manner::AtOnce), "deployed");
}

#[test]
fn r05_an_answer_lost_at_every_call_ends_ready_in_the_pool() {
    timeouts(pool, "pool");
}

#[test]
fn r05_an_answer_lost_at_every_call_ends_ready_as_a_silo() {
    timeouts(silo, "silo");
}

#[test]
fn r05_an_answer_lost_at_every_call_ends_ready_with_a_deployer() {
    timeouts(|| deployed(Manner::AtOnce), "deployed");
}

#[test]
fn r05_a_refusal_at_every_call_ends_ready_or_clean_in_the_pool() {
    refusals(pool, "pool");
}

#[test]
fn r05_a_refusal_at_every_call_ends_ready_or_clean_as_a_silo() {
    refusals(silo, "silo");
}

#[test]
fn r05_a_refusal_at_every_call_ends_ready_or_clean_with_a_deployer() {
    refusals(|| deployed(Manner::AtOnce), "deployed");
}
