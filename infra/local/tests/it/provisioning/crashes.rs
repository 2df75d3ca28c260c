//! The process dies at every effect and at every AWS call: before it and after it, on the way forward and on the way
//! back. The next process makes the tenant READY, or FAILED with nothing left and READY by a retry.

use local::aws::faults::Fault;

use super::{deployed, failures::unhealthy, pool, silo};
use crate::{deployer::Manner, harness::prove};

#[test]
fn r05_a_crash_at_every_effect_ends_ready() {
    prove::crashes_at_effects(pool, &[]).conclude("pool");
    prove::crashes_at_effects(silo, &[]).conclude("silo");
    prove::crashes_at_effects(|| deployed(Manner::AtOnce), &[]).conclude("deployed");
}

#[test]
fn r05_a_crash_at_every_effect_of_a_failure_ends_clean() {
    prove::crashes_at_effects(silo, &[unhealthy()]).conclude("silo");
    prove::crashes_at_effects(|| deployed(Manner::AtOnce), &[unhealthy()]).conclude("deployed");
}

#[test]
fn r05_a_crash_before_every_call_ends_ready_in_the_pool() {
    prove::crashes_at_calls(pool, &Fault::CrashBefore, &[]).conclude("pool");
}

#[test]
fn r05_a_crash_after_every_call_ends_ready_in_the_pool() {
    prove::crashes_at_calls(pool, &Fault::CrashAfter, &[]).conclude("pool");
}

#[test]
fn r05_a_crash_before_every_call_ends_ready_as_a_silo() {
    prove::crashes_at_calls(silo, &Fault::CrashBefore, &[]).conclude("silo");
}

#[test]
fn r05_a_crash_after_every_call_ends_ready_as_a_silo() {
    prove::crashes_at_calls(silo, &Fault::CrashAfter, &[]).conclude("silo");
}

#[test]
fn r05_a_crash_before_every_call_ends_ready_with_a_deployer() {
    prove::crashes_at_calls(|| deployed(Manner::AtOnce), &Fault::CrashBefore, &[]).conclude("deployed");
}

#[test]
fn r05_a_crash_after_every_call_ends_ready_with_a_deployer() {
    prove::crashes_at_calls(|| deployed(Manner::AtOnce), &Fault::CrashAfter, &[]).conclude("deployed");
}

#[test]
fn r05_a_crash_before_every_call_of_a_failure_ends_clean() {
    prove::crashes_at_calls(silo, &Fault::CrashBefore, &[unhealthy()]).conclude("silo");
}

#[test]
fn r05_a_crash_after_every_call_of_a_failure_ends_clean() {
    prove::crashes_at_calls(silo, &Fault::CrashAfter, &[unhealthy()]).conclude("silo");
}

#[test]
fn r05_a_crash_after_every_call_of_a_failure_ends_clean_at_the_deployer() {
    prove::crashes_at_calls(|| deployed(Manner::AtOnce), &Fault::CrashAfter, &[unhealthy()]).conclude("deployed");
}
