//! Sessions, admission, signing keys.

use domain::{
    Action, IdentityId, KeyId, Plan, Role, SessionId, TenantId, TenantStatus,
    refresh::{Channel, Client, Family, Limits},
};
use jiff::SignedDuration;
use serde_json::json;
use store::{Admission, Identity, PublicKey, Session, Standing, Tenant};

use crate::{
    identity::seeded,
    stand_in::{NOW, StandIn},
};

pub(crate) fn limits() -> Limits {
    Limits { idle: SignedDuration::from_hours(24), expires_at: NOW + SignedDuration::from_hours(7 * 24) }
}

pub(crate) fn session(world: &StandIn, tenant: &Tenant, identity: &Identity) -> Session {
    Session {
        session_id: SessionId::new(&world.entropy),
        identity_id: identity.identity_id.clone(),
        tenant_id: Some(tenant.tenant_id.clone()),
        client: "curl/8".into(),
        source_ip: "203.0.113.7".into(),
        created_at: NOW,
        expires_at: limits().expires_at,
        second_factor_at: None,
        family: Family::start(&Client::new(Channel::Body, "curl/8"), NOW, limits()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_asks_once() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    let session = session(&world, &tenant, &admin);
    world.store.create_session(&session, &world.audit(Action::SessionStarted)).await.unwrap();

    let admission = world.store.admission(&admin.identity_id, &session.session_id, Some(&tenant.tenant_id));
    let (admission, calls) = world.calls_of(admission).await;
    assert_eq!(calls, ["BatchGetItem"]);
    let expected = Admission {
        session: Some(Standing {
            tenant_id: session.tenant_id.clone(),
            expires_at: session.expires_at,
            created_at: session.created_at,
            second_factor_at: None,
            impersonator: None,
            family: session.family.clone(),
        }),
        role: Some(Role::Owner),
        tenant: Some(TenantStatus::InProgress),
        plan: Some(Plan::Starter),
        bootstrap_removed: false,
        second_factor: false,
        operator: None,
        signing_generation: 0,
    };
    assert_eq!(admission.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_not_admitted() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    let (other, stranger) = seeded(&world, "other", "eve@other.example").await;
    let session = session(&world, &tenant, &admin);
    world.store.create_session(&session, &world.audit(Action::SessionStarted)).await.unwrap();
    let admission = async |identity: &IdentityId, session: &SessionId, tenant: &TenantId| {
        world.store.admission(identity, session, Some(tenant)).await.unwrap()
    };
    let foreign = admission(&admin.identity_id, &session.session_id, &other.tenant_id).await;
    assert_eq!(foreign.role, None);
    let borrowed = admission(&stranger.identity_id, &session.session_id, &other.tenant_id).await;
    assert_eq!(borrowed.session, None);
    let nowhere = TenantId::parse("tenant-demo-ffffffff").unwrap();
    let nobody = admission(&stranger.identity_id, &session.session_id, &nowhere).await;
    assert_eq!(nobody, Admission::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_left_unread_are_asked_for_again_and_not_for_ever() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    let session = SessionId::new(&world.entropy);
    let unread = json!({"pk": {"S": "x"}, "sk": {"S": "y"}});
    world.answer(200, json!({"Responses": {"core": []}, "UnprocessedKeys": {"core": {"Keys": [unread]}}}));
    let admission = world.store.admission(&admin.identity_id, &session, Some(&tenant.tenant_id));
    let (admission, calls) = world.calls_of(admission).await;
    assert!(admission.unwrap_err().is_retryable());
    assert_eq!(calls, ["BatchGetItem"; 4], "one past the SDK and three by it");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_do_not_weigh_on_login() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    for _ in 0..3 {
        let session = session(&world, &tenant, &admin);
        world.store.create_session(&session, &world.audit(Action::SessionStarted)).await.unwrap();
        world.store.create_session(&session, &world.audit(Action::SessionStarted)).await.unwrap_err();
    }
    let view = world.store.login_view(&admin.email, IdentityId::new(&world.entropy)).await.unwrap().unwrap();
    assert_eq!(view.memberships.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_key_is_published_once() {
    let world = StandIn::start().await;
    let key = |x: &str| PublicKey { kid: "k1".into(), x: x.into(), not_before: NOW, retire_at: None, created_at: NOW };
    let publish =
        async |key| world.store.publish_signing_key(&key, &world.audit(Action::SigningKeyPublished)).await.unwrap();
    assert!(publish(key("first")).await);
    assert!(!publish(key("second")).await);
    assert_eq!(world.store.signing_keys().await.unwrap(), [key("first")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retirement_is_told_to_every_session_and_never_put_off() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    let key = PublicKey { kid: "k1".into(), x: "x".into(), not_before: NOW, retire_at: None, created_at: NOW };
    world.store.publish_signing_key(&key, &world.audit(Action::SigningKeyPublished)).await.unwrap();
    let kid = KeyId::parse("k1").unwrap();
    let retire = async |kid: &KeyId, at| {
        world.store.retire_signing_key(kid, at, &world.audit(Action::SigningKeyRetired)).await.unwrap()
    };
    let later = NOW + SignedDuration::from_secs(900);
    assert!(!retire(&KeyId::parse("k2").unwrap(), NOW).await, "it is not published");
    assert!(retire(&kid, later).await);
    assert!(!retire(&kid, later).await && !retire(&kid, later + SignedDuration::from_secs(1)).await);
    assert!(retire(&kid, NOW + SignedDuration::from_millis(1_700)).await);

    let published = world.store.published_keys().await.unwrap();
    assert_eq!(published.generation, 2);
    assert_eq!(published.keys[0].retire_at, Some(NOW + SignedDuration::from_secs(1)));
    for _ in 0..32 {
        let session = SessionId::new(&world.entropy);
        for tenant in [Some(&tenant.tenant_id), None] {
            let admission = world.store.admission(&admin.identity_id, &session, tenant).await.unwrap();
            assert_eq!(admission.signing_generation, 2);
        }
    }
}
