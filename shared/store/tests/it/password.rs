//! A new password: what it ends, however many there are and whatever happens at the same moment.

use domain::{Action, IdentityId, ResetToken, TokenDigest};
use futures::future::join_all;
use jiff::SignedDuration;
use store::{Entitled, Identity, IssuedReset, PasswordHash, Session, StoreError, Tenant};

use crate::{
    door::session,
    identity::seeded,
    stand_in::{NOW, StandIn},
};

async fn reset_token(world: &StandIn, identity: &IdentityId) -> TokenDigest {
    let digest = ResetToken::new(&world.entropy).digest();
    let expires_at = NOW + SignedDuration::from_mins(60);
    let issued = IssuedReset { identity_id: identity.clone(), expires_at, spent: None };
    world.store.issue_reset(&digest, &issued, &world.audit(Action::PasswordResetRequested)).await.unwrap();
    digest
}

async fn reset(world: &StandIn, identity: &IdentityId, token: &TokenDigest, phc: &str) -> bool {
    let audit = world.audit(Action::PasswordReset);
    world.store.set_password(identity, Entitled::Bearer(token), &PasswordHash::new(phc), &audit).await.unwrap()
}

/// A person whose password is `old`.
async fn person(world: &StandIn) -> (Tenant, Identity) {
    let (tenant, admin) = seeded(world, "demo", "ada@demo.example").await;
    let token = reset_token(world, &admin.identity_id).await;
    assert!(reset(world, &admin.identity_id, &token, "old").await);
    (tenant, admin)
}

async fn start(world: &StandIn, tenant: &Tenant, admin: &Identity) -> Result<Session, StoreError> {
    let session = session(world, tenant, admin);
    let (old, audit) = (PasswordHash::new("old"), world.audit(Action::SessionStarted));
    world.store.start_session(&session, &old, None, &audit).await.map(|()| session)
}

async fn sessions(world: &StandIn) -> usize {
    world.keys().await.iter().filter(|key| key.contains("~SESSION#")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sessions_end_than_a_transaction_takes() {
    let world = StandIn::start().await;
    let (tenant, admin) = person(&world).await;
    for _ in 0..205 {
        let session = session(&world, &tenant, &admin);
        world.store.create_session(&session, &world.audit(Action::SessionStarted)).await.unwrap();
    }
    let kept = start(&world, &tenant, &admin).await.unwrap();
    let (old, new) = (PasswordHash::new("old"), PasswordHash::new("new"));
    let by = Entitled::Owner { matched: &old, session: &kept.session_id };
    let change = async |audit| world.store.set_password(&admin.identity_id, by, &new, &audit).await.unwrap();
    assert!(change(world.audit(Action::PasswordChanged)).await);
    assert_eq!(sessions(&world).await, 1);
    assert!(!change(world.audit(Action::PasswordChanged)).await, "the old password entitles to nothing any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_of_the_old_password_survives_whoever_is_first() {
    let world = StandIn::start().await;
    let (tenant, admin) = person(&world).await;
    let token = reset_token(&world, &admin.identity_id).await;
    let starts = join_all((0..30).map(|_| start(&world, &tenant, &admin)));
    let (started, done) = tokio::join!(starts, reset(&world, &admin.identity_id, &token, "new"));
    assert!(done);
    assert!(started.iter().all(|one| matches!(one, Ok(_) | Err(StoreError::Conflict("password")))));
    assert_eq!(sessions(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_once_in_time_for_its_person_and_while_it_is_the_newest() {
    let world = StandIn::start().await;
    let (_, admin) = person(&world).await;
    let (_, other) = seeded(&world, "other", "ada@other.example").await;
    let older = reset_token(&world, &admin.identity_id).await;
    let newest = reset_token(&world, &admin.identity_id).await;
    let id = &admin.identity_id;
    assert!(!reset(&world, id, &older, "x").await, "an older one");
    assert!(!reset(&world, &other.identity_id, &newest, "x").await, "another person's");
    let mut late = world.audit(Action::PasswordReset);
    late.entry.at = NOW + SignedDuration::from_mins(60);
    let (by, new) = (Entitled::Bearer(&newest), PasswordHash::new("x"));
    assert!(!world.store.set_password(id, by, &new, &late).await.unwrap(), "too late");
    assert!(reset(&world, id, &newest, "new").await);
    assert!(!reset(&world, id, &newest, "x").await, "used");
    assert_eq!(world.store.identity(id).await.unwrap().unwrap().password_phc, Some(PasswordHash::new("new")));
}
