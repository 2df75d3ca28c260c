//! Signup: one wins, nothing else is stored; the same key, the same answer.

use domain::{Action, Step, Subdomain};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{Availability, IdempotencyRecord, OUTBOX_SHARDS, OutboxEntry, Proof, SignupOutcome};

use crate::stand_in::{NOW, StandIn, named};

fn record(key: &str, body: &str, answer: &str, now: Timestamp) -> IdempotencyRecord {
    IdempotencyRecord::new("tenant.create", "203.0.113.7", key, body.as_bytes(), answer.into(), now)
}

async fn promised(world: &StandIn, older_than: Timestamp) -> Vec<OutboxEntry> {
    let shards = (0..OUTBOX_SHARDS).map(|shard| world.store.due(shard, older_than));
    join_all(shards).await.into_iter().flat_map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_for_one_name_one_wins_and_nothing_else_is_stored() {
    let world = StandIn::start().await;
    let outcomes = join_all((0..200).map(|_| {
        let new = world.new_tenant(named("demo"));
        world.store.signup(new, None, world.audit(Action::TenantRequested))
    }))
    .await;
    let won = |outcome: &SignupOutcome| *outcome == SignupOutcome::Created;
    let lost = |outcome: &SignupOutcome| *outcome == SignupOutcome::SubdomainTaken;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| won(outcome)).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| lost(outcome)).count(), 199);
    let keys = world.keys().await;
    let [outbox, listed, claim, extras, tenant] = keys.as_slice() else { panic!("{keys:?}") };
    assert!(outbox.starts_with("OUTBOX#") && listed.starts_with("PLATFORM#TENANTS "), "{keys:?}");
    assert_eq!(claim, "SUBDOMAIN#demo CLAIM");
    assert!(extras.ends_with(" SIGNUP") && tenant.ends_with(" TENANT"));
    assert_eq!(world.dump("audit").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gets_the_same_answer_and_another_body_none() {
    let world = StandIn::start().await;
    let sign_up = async |name: &str, record| {
        world
            .store
            .signup(world.new_tenant(named(name)), Some(record), world.audit(Action::TenantRequested))
            .await
            .unwrap()
    };
    assert_eq!(sign_up("one", record("k", "one", "first", NOW)).await, SignupOutcome::Created);
    let stored = world.keys().await;
    let (replayed, calls) = world.calls_of(sign_up("one", record("k", "one", "second", NOW))).await;
    assert_eq!(replayed, SignupOutcome::IdempotencyReplay(b"first".to_vec()));
    assert_eq!(calls, ["TransactWriteItems"]);
    assert_eq!(sign_up("two", record("k", "two", "third", NOW)).await, SignupOutcome::IdempotencyMismatch);
    assert_eq!(world.keys().await, stored);
    let next_day = NOW + SignedDuration::from_hours(25);
    assert_eq!(sign_up("two", record("k", "two", "third", next_day)).await, SignupOutcome::Created);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_under_one_key_make_one_tenant() {
    let world = StandIn::start().await;
    let outcomes = join_all((0..50).map(|n| {
        let record = record("k", "one", &format!("{n}"), NOW);
        world.store.signup(world.new_tenant(named("one")), Some(record), world.audit(Action::TenantRequested))
    }))
    .await;
    let mut created = 0;
    for outcome in outcomes {
        match outcome.unwrap() {
            SignupOutcome::Created => created += 1,
            SignupOutcome::IdempotencyReplay(_) | SignupOutcome::InFlight => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(created, 1);
    assert_eq!(world.keys().await.iter().filter(|key| key.ends_with(" TENANT")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_after_success_is_no_second_signup() {
    let world = StandIn::start().await;
    world.lose_next_answer();
    let signup = world.store.signup(world.new_tenant(named("demo")), None, world.audit(Action::TenantRequested));
    let (outcome, calls) = world.calls_of(signup).await;
    assert_eq!(outcome.unwrap(), SignupOutcome::Created);
    assert_eq!(calls.len(), 2);
    assert_eq!(world.dump("audit").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_free_then_taken_then_a_tombstone_for_ever() {
    let world = StandIn::start().await;
    let name = Subdomain::parse("demo").unwrap();
    assert_eq!(world.store.subdomain(&name).await.unwrap(), Availability::Free);
    let tenant = world.tenant("demo").await.tenant_id;
    let stranger = world.tenant("other").await.tenant_id;
    assert_eq!(world.store.subdomain(&name).await.unwrap(), Availability::Taken);

    let audit = || world.audit(Action::TenantFailed);
    world.store.release_subdomain(&name, &stranger, &audit()).await.unwrap_err();
    world.store.tombstone_subdomain(&name, &stranger, &audit()).await.unwrap_err();
    world.store.tombstone_subdomain(&name, &tenant, &audit()).await.unwrap();
    world.store.release_subdomain(&name, &tenant, &audit()).await.unwrap_err();
    assert_eq!(world.store.subdomain(&name).await.unwrap(), Availability::Tombstoned);
    let again = world.store.signup(world.new_tenant(named("demo")), None, audit()).await.unwrap();
    assert_eq!(again, SignupOutcome::SubdomainTaken);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_one_read_and_only_for_who_may() {
    let world = StandIn::start().await;
    let new = world.new_tenant(named("demo"));
    let (id, token) = (new.tenant_id.clone(), new.status_token.clone());
    world.store.signup(new, None, world.audit(Action::TenantRequested)).await.unwrap();
    let other = world.tenant("other").await.tenant_id;

    let proof = Proof::StatusToken(token.clone());
    let (seen, calls) = world.calls_of(world.store.status_view(&id, &proof)).await;
    assert_eq!(calls, ["GetItem"]);
    assert_eq!(seen.unwrap().unwrap().attempt(), 1);
    assert!(world.store.status_view(&id, &Proof::Member(id.clone())).await.unwrap().is_some());
    for (tenant, proof) in [
        (&other, proof),
        (&id, Proof::StatusToken(world.digest())),
        (&id, Proof::Member(other.clone())),
        (&domain::TenantId::parse("tenant-demo-ffffffff").unwrap(), Proof::StatusToken(token)),
    ] {
        assert!(world.store.status_view(tenant, &proof).await.unwrap().is_none(), "{tenant} {proof:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_kept_by_the_first_step() {
    let world = StandIn::start().await;
    let tenant = world.tenant("demo").await;
    assert!(promised(&world, NOW).await.is_empty(), "not yet due");
    let later = NOW + SignedDuration::from_mins(1);
    let due = promised(&world, later).await;
    assert_eq!(due.len(), 1);
    assert_eq!((&due[0].tenant_id, due[0].attempt), (&tenant.tenant_id, 1));
    world.begin(&tenant, Step::ValidateRequest).await;
    assert!(promised(&world, later).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_the_name_is_run_again_and_one_for_the_key_is_in_flight() {
    let world = StandIn::start().await;
    let cancelled = |codes: &[&str]| {
        let reasons: Vec<_> = codes.iter().map(|code| json!({"Code": code})).collect();
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        world.answer(400, json!({"__type": kind, "Message": "cancelled", "CancellationReasons": reasons}));
    };
    let sign_up =
        |record| world.store.signup(world.new_tenant(named("one")), record, world.audit(Action::TenantRequested));

    cancelled(&["None", "TransactionConflict", "None", "None", "None", "None"]);
    let (outcome, calls) = world.calls_of(sign_up(None)).await;
    assert!(outcome.unwrap_err().is_retryable());
    assert_eq!(calls.len(), 4);

    cancelled(&["None", "ConditionalCheckFailed", "None", "None", "None", "TransactionConflict", "None"]);
    let outcome = sign_up(Some(record("k", "one", "answer", NOW))).await.unwrap();
    assert_eq!(outcome, SignupOutcome::InFlight);

    cancelled(&["None", "ConditionalCheckFailed", "None", "None", "None", "ThrottlingError"]);
    assert_eq!(sign_up(None).await.unwrap(), SignupOutcome::SubdomainTaken);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_entry_is_the_tenants_and_kept_as_its_plan_says() {
    let world = StandIn::start().await;
    let tenant = world.tenant("demo").await;
    let entries = world.dump("audit").await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!(entry["pk"].as_s().unwrap(), &format!("T#{}", tenant.tenant_id));
    assert!(entry["sk"].as_s().unwrap().starts_with("2026-01-01T00:00:00.000Z#"), "{:?}", entry["sk"]);
    assert_eq!(entry["action"].as_s().unwrap(), "tenant.requested");
    let year = NOW.as_second() + 365 * 86_400;
    assert_eq!(entry["ttl"].as_n().unwrap(), &year.to_string());
}
