//! The lease: one holder at a time, and a slow one is refused where it counts.

use domain::{Action, Step};
use futures::future::join_all;
use jiff::SignedDuration;
use store::{Effects, Outcome, Schema, StoreError};

use crate::stand_in::{NOW, StandIn};

const TERM: SignedDuration = SignedDuration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn of_many_holders_one_gets_the_lease() {
    let world = StandIn::start().await;
    let tenant = world.tenant("demo").await.tenant_id;
    let holders: Vec<String> = (0..20).map(|n| format!("holder-{n}")).collect();
    let taken = join_all(holders.iter().map(|holder| world.store.acquire_lease(&tenant, holder, NOW, TERM))).await;
    assert_eq!(taken.into_iter().filter_map(Result::unwrap).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_was_overtaken_writes_nothing() {
    let world = StandIn::start().await;
    let tenant = world.up_to(world.tenant("demo").await, Step::RunMigrations).await;
    let id = &tenant.tenant_id;
    let slow = world.store.acquire_lease(id, "slow", NOW, TERM).await.unwrap().unwrap();
    let early = NOW + SignedDuration::from_secs(59);
    assert!(world.store.acquire_lease(id, "quick", early, TERM).await.unwrap().is_none());
    let quick = world.store.acquire_lease(id, "quick", NOW + TERM, TERM).await.unwrap().unwrap();
    assert!(quick.fence > slow.fence);

    let audit = world.audit(Action::SchemaMigrated);
    let late = Effects::of(&tenant).schema(7, &slow);
    let refused = world.store.finish(Step::RunMigrations, Outcome::Succeeded, late, audit).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict("lease")), "{refused}");
    assert!(world.store.made::<Schema>(id).await.unwrap().is_none());

    world.finish(Step::RunMigrations, Outcome::Succeeded, Effects::of(&tenant).schema(8, &quick)).await;
    assert_eq!(world.store.made::<Schema>(id).await.unwrap().unwrap().record.version, 8);
    let next = world.store.acquire_lease(id, "next", NOW, TERM).await.unwrap().unwrap();
    assert!(next.fence > quick.fence, "a lease that was given back goes on counting");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_holder_takes_it_again_under_a_new_fence() {
    let world = StandIn::start().await;
    let tenant = world.tenant("demo").await.tenant_id;
    let first = world.store.acquire_lease(&tenant, "me", NOW, TERM).await.unwrap().unwrap();
    let second = world.store.acquire_lease(&tenant, "me", NOW, TERM).await.unwrap().unwrap();
    assert_eq!(second.fence, first.fence + 1);
}
