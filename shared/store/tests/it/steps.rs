//! Steps: a race has one winner, an effect is written with its step or not at all, an undo takes back its own.

use domain::{Action, BaseDomain, Failure, Isolation, Step, StepStatus, TenantHost, TenantStatus};
use futures::future::join_all;
use store::{
    Begun, Database, Effects, Finished, HostName, Outcome, Retried, SealedSecrets, StoreError, Tenant, TenantSecrets,
};

use crate::stand_in::{NOW, StandIn};

fn secrets(byte: u8) -> TenantSecrets {
    let blob = || vec![byte; 60];
    TenantSecrets::Pool(SealedSecrets::make::<()>(1, jiff::Timestamp::UNIX_EPOCH, |_| Ok(blob())).unwrap())
}

fn pool() -> Database {
    Database { kind: Isolation::Pool, table: "core".into() }
}

fn host(tenant: &Tenant) -> TenantHost {
    TenantHost::new(tenant.subdomain.clone(), BaseDomain::parse("innkeeper.example").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deliveries_of_one_step_one_is_recorded_with_its_effects() {
    let world = StandIn::start().await;
    let tenant = world.up_to(world.tenant("demo").await, Step::GenerateSecrets).await;
    let finished = join_all((0..12).map(async |byte| {
        let effects = Effects::of(&tenant).keep(&secrets(byte));
        let audit = world.audit(Action::SecretCreated);
        (byte, world.store.finish(Step::GenerateSecrets, Outcome::Succeeded, effects, audit).await)
    }))
    .await;
    let mut winners = Vec::new();
    for (byte, finished) in finished {
        match finished.unwrap() {
            Finished::Recorded(_) => winners.push(byte),
            Finished::Already(_) => {}
            other @ Finished::Stale(_) => panic!("{other:?}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let kept = world.store.made::<TenantSecrets>(&tenant.tenant_id).await.unwrap().unwrap();
    assert!(kept.record == secrets(winners[0]) && kept.attempt == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_begin_and_each_is_counted() {
    let world = StandIn::start().await;
    let tenant = world.tenant("demo").await;
    let begun = join_all((0..3).map(|_| {
        let audit = world.audit(Action::TenantStepBegun);
        world.store.begin(&tenant.tenant_id, 1, Step::ValidateRequest, audit)
    }))
    .await;
    assert!(begun.into_iter().all(|begun| matches!(begun, Ok(Begun::Run(_)))));
    let now = world.store.tenant(&tenant.tenant_id).await.unwrap().unwrap();
    assert_eq!(now.provisioning.steps()[0].tries, 3);
    assert_eq!(now.version, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_a_read_and_two_transactions_and_done_is_a_read() {
    let world = StandIn::start().await;
    let tenant = world.tenant("demo").await;
    let step = Step::ValidateRequest;
    let (begun, calls) = world.calls_of(world.begin(&tenant, step)).await;
    assert_eq!(calls, ["GetItem", "TransactWriteItems"]);
    let (_, calls) = world.calls_of(world.finish(step, Outcome::Succeeded, Effects::of(&begun))).await;
    assert_eq!(calls, ["TransactWriteItems"]);
    let again = world.store.begin(&tenant.tenant_id, 1, step, world.audit(Action::TenantStepBegun));
    let (again, calls) = world.calls_of(again).await;
    assert!(matches!(again.unwrap(), Begun::Done(_)));
    assert_eq!(calls, ["GetItem"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_out_of_turn_and_a_stale_attempt_are_refused() {
    let world = StandIn::start().await;
    let tenant = world.tenant("demo").await;
    let begin = async |attempt, step| {
        world.store.begin(&tenant.tenant_id, attempt, step, world.audit(Action::TenantStepBegun)).await
    };
    assert!(matches!(begin(1, Step::SeedAdmin).await, Err(StoreError::IllegalMove(_))));
    assert!(matches!(begin(2, Step::ValidateRequest).await, Ok(Begun::Stale(_))));
    assert_eq!(world.store.tenant(&tenant.tenant_id).await.unwrap().unwrap().version, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_known_before_it_is_made_is_refused_once_the_record_moved() {
    let world = StandIn::start().await;
    let tenant = world.up_to(world.tenant("demo").await, Step::CreateDatabase).await;
    let audit = || world.audit(Action::TenantStepBegun);
    let known = world.store.apply(Effects::of(&tenant).keep(&pool()), audit()).await.unwrap();
    assert_eq!(known.version, tenant.version + 1);
    let late = world.store.apply(Effects::of(&tenant).keep(&pool()), audit()).await;
    assert!(matches!(late, Err(StoreError::Conflict("tenant"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_name_is_one_tenants() {
    let world = StandIn::start().await;
    let one = world.up_to(world.tenant("one").await, Step::ConfigureDomain).await;
    let two = world.up_to(world.tenant("two").await, Step::ConfigureDomain).await;
    let shared = host(&one);
    world.finish(Step::ConfigureDomain, Outcome::Succeeded, Effects::of(&one).host(&shared, "issued")).await;
    let taken = Effects::of(&two).host(&shared, "issued");
    let refused =
        world.store.finish(Step::ConfigureDomain, Outcome::Succeeded, taken, world.audit(Action::HostClaimed));
    assert!(matches!(refused.await, Err(StoreError::Conflict("host claim"))));
    assert!(world.store.made::<HostName>(&two.tenant_id).await.unwrap().is_none());
    let now = world.store.tenant(&two.tenant_id).await.unwrap().unwrap();
    assert_eq!(now.provisioning.step_status(Step::ConfigureDomain), StepStatus::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_takes_back_what_its_attempt_made_and_twice_is_once() {
    let world = StandIn::start().await;
    let fresh = world.tenant("demo").await;
    let tenant = world.up_to(fresh, Step::CreateDatabase).await;
    let tenant = world.finish(Step::CreateDatabase, Outcome::Succeeded, Effects::of(&tenant).keep(&pool())).await;
    let tenant = world.begin(&tenant, Step::GenerateSecrets).await;
    let tenant = world.finish(Step::GenerateSecrets, Outcome::Succeeded, Effects::of(&tenant).keep(&secrets(1))).await;

    let undo = Effects::of(&tenant).undo::<TenantSecrets>();
    let tenant = world.finish(Step::GenerateSecrets, Outcome::Undone, undo).await;
    let again = Effects::of(&tenant).undo::<TenantSecrets>();
    let again = world.store.finish(Step::GenerateSecrets, Outcome::Undone, again, world.audit(Action::SecretDeleted));
    assert!(matches!(again.await.unwrap(), Finished::Already(_)));

    let tenant = world.finish(Step::CreateDatabase, Outcome::Undone, Effects::of(&tenant).undo::<Database>()).await;
    let keys = world.keys().await;
    assert!(!keys.iter().any(|key| key.ends_with(" DATABASE") || key.ends_with(" SECRETS")), "{keys:?}");

    let failure = Failure::new("boom", Step::DeployStack, "it did not work", true);
    let tenant = world.finish(Step::DeployStack, Outcome::Failed(failure), Effects::of(&tenant)).await;
    assert_eq!(tenant.provisioning.status(), TenantStatus::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_leaves_what_another_attempt_made() {
    let world = StandIn::start().await;
    let tenant = world.up_to(world.tenant("demo").await, Step::ConfigureDomain).await;
    let name = host(&tenant);
    let tenant =
        world.finish(Step::ConfigureDomain, Outcome::Succeeded, Effects::of(&tenant).host(&name, "issued")).await;
    let lost = Effects::of(&tenant).orphan(Step::ConfigureDomain, "the certificate is stuck", NOW);
    let tenant = world.finish(Step::ConfigureDomain, Outcome::Orphaned("stuck".into()), lost).await;
    assert_eq!(world.store.orphans().await.unwrap()[0].detail, "the certificate is stuck");
    let failure = Failure::new("boom", Step::RunMigrations, "it did not work", true);
    let failed = world.finish(Step::RunMigrations, Outcome::Failed(failure), Effects::of(&tenant)).await;

    let retried = world.store.retry(&failed.tenant_id, &world.request(), world.audit(Action::TenantRetried)).await;
    assert!(matches!(retried.unwrap(), Retried::Requested { attempt: 2 }));
    let second = world.store.tenant(&failed.tenant_id).await.unwrap().unwrap();
    let second = world.up_to(second, Step::ConfigureDomain).await;
    let undo = Effects::of(&second).undo_host(&name);
    world.finish(Step::ConfigureDomain, Outcome::Undone, undo).await;
    assert_eq!(world.store.made::<HostName>(&failed.tenant_id).await.unwrap().unwrap().attempt, 1);
    assert!(world.keys().await.contains(&format!("HOST#{name} CLAIM")));

    let stale = Effects::of(&failed).undo_host(&name);
    let stale =
        world.store.finish(Step::ConfigureDomain, Outcome::Undone, stale, world.audit(Action::HostReleased)).await;
    assert!(!matches!(stale, Ok(Finished::Recorded(_))), "{stale:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_retries_one_promises_an_attempt() {
    let world = StandIn::start().await;
    let tenant = world.begin(&world.tenant("demo").await, Step::ValidateRequest).await;
    let failure = Failure::new("boom", Step::ValidateRequest, "it did not work", true);
    let failed = world.finish(Step::ValidateRequest, Outcome::Failed(failure), Effects::of(&tenant)).await;
    let requests: Vec<_> = (0..10).map(|_| world.request()).collect();
    let retried = join_all(
        requests
            .iter()
            .map(|request| world.store.retry(&failed.tenant_id, request, world.audit(Action::TenantRetried))),
    )
    .await;
    let promised = retried.into_iter().filter(|retried| matches!(retried, Ok(Retried::Requested { attempt: 2 })));
    assert_eq!(promised.count(), 1);
    assert_eq!(world.keys().await.iter().filter(|key| key.starts_with("OUTBOX#")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_claimed_once() {
    let world = StandIn::start().await;
    let tenant = world.up_to(world.tenant("demo").await, Step::SendWelcome).await;
    let claim = |tenant| world.store.apply(Effects::of(tenant).mail("welcome", 1, NOW), world.audit(Action::MailSent));
    let tenant = claim(&tenant).await.unwrap();
    assert!(matches!(claim(&tenant).await, Err(StoreError::Conflict("mail claim"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_after_success_is_no_second_step() {
    let world = StandIn::start().await;
    let tenant = world.begin(&world.tenant("demo").await, Step::ValidateRequest).await;
    world.lose_next_answer();
    let finished = world.finish(Step::ValidateRequest, Outcome::Succeeded, Effects::of(&tenant)).await;
    assert_eq!(finished.version, world.store.tenant(&tenant.tenant_id).await.unwrap().unwrap().version);
}
