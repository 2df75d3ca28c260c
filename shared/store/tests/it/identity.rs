//! People: the first membership, the second, taking back, activation.

use domain::{Action, EmailAddress, IdentityId, MembershipStatus, PersonName, Role, Step, TokenDigest};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use store::{Effects, Identity, IssuedActivation, LoginView, Membership, Outcome, PasswordHash, StoreError, Tenant};

use crate::stand_in::{NOW, StandIn};

pub(crate) fn person(world: &StandIn, address: &str) -> Identity {
    Identity {
        identity_id: IdentityId::new(&world.entropy),
        email: EmailAddress::parse(address).unwrap(),
        name: PersonName::parse("Ada Admin").unwrap(),
        password_phc: None,
        email_verified: false,
        memberships: 0,
        made_by: None,
        created_at: NOW,
    }
}

pub(crate) fn owner(tenant: &Tenant, identity: &IdentityId) -> Membership {
    Membership {
        tenant_id: tenant.tenant_id.clone(),
        identity_id: identity.clone(),
        role: Role::Owner,
        status: MembershipStatus::Active,
        created_at: NOW,
        attempt: 1,
        version: 1,
        via: "signup".into(),
    }
}

/// A tenant with its owner.
pub(crate) async fn seeded(world: &StandIn, name: &str, address: &str) -> (Tenant, Identity) {
    let tenant = world.up_to(world.tenant(name).await, Step::SeedAdmin).await;
    let admin = person(world, address);
    let effects = Effects::of(&tenant).create_identity(&admin, &owner(&tenant, &admin.identity_id));
    (world.finish(Step::SeedAdmin, Outcome::Succeeded, effects).await, admin)
}

async fn joined(world: &StandIn, name: &str, identity: &IdentityId) -> Tenant {
    let tenant = world.up_to(world.tenant(name).await, Step::SeedAdmin).await;
    let effects = Effects::of(&tenant).join(&owner(&tenant, identity));
    world.finish(Step::SeedAdmin, Outcome::Succeeded, effects).await
}

async fn leave(world: &StandIn, tenant: &Tenant, identity: &IdentityId) {
    let identity = world.store.identity(identity).await.unwrap().unwrap();
    let members = world.store.members(&tenant.tenant_id).await.unwrap();
    let effects = Effects::of(tenant).leave(&members[0], &identity);
    world.finish(Step::SeedAdmin, Outcome::Undone, effects).await;
}

async fn issue(world: &StandIn, tenant: &Tenant, identity: &IdentityId) -> (TokenDigest, IssuedActivation) {
    let digest = world.digest();
    let issued = IssuedActivation {
        identity_id: identity.clone(),
        tenant_id: Some(tenant.tenant_id.clone()),
        expires_at: NOW + SignedDuration::from_hours(72),
    };
    let tenant = world.store.tenant(&tenant.tenant_id).await.unwrap().unwrap();
    let effects = Effects::of(&tenant).activation(&digest, &issued);
    world.store.apply(effects, world.audit(Action::ActivationIssued)).await.unwrap();
    (digest, issued)
}

async fn activate(
    world: &StandIn,
    (digest, issued): &(TokenDigest, IssuedActivation),
    phc: &str,
    now: Timestamp,
) -> bool {
    let audit = world.audit(Action::IdentityActivated);
    world.store.activate(digest, issued, &PasswordHash::new(phc), now, &audit).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_found_by_any_spelling_of_the_address_and_nobody_by_the_same_two_reads() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "Ada@Demo.example").await;
    let address = EmailAddress::parse("ada@demo.EXAMPLE").unwrap();
    let nobody = IdentityId::new(&world.entropy);
    let (found, calls) = world.calls_of(world.store.login_view(&address, nobody.clone())).await;
    assert_eq!(calls, ["GetItem", "Query"]);
    let found = found.unwrap().unwrap();
    assert_eq!(found.identity.identity_id, admin.identity_id);
    assert_eq!(found.memberships[0].tenant_id, tenant.tenant_id);
    assert_eq!(found.memberships[0].role, Role::Owner);
    let unknown = EmailAddress::parse("nobody@demo.example").unwrap();
    let (found, same) = world.calls_of(world.store.login_view(&unknown, nobody)).await;
    assert!(found.unwrap().is_none());
    assert_eq!(same, calls);
}

async fn login_view(world: &StandIn, person: &Identity) -> LoginView {
    world.store.login_view(&person.email, IdentityId::new(&world.entropy)).await.unwrap().unwrap()
}

/// As it is stored.
async fn counted(world: &StandIn, tenant: &Tenant) -> (u32, u32) {
    let tenant = world.store.tenant(&tenant.tenant_id).await.unwrap().unwrap();
    (tenant.admins, tenant.owners)
}

#[tokio::test(flavor = "multi_thread")]
async fn r39_a_tenant_counts_its_first_owner_until_they_are_taken_back() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    assert_eq!((counted(&world, &tenant).await, (tenant.admins, tenant.owners)), ((1, 1), (1, 1)));
    let other = joined(&world, "other", &admin.identity_id).await;
    assert_eq!(counted(&world, &other).await, (1, 1));
    leave(&world, &tenant, &admin.identity_id).await;
    assert_eq!((counted(&world, &tenant).await, counted(&world, &other).await), ((0, 0), (1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_one_person_and_a_second_tenant_adds_a_membership_only() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "one", "ada@demo.example").await;
    let token = issue(&world, &tenant, &admin.identity_id).await;
    assert!(activate(&world, &token, "phc", NOW).await);

    let two = world.up_to(world.tenant("two").await, Step::SeedAdmin).await;
    let double = person(&world, "ADA@demo.example");
    let effects = Effects::of(&two).create_identity(&double, &owner(&two, &double.identity_id));
    let refused =
        world.store.finish(Step::SeedAdmin, Outcome::Succeeded, effects, world.audit(Action::IdentityCreated));
    assert!(matches!(refused.await, Err(StoreError::Conflict("email claim"))));
    assert!(world.store.identity(&double.identity_id).await.unwrap().is_none());

    let known = world.store.identity_by_email(&double.email).await.unwrap().unwrap();
    assert_eq!(known, admin.identity_id);
    let effects = Effects::of(&two).join(&owner(&two, &known));
    world.finish(Step::SeedAdmin, Outcome::Succeeded, effects).await;
    let after = login_view(&world, &admin).await;
    assert_eq!((after.memberships.len(), after.identity.memberships), (2, 2));
    assert_eq!(after.identity.password_phc, Some(PasswordHash::new("phc")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_was_never_used_is_taken_back_whole() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    leave(&world, &tenant, &admin.identity_id).await;
    let keys = world.keys().await;
    let left = |prefix: &str| keys.iter().any(|key| key.starts_with(prefix) || key.contains(prefix));
    assert!(!left("ID#") && !left("EMAIL#") && !left("MEMBER#"), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_activated_or_joined_another_tenant_stays() {
    let world = StandIn::start().await;
    let (tenant, active) = seeded(&world, "one", "ada@one.example").await;
    let token = issue(&world, &tenant, &active.identity_id).await;
    assert!(activate(&world, &token, "phc", NOW).await);
    let tenant = world.store.tenant(&tenant.tenant_id).await.unwrap().unwrap();
    leave(&world, &tenant, &active.identity_id).await;
    let view = login_view(&world, &active).await;
    assert_eq!((view.memberships.len(), view.identity.memberships), (0, 0));

    let (two, busy) = seeded(&world, "two", "ada@two.example").await;
    let three = joined(&world, "three", &busy.identity_id).await;
    leave(&world, &two, &busy.identity_id).await;
    let view = login_view(&world, &busy).await;
    assert_eq!(view.memberships[0].tenant_id, three.tenant_id);
    assert_eq!(view.identity.memberships, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_moves_on_while_being_taken_back_is_a_conflict() {
    let world = StandIn::start().await;
    let (one, admin) = seeded(&world, "one", "ada@one.example").await;
    let read = world.store.identity(&admin.identity_id).await.unwrap().unwrap();
    joined(&world, "two", &admin.identity_id).await;
    let members = world.store.members(&one.tenant_id).await.unwrap();
    let effects = Effects::of(&one).leave(&members[0], &read);
    let refused =
        world.store.finish(Step::SeedAdmin, Outcome::Undone, effects, world.audit(Action::IdentityRemoved)).await;
    assert!(matches!(refused, Err(StoreError::Conflict("identity"))));
    leave(&world, &one, &admin.identity_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_activations_one_sets_the_password() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    let token = issue(&world, &tenant, &admin.identity_id).await;
    let names: Vec<String> = (0..50).map(|n| format!("phc-{n}")).collect();
    let won = join_all(names.iter().map(|phc| activate(&world, &token, phc, NOW))).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let winner = won.iter().position(|won| *won).unwrap();
    let after = world.store.identity(&admin.identity_id).await.unwrap().unwrap();
    assert_eq!(after.password_phc, Some(PasswordHash::new(&names[winner])));
    assert!(after.email_verified);
    assert!(!format!("{after:?}").contains("phc-"), "a hash is not printed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_that_is_no_good_is_refused_alike() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    let used = issue(&world, &tenant, &admin.identity_id).await;
    let other = issue(&world, &tenant, &admin.identity_id).await;
    let late = used.1.expires_at;
    assert!(world.store.issued_activation(&used.0, NOW).await.unwrap().is_some());
    assert!(world.store.issued_activation(&used.0, late).await.unwrap().is_none());
    assert!(!activate(&world, &used, "phc", late).await, "expired");
    assert!(!activate(&world, &(world.digest(), used.1.clone()), "phc", NOW).await, "unknown");
    assert!(activate(&world, &used, "phc", NOW).await);
    assert!(!activate(&world, &used, "phc", NOW).await, "used");
    assert!(!activate(&world, &other, "phc", NOW).await, "has a password");
}
