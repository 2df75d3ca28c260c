//! The proofs: each goes through every point there is.

use local::aws::faults::{Fault, Rule};

use super::{record, rotated};
use crate::harness::{Deliver, Holds, Ledger, holds, prove};

#[test]
fn r21_everything_is_moved_and_late_events_change_nothing() {
    prove::success(rotated).conclude("re-seal");
}

/// Not one after the other, for the tenants are moved beside each other; the test above delivers again what is over.
#[test]
fn r21_a_re_seal_delivered_twice_at_once_moves_everything_once() {
    prove::deliveries(rotated, Deliver::AtOnce).conclude("at once");
}

#[test]
fn r21_a_re_seal_that_dies_at_an_effect_goes_on() {
    prove::crashes_at_effects(rotated, &[]).conclude("re-seal");
}

#[test]
fn r21_a_re_seal_that_dies_before_any_call_goes_on() {
    prove::crashes_at_calls(rotated, &Fault::CrashBefore, &[]).conclude("re-seal");
}

#[test]
fn r21_a_re_seal_that_dies_after_any_call_goes_on() {
    prove::crashes_at_calls(rotated, &Fault::CrashAfter, &[]).conclude("re-seal");
}

#[test]
fn r21_a_re_seal_that_fails_ends_no_key_and_goes_on_by_itself() {
    let ways = [
        ("is denied", Rule::error(400, "AccessDeniedException")),
        ("is throttled for ever", Rule::error(400, "ThrottlingException")),
    ];
    let states = ["ListTenants", "MoveTenant", "RetireKeys"].map(str::to_owned);
    let on_record = |state: &str, ledger: &Ledger| -> Holds {
        let record = record(ledger).unwrap();
        let said = record["state"] == "failed" && record["why"].is_string();
        holds(said, || record.to_string())?;
        let left = ledger.keys().iter().filter(|key| key.contains("LEFT#")).count();
        // The tenants are moved beside each other, and the trouble ends with the first one that it befalls.
        holds((left > 0) == (state == "MoveTenant"), || format!("{left} tenants are said to be left"))
    };
    prove::failures_of(rotated, &states, &ways, on_record).conclude("re-seal");
}
