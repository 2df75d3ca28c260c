//! R06: what may follow what in a tenant's life after its provisioning.

use domain::{CorrelationId, Event, Failure, IllegalMove, Phase, Provisioning, Step, StepStatus, TenantStatus};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::size::MOST;

#[derive(Clone, Copy, Debug)]
enum Ask {
    Suspend,
    Resume,
    Deprovision,
    Restore(TenantStatus),
    BeginRemoval,
    Undo(Step),
    Welcome,
    Archive,
}

fn at(n: usize) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + n as i64).unwrap()
}

fn carry_out(record: Provisioning, ask: Ask, n: usize) -> Result<Provisioning, IllegalMove> {
    let (attempt, now) = (record.attempt(), at(n));
    match ask {
        Ask::Suspend => record.suspend(now),
        Ask::Resume => record.resume(now),
        Ask::Deprovision => record.deprovision(now),
        Ask::Restore(was) => record.restore(was, now),
        Ask::BeginRemoval => record.begin_removal(attempt, now),
        Ask::Undo(step) => record.undone(step, attempt, now),
        Ask::Welcome => record.begin(Step::SendWelcome, attempt, now),
        Ask::Archive => record.archive(attempt, now),
    }
}

fn requested() -> Provisioning {
    Provisioning::requested(CorrelationId::parse("req_00000001").unwrap(), at(0))
}

fn ready() -> Provisioning {
    Step::ALL[..Step::SendWelcome as usize].iter().fold(requested(), |record, step| {
        let begun = record.begin(*step, 1, at(1)).unwrap();
        if *step == Step::Activate { begun.ready(1, at(1)) } else { begun.succeed(*step, 1, at(1)) }.unwrap()
    })
}

fn failed() -> Provisioning {
    requested().fail(1, Failure::new("broken", Step::ValidateRequest, "it broke", true), at(1)).unwrap()
}

fn after(asks: &[Ask]) -> Provisioning {
    asks.iter().enumerate().fold(ready(), |record, (n, ask)| carry_out(record, *ask, n + 2).unwrap())
}

#[test]
fn r06_a_suspended_tenant_opens_again_and_only_a_ready_one_is_suspended() {
    let suspended = after(&[Ask::Suspend]);
    assert_eq!((suspended.status(), suspended.phase()), (TenantStatus::Suspended, Phase::Ready));
    assert!(suspended.clone().suspend(at(9)).is_err(), "twice");
    assert_eq!(suspended.resume(at(9)).unwrap().status(), TenantStatus::Ready);
    assert!(requested().suspend(at(9)).is_err() && failed().suspend(at(9)).is_err() && ready().resume(at(9)).is_err());
}

#[test]
fn r06_what_is_given_up_is_restored_as_it_was_until_the_removal_begins() {
    for (before, was) in [
        (ready(), TenantStatus::Ready),
        (after(&[Ask::Suspend]), TenantStatus::Suspended),
        (failed(), TenantStatus::Failed),
    ] {
        let given_up = before.clone().deprovision(at(5)).unwrap();
        assert!(Step::ALL.iter().all(|step| !given_up.needs_undo(*step, 1)), "nothing is taken away yet");
        let back = given_up.clone().restore(was, at(6)).unwrap();
        assert_eq!((back.status(), back.error()), (was, before.error()));
        assert!(given_up.begin_removal(1, at(7)).unwrap().restore(was, at(8)).is_err());
    }
    assert!(requested().deprovision(at(5)).is_err(), "a tenant on its way has to arrive");
}

#[test]
fn r06_a_removal_takes_back_every_step_that_made_something() {
    let removing = after(&[Ask::Deprovision, Ask::BeginRemoval]);
    let due: Vec<Step> = Step::ALL.iter().copied().filter(|step| removing.needs_undo(*step, 1)).collect();
    assert_eq!(due, Step::ALL.iter().copied().filter(|step| step.has_undo()).collect::<Vec<_>>());
    let record = due.iter().rev().fold(removing, |record, step| record.undone(*step, 1, at(9)).unwrap());
    assert!(due.iter().all(|step| record.step_status(*step) == StepStatus::Undone));
    let archived = record.archive(1, at(10)).unwrap();
    assert_eq!((archived.status(), archived.phase()), (TenantStatus::Archived, Phase::Removed));
    let undone: Vec<&Event> = archived.events().iter().filter(|event| event.step == Some(Step::SeedAdmin)).collect();
    assert_eq!(undone.last().unwrap().status, TenantStatus::Deprovisioning);
}

#[test]
fn r06_a_tenant_that_stays_loses_nothing_to_a_late_undo() {
    for record in [ready(), after(&[Ask::Suspend]), after(&[Ask::Deprovision]), failed()] {
        assert!(Step::ALL.iter().all(|step| record.clone().undone(*step, 1, at(9)).is_err()), "{}", record.status());
    }
}

fn any_ask() -> impl Strategy<Value = Ask> {
    let step = proptest::sample::select(Step::ALL.to_vec());
    prop_oneof![
        Just(Ask::Suspend),
        Just(Ask::Resume),
        Just(Ask::Deprovision),
        proptest::sample::select(TenantStatus::ALL.to_vec()).prop_map(Ask::Restore),
        Just(Ask::BeginRemoval),
        step.prop_map(Ask::Undo),
        Just(Ask::Welcome),
        Just(Ask::Archive),
    ]
}

proptest! {
    #[test]
    fn r06_no_order_of_moves_brings_a_removed_tenant_back(asks in proptest::collection::vec(any_ask(), 0..60)) {
        let mut record = ready();
        let mut removing = false;
        for (n, ask) in asks.into_iter().enumerate() {
            let Ok(next) = carry_out(record.clone(), ask, n + 2) else { continue };
            removing |= matches!(ask, Ask::BeginRemoval);
            let gone = next.is_being_removed() || next.status() == TenantStatus::Archived;
            prop_assert_eq!(removing, gone, "{:?} led to {}", ask, next.status());
            prop_assert!(record.status() != TenantStatus::Archived, "{:?} moved what is archived", ask);
            prop_assert_eq!(next.events().last().unwrap().attempt, 1);
            let stored = serde_json::to_string(&next).unwrap();
            prop_assert!(stored.len() <= MOST, "{} bytes: {stored}", stored.len());
            prop_assert_eq!(&serde_json::from_str::<Provisioning>(&stored).unwrap(), &next);
            record = next;
        }
    }
}
