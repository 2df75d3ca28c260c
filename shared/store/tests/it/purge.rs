//! The members of a tenant that is removed, as two runs of the removal meet them.

use domain::{Action, Step};
use jiff::SignedDuration;
use store::{Effects, Identity, Membership, Outcome, Tenant};

use crate::{
    door::session,
    identity::{owner, seeded},
    stand_in::{NOW, StandIn},
};

/// Somebody who belongs to two tenants, with a session in each; and their membership in the first, as a run has listed it.
async fn guest(world: &StandIn) -> (Identity, Tenant, Tenant, Membership) {
    let (first, guest) = seeded(world, "demo", "ada@demo.example").await;
    let second = world.up_to(world.tenant("other").await, Step::SeedAdmin).await;
    let effects = Effects::of(&second).join(&owner(&second, &guest.identity_id));
    world.finish(Step::SeedAdmin, Outcome::Succeeded, effects).await;
    for tenant in [&first, &second] {
        let session = session(world, tenant, &guest);
        world.store.create_session(&session, &world.audit(Action::SessionStarted)).await.unwrap();
    }
    let listed = world.store.members(&first.tenant_id).await.unwrap().remove(0);
    (guest, first, second, listed)
}

async fn remove(world: &StandIn, listed: &Membership, later: SignedDuration) {
    let mut audit = world.audit(Action::MembershipRemoved);
    audit.entry.at = NOW + later;
    world.store.remove_member(listed, &audit).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_another_tenant_outlives_two_runs_with_the_same_list() {
    let world = StandIn::start().await;
    let (guest, first, second, listed) = guest(&world).await;
    remove(&world, &listed, SignedDuration::ZERO).await;
    let once = world.keys().await;
    remove(&world, &listed, SignedDuration::from_millis(1)).await;
    assert_eq!(world.keys().await, once, "the second run takes nothing away");
    let person = world.store.identity(&guest.identity_id).await.unwrap().unwrap();
    assert_eq!(person.memberships, 1);
    assert!(world.store.membership(&first.tenant_id, &guest.identity_id).await.unwrap().is_none());
    assert!(world.store.membership(&second.tenant_id, &guest.identity_id).await.unwrap().is_some());
    assert_eq!(once.iter().filter(|key| key.contains("~SESSION#")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_whose_person_is_gone_is_removed_all_the_same() {
    let world = StandIn::start().await;
    let (guest, first, _, listed) = guest(&world).await;
    let person = format!("ID#{}", guest.identity_id);
    let delete = world.client.delete_item().table_name("core");
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.into());
    delete.key("pk", text(&person)).key("sk", text("IDENTITY")).send().await.unwrap();
    remove(&world, &listed, SignedDuration::ZERO).await;
    assert!(world.store.members(&first.tenant_id).await.unwrap().is_empty());
}
