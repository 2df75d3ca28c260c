//! Deployers of every manner: a slow one, one that says everything twice, one that fails, and those that are never heard of
//! again. The tenant is READY, or FAILED with a cause that says what the deployer did.

use domain::Clock;
use http::StatusCode;
use testkit::MockClock;

use super::deployed;
use crate::{
    deployer::Manner,
    harness::{Lab, Ledger, Plan, Process, Scenario, prove},
};

/// Runs one tenant with a deployer of this manner.
fn with<T>(manner: Manner, then: impl AsyncFnOnce(&Lab<super::Provisioning>, &Process, &Ledger) -> T) -> T {
    let lab = Lab::memory(deployed(manner));
    lab.process(Plan::default(), async |process| {
        process.run(&lab.scenario).await;
        let ledger = Ledger::of(&process.stack).await;
        then(&lab, process, &ledger).await
    })
}

/// How long it took, in seconds of the stack; a lab begins when the mock clock does.
fn took(process: &Process) -> i64 {
    process.stack.clock.now().as_second() - MockClock::new().now().as_second()
}

#[test]
fn r04_a_deployer_may_take_nine_minutes_while_its_heart_beats() {
    with(Manner::Heartbeats, async |lab, process, ledger| {
        prove::ready(&lab.scenario, ledger, 1).unwrap();
        assert!(took(process) >= 500, "{} s", took(process));
        assert_eq!(lab.scenario.deployer().webhooks().len(), 1, "it is asked once");
        assert_eq!(lab.scenario.deployer().answers(), [StatusCode::NO_CONTENT; 6]);
    });
}

#[test]
fn r05_a_deployer_that_says_it_twice_is_heard_once() {
    with(Manner::Twice, async |lab, _, ledger| {
        prove::ready(&lab.scenario, ledger, 1).unwrap();
        assert_eq!(lab.scenario.deployer().answers(), [StatusCode::NO_CONTENT, StatusCode::CONFLICT]);
    });
}

#[test]
fn r21_a_secret_that_is_replaced_counts_at_once_on_both_ways() {
    with(Manner::Replaces, async |lab, _, ledger| {
        prove::failed(&lab.scenario, ledger, 1).unwrap();
        assert_eq!(lab.scenario.failure(ledger).unwrap().1, "deployment_failed");
        assert_eq!(lab.scenario.deployer().answers(), [StatusCode::NO_CONTENT; 2]);
        assert_eq!(lab.scenario.deployer().webhooks().last().unwrap().message["action"], "remove");
    });
}

#[test]
fn r04_what_a_deployer_says_is_taken_as_it_is_or_refused() {
    with(Manner::Wordy, async |lab, _, ledger| {
        prove::ready(&lab.scenario, ledger, 1).unwrap();
        let refused = StatusCode::UNPROCESSABLE_ENTITY;
        assert_eq!(lab.scenario.deployer().answers(), [refused, refused, StatusCode::NO_CONTENT]);
    });
}

/// Its stack is taken back, though it never said that there is one.
#[test]
fn r05_a_deployer_that_gives_no_end_or_a_bad_one_leaves_nothing() {
    let expected = [
        (Manner::Forever, "timeout", 600),
        (Manner::Silent, "timeout", 480),
        (Manner::WrongSignature, "timeout", 480),
        (Manner::Fails, "deployment_failed", 0),
    ];
    for (manner, code, seconds) in expected {
        with(manner, async |lab, process, ledger| {
            prove::failed(&lab.scenario, ledger, 1).unwrap_or_else(|why| panic!("{manner:?}: {why}"));
            let cause = lab.scenario.failure(ledger).unwrap();
            assert_eq!(cause, ("DeployStack".into(), code.into()), "{manner:?}");
            assert!((seconds..seconds + 120).contains(&took(process)), "{manner:?}: {} s", took(process));
            let asked = lab.scenario.deployer().webhooks();
            assert_eq!(asked.last().unwrap().message["action"], "remove", "{manner:?}");
            assert!(asked.iter().all(|it| it.id.ends_with("-1")), "{manner:?}: one attempt has one id: {asked:?}");
        });
    }
}

/// What it may have made cannot be taken back through it either, so it is an orphan; the rest is undone.
#[test]
fn r05_a_deployer_that_is_not_to_be_had_is_named_and_leaves_an_orphan() {
    for (manner, code) in [
        (Manner::Refuses, "deployer_refused"),
        (Manner::Busy, "dependency_unavailable"),
        (Manner::Deaf, "dependency_unavailable"),
    ] {
        with(manner, async |lab, _, ledger| {
            let cause = lab.scenario.failure(ledger);
            assert_eq!(cause, Some(("DeployStack".into(), code.into())), "{manner:?}");
            assert_eq!(ledger.core.keys().filter(|(pk, _)| pk == "ORPHANS").count(), 1, "{manner:?}");
            assert_eq!(ledger.audited("tenant.step_orphaned"), 1, "{manner:?}");
            assert!(ledger.secrets.is_empty() && ledger.tables.is_empty() && ledger.mails.is_empty(), "{manner:?}");
        });
    }
}
