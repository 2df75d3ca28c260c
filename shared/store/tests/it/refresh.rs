//! What happens to a session after its start, and what it costs.

use domain::{
    Action, SessionId,
    refresh::{Channel, Client, Family, Verdict},
};
use futures::future::join_all;
use store::{Session, Tenant};

use crate::{
    door::{limits, session},
    identity::seeded,
    stand_in::{NOW, StandIn},
};

async fn started(world: &StandIn) -> (Session, Tenant) {
    let (tenant, admin) = seeded(world, "demo", "ada@demo.example").await;
    (another(world, &tenant, &admin).await, tenant)
}

async fn another(world: &StandIn, tenant: &Tenant, admin: &store::Identity) -> Session {
    let session = session(world, tenant, admin);
    world.store.create_session(&session, &world.audit(Action::SessionStarted)).await.unwrap();
    session
}

fn next(family: &Family) -> Family {
    let client = Client::new(Channel::Body, "curl/8");
    match family.present(family.generation, &client, NOW, limits()) {
        Verdict::Rotate(next) => next,
        other => panic!("{other:?}"),
    }
}

async fn rotate(world: &StandIn, session: &Session, next: &Family) -> bool {
    let audit = world.audit(Action::SessionRefreshed);
    world.store.rotate(&session.identity_id, &session.session_id, next, &audit).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_rotates() {
    let world = StandIn::start().await;
    let (session, tenant) = started(&world).await;
    let second = next(&session.family);
    let (won, calls) = world.calls_of(join_all((0..8).map(|_| rotate(&world, &session, &second)))).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    assert_eq!(calls, ["TransactWriteItems"; 8]);

    let admission =
        world.store.admission(&session.identity_id, &session.session_id, Some(&tenant.tenant_id)).await.unwrap();
    assert_eq!(admission.session.unwrap().family, second);
    assert!(rotate(&world, &session, &next(&second)).await);
    assert!(!rotate(&world, &session, &second).await, "a generation is not made twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_whose_answer_is_lost_is_one_rotation() {
    let world = StandIn::start().await;
    let (session, _) = started(&world).await;
    world.lose_next_answer();
    assert!(rotate(&world, &session, &next(&session.family)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_once_and_takes_no_refresh_after_that() {
    let world = StandIn::start().await;
    let (session, tenant) = started(&world).await;
    let end = async || {
        let audit = world.audit(Action::SessionEnded);
        world.store.end_session(&session.identity_id, &session.session_id, &audit).await.unwrap()
    };
    assert!(end().await);
    assert!(!end().await);
    assert!(!rotate(&world, &session, &next(&session.family)).await);
    let audit = world.audit(Action::SessionSwitched);
    let switched = world.store.switch_tenant(&session.identity_id, &session.session_id, &tenant.tenant_id, &audit);
    assert!(!switched.await.unwrap());
    assert!(!world.keys().await.iter().any(|key| key.contains("SESSION")), "nothing brings it back");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_come_in_pages_and_go_but_for_one() {
    let world = StandIn::start().await;
    let (tenant, admin) = seeded(&world, "demo", "ada@demo.example").await;
    let (_, stranger) = seeded(&world, "other", "eve@other.example").await;
    let kept = another(&world, &tenant, &admin).await;
    let foreign = another(&world, &tenant, &stranger).await;
    for _ in 0..104 {
        another(&world, &tenant, &admin).await;
    }
    let (mut ids, mut after): (Vec<SessionId>, _) = (Vec::new(), None);
    loop {
        let page = world.store.sessions(&admin.identity_id, after.as_ref(), 50).await.unwrap();
        ids.extend(page.sessions.into_iter().map(|session| session.session_id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), ids.contains(&foreign.session_id)), (105, false));

    let audit = world.audit(Action::SessionRevoked);
    let end = world.store.end_sessions(&admin.identity_id, Some(&kept.session_id), &audit);
    let (ended, calls) = world.calls_of(end).await;
    assert_eq!(ended.unwrap(), 104);
    assert_eq!(calls, ["Query", "TransactWriteItems", "TransactWriteItems"]);
    let left = world.store.sessions(&admin.identity_id, None, 50).await.unwrap().sessions;
    assert_eq!(left, [kept]);
    assert_eq!(world.store.sessions(&stranger.identity_id, None, 50).await.unwrap().sessions, [foreign]);
}
