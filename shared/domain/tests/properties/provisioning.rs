//! The state machine, under every order of moves.

use domain::{
    CorrelationId, EventType, Failure, IllegalMove, Provisioning, Step, StepStatus, TenantStatus, to_milliseconds,
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::size::MOST;

/// A move, for the present attempt or for one that is over.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Queue,
    Begin(Step),
    Succeed(Step),
    Warn(Step),
    Undo(Step),
    Orphan(Step),
    Ready,
    Fail(Step),
    Retry,
}

/// As long as an id can be.
fn corr(n: usize) -> CorrelationId {
    CorrelationId::parse(&format!("req_{n:060}")).unwrap()
}

fn at(n: usize) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + n as i64).unwrap()
}

/// More than a record will hold.
fn long() -> String {
    "🏨\"".repeat(1_000)
}

fn broken(step: Step) -> Failure {
    Failure::new(&long(), step, &long(), true)
}

fn carry_out(record: Provisioning, ask: Ask, attempt: u32, n: usize) -> Result<Provisioning, IllegalMove> {
    let now = at(n);
    match ask {
        Ask::Queue => record.queued(attempt, now),
        Ask::Begin(step) => record.begin(step, attempt, now),
        Ask::Succeed(step) => record.succeed(step, attempt, now),
        Ask::Warn(step) => record.warn(step, attempt, &long(), now),
        Ask::Undo(step) => record.undone(step, attempt, now),
        Ask::Orphan(step) => record.orphaned(step, attempt, &long(), now),
        Ask::Ready => record.ready(attempt, now),
        Ask::Fail(step) => record.fail(attempt, broken(step), now),
        Ask::Retry => record.retry(corr(n), now),
    }
}

fn requested() -> Provisioning {
    Provisioning::requested(corr(0), at(0))
}

/// The moves of a run without incident, in order.
fn happy_path() -> Vec<Ask> {
    let mut path = vec![Ask::Queue];
    for step in Step::ALL.iter().copied() {
        path.push(Ask::Begin(step));
        path.push(if step == Step::Activate { Ask::Ready } else { Ask::Succeed(step) });
    }
    path
}

fn follow(path: &[Ask]) -> Provisioning {
    path.iter().enumerate().fold(requested(), |record, (n, ask)| carry_out(record, *ask, 1, n + 1).unwrap())
}

fn any_step() -> impl Strategy<Value = Step> {
    proptest::sample::select(Step::ALL.to_vec())
}

fn any_ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        Just(Ask::Queue),
        any_step().prop_map(Ask::Begin),
        any_step().prop_map(Ask::Succeed),
        any_step().prop_map(Ask::Warn),
        any_step().prop_map(Ask::Undo),
        any_step().prop_map(Ask::Orphan),
        Just(Ask::Ready),
        any_step().prop_map(Ask::Fail),
        Just(Ask::Retry),
    ]
}

/// Mostly the next moves of a run without incident, so that the random ones meet every state.
fn any_asks() -> impl Strategy<Value = Vec<(Option<Ask>, bool)>> {
    let one = (proptest::option::weighted(0.3, any_ask()), proptest::bool::weighted(0.1));
    proptest::collection::vec(one, 0..80)
}

/// What must be true of every record.
fn assert_legal(record: &Provisioning) {
    let statuses: Vec<StepStatus> = record.steps().iter().map(|step| step.status).collect();
    let running = statuses.iter().filter(|status| **status == StepStatus::Running).count();
    assert!(running <= 1, "{statuses:?}");
    assert!(record.steps().iter().map(|step| step.step).eq(Step::ALL.iter().copied()));
    assert_eq!(record.error().is_some(), record.status() == TenantStatus::Failed);
    assert!(!record.events().is_empty() && record.events().len() <= 12);
    assert_eq!(record.events().last().map(|event| event.attempt), Some(record.attempt()));
    assert!(record.events().iter().all(|event| !event.message.is_empty() && event.status == event_status(event)));
    match record.status() {
        TenantStatus::Requested | TenantStatus::Queued => {
            assert!(statuses.iter().all(|s| *s == StepStatus::Pending))
        }
        TenantStatus::InProgress => {
            assert_ne!(statuses[Step::ValidateRequest as usize], StepStatus::Pending);
            assert_eq!(statuses[Step::SendWelcome as usize], StepStatus::Pending);
        }
        TenantStatus::Ready => {
            assert!(statuses[..=Step::Activate as usize].iter().all(|s| *s == StepStatus::Succeeded));
            assert_eq!(record.phase().progress_percent(), 100);
        }
        TenantStatus::Failed => assert_eq!(running, 0),
        other => panic!("{other} is not reached by provisioning"),
    }
    let stored = serde_json::to_string(record).unwrap();
    assert!(stored.len() <= MOST, "{} bytes: {stored}", stored.len());
    assert_eq!(&serde_json::from_str::<Provisioning>(&stored).unwrap(), record);
}

fn event_status(event: &domain::Event) -> TenantStatus {
    match event.event_type {
        EventType::Requested | EventType::RetryRequested => TenantStatus::Requested,
        EventType::Queued => TenantStatus::Queued,
        EventType::Failed => TenantStatus::Failed,
        EventType::Ready => TenantStatus::Ready,
        _ if event.step == Some(Step::SendWelcome) => TenantStatus::Ready,
        _ => TenantStatus::InProgress,
    }
}

/// From which states a move may lead to READY, FAILED or REQUESTED.
fn assert_legal_move(before: &Provisioning, ask: Ask, after: &Provisioning) {
    if after.status() != before.status() {
        match after.status() {
            TenantStatus::Ready => {
                assert!(matches!(ask, Ask::Ready) && before.status() == TenantStatus::InProgress);
                assert_eq!(before.step_status(Step::Activate), StepStatus::Running);
            }
            TenantStatus::Failed => {
                assert!(matches!(ask, Ask::Fail(_)) && before.status().is_running())
            }
            TenantStatus::Requested => {
                assert!(matches!(ask, Ask::Retry) && before.status() == TenantStatus::Failed)
            }
            _ => assert!(before.status().is_running()),
        }
    }
    let more = u32::from(matches!(ask, Ask::Retry));
    assert_eq!(after.attempt(), before.attempt() + more);
    if more == 0 {
        assert!(after.phase().progress_percent() >= before.phase().progress_percent());
    }
    assert_eq!(after.created_at(), before.created_at());
    assert!(after.updated_at() >= before.updated_at());
}

#[test]
fn a_run_without_incident_is_told_in_twelve_events() {
    let record = follow(&happy_path());
    assert_eq!(record.status(), TenantStatus::Ready);
    assert!(record.steps().iter().all(|step| step.status == StepStatus::Succeeded && step.tries == 1));
    let told: Vec<_> = record.events().iter().map(|event| event.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "Received the request",
            "Started the provisioning",
            "Checked the request",
            "Created the tenant's database partition",
            "Generated the tenant's secrets",
            "Deployed the application",
            "Set up the tenant's host name",
            "Brought the database schema up to date",
            "Invited the first admin",
            "Checked that everything works",
            "The tenant is ready",
            "Sent the welcome mail",
        ]
    );
}

#[test]
fn progress_follows_the_steps() {
    let mut seen = vec![requested().phase().progress_percent()];
    for n in 1..=happy_path().len() {
        seen.push(follow(&happy_path()[..n]).phase().progress_percent());
    }
    seen.dedup();
    assert_eq!(seen, [5, 10, 15, 40, 70, 85, 95, 100]);
}

#[test]
fn a_failure_at_any_step_ends_the_attempt_and_a_retry_starts_afresh() {
    let path = happy_path();
    let steps = Step::ALL.iter().copied().filter(|step| *step != Step::SendWelcome);
    for (step, is_begun) in steps.flat_map(|step| [(step, true), (step, false)]) {
        let begun = path.iter().position(|ask| matches!(ask, Ask::Begin(s) if *s == step)).unwrap();
        let mut record = follow(&path[..begun + usize::from(is_begun)]);
        for undo in Step::ALL.iter().rev().copied().filter(|undo| record.needs_undo(*undo, 1)).collect::<Vec<_>>() {
            record = record.undone(undo, 1, at(50)).unwrap();
            assert_eq!(record.current_step(), Some(step));
        }
        assert_eq!(record.halted_at(), step, "begun: {is_begun}");
        let failed = record.fail(1, broken(step), at(51)).unwrap();
        assert_eq!((failed.status(), failed.current_step()), (TenantStatus::Failed, Some(step)));
        assert_eq!(failed.step_status(step), StepStatus::Failed);
        assert!(failed.steps().iter().all(|s| s.status != StepStatus::Succeeded || !s.step.has_undo()));
        let retried = failed.retry(corr(9), at(52)).unwrap();
        assert_eq!((retried.status(), retried.attempt(), retried.error()), (TenantStatus::Requested, 2, None));
        assert!(retried.steps().iter().all(|s| s.status == StepStatus::Pending && s.tries == 0));
        assert!(retried.clone().begin(Step::ValidateRequest, 1, at(53)).is_err(), "the old attempt is over");
        assert!(retried.begin(Step::ValidateRequest, 2, at(53)).is_ok());
    }
}

#[test]
fn a_step_that_is_begun_again_counts_its_tries_and_keeps_its_start() {
    let record = follow(&happy_path()[..6]).begin(Step::GenerateSecrets, 1, at(60)).unwrap();
    let step = &record.steps()[Step::GenerateSecrets as usize];
    assert_eq!((step.tries, step.started_at), (2, Some(at(6))));
    assert_eq!(record.events().last().unwrap().message, "Trying GenerateSecrets once more");
    assert!(record.is_step_done(Step::CreateDatabase, 1) && !record.is_step_done(Step::CreateDatabase, 2));
}

#[test]
fn a_mail_that_was_not_sent_leaves_the_tenant_ready() {
    let path = happy_path();
    let never_begun = follow(&path[..path.len() - 2]).warn(Step::SendWelcome, 1, "the store was down", at(70)).unwrap();
    assert_eq!(never_begun.step_status(Step::SendWelcome), StepStatus::Warning);
    let record = follow(&path[..path.len() - 1]).warn(Step::SendWelcome, 1, "SES said no", at(70)).unwrap();
    assert_eq!((record.status(), record.step_status(Step::SendWelcome)), (TenantStatus::Ready, StepStatus::Warning));
    let again = record.begin(Step::SendWelcome, 1, at(71)).unwrap().succeed(Step::SendWelcome, 1, at(72)).unwrap();
    assert_eq!(again.step_status(Step::SendWelcome), StepStatus::Succeeded);
}

#[test]
fn an_illegal_move_says_what_was_asked_of_what() {
    let refused = requested().ready(1, at(1)).unwrap_err();
    assert_eq!(refused.to_string(), "a tenant that is REQUESTED in attempt 1 cannot become ready in attempt 1");
}

#[test]
fn time_is_kept_to_the_millisecond() {
    let now = Timestamp::from_nanosecond(1_767_225_600_123_456_789).unwrap();
    let record = Provisioning::requested(corr(0), now);
    assert_eq!(record.created_at(), to_milliseconds(now));
    assert_eq!(record.created_at().to_string(), "2026-01-01T00:00:00.123Z");
}

proptest! {
    #[test]
    fn no_order_of_moves_reaches_an_illegal_state(asks in any_asks()) {
        let path = happy_path();
        let mut next = 0;
        let mut record = requested();
        assert_legal(&record);
        for (n, (random, late)) in asks.into_iter().enumerate() {
            let ask = random.unwrap_or(path[next.min(path.len() - 1)]);
            let attempt = if late { record.attempt() - 1 } else { record.attempt() };
            let before = record.clone();
            match carry_out(record, ask, attempt, n) {
                Ok(after) => {
                    prop_assert!(!late || matches!(ask, Ask::Retry), "an attempt that is over moved the record");
                    assert_legal(&after);
                    assert_legal_move(&before, ask, &after);
                    next = if matches!(ask, Ask::Retry) { 0 } else { next + usize::from(random.is_none()) };
                    record = after;
                }
                Err(refused) => {
                    prop_assert_eq!(refused.from, before.status());
                    record = before;
                }
            }
        }
    }
}
