//! What makes a code count once, and what it costs.

use domain::{Action, TokenDigest};
use futures::future::join_all;
use store::{PeopleKey, SecondFactor, Session, Shown};

use crate::{
    door::session,
    identity::seeded,
    stand_in::{NOW, StandIn},
};

fn digest(number: u8) -> TokenDigest {
    TokenDigest::of(&[number; 32])
}

/// A person in a session, with a factor that is confirmed.
async fn equipped(world: &StandIn) -> (Session, SecondFactor) {
    let (tenant, admin) = seeded(world, "demo", "ada@demo.example").await;
    let session = session(world, &tenant, &admin);
    world.store.create_session(&session, &world.audit(Action::SessionStarted)).await.unwrap();
    let factor = SecondFactor::new(admin.identity_id.clone(), vec![7; 60], NOW);
    assert!(world.store.enrol_second_factor(&factor, &world.audit(Action::SecondFactorEnrolled)).await.unwrap());
    let first = Shown::First { step: 100, recovery: vec![digest(1), digest(2)] };
    assert!(show(world, &session, &factor, &first).await);
    (session, read(world, &factor).await)
}

async fn read(world: &StandIn, factor: &SecondFactor) -> SecondFactor {
    world.store.person_and_factor(&factor.identity_id).await.unwrap().1.unwrap()
}

async fn show(world: &StandIn, session: &Session, factor: &SecondFactor, shown: &Shown) -> bool {
    let audit = world.audit(Action::SecondFactorShown);
    world.store.show_second_factor(&session.session_id, (factor, shown), NOW, &audit).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_a_step_only_grows_and_a_recovery_code_goes() {
    let world = StandIn::start().await;
    let (session, factor) = equipped(&world).await;
    assert_eq!((factor.last_step, factor.recovery_codes()), (Some(100), 2));
    for (step, counts) in [(100, false), (99, false), (102, true), (101, false), (102, false), (103, true)] {
        assert_eq!(show(&world, &session, &factor, &Shown::Code { step }).await, counts, "{step}");
    }
    for (number, counts) in [(3, false), (1, true), (1, false), (2, true), (2, false)] {
        assert_eq!(show(&world, &session, &factor, &Shown::Recovery(digest(number))).await, counts, "{number}");
    }
    assert_eq!(read(&world, &factor).await.recovery_codes(), 0);
    let renewed = world.audit(Action::RecoveryCodesRenewed);
    assert!(world.store.renew_recovery_codes(&factor.identity_id, &[digest(4)], &renewed).await.unwrap());
    assert!(show(&world, &session, &factor, &Shown::Recovery(digest(4))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_of_many_at_once_one_counts() {
    let world = StandIn::start().await;
    let (session, factor) = equipped(&world).await;
    for shown in [Shown::Code { step: 101 }, Shown::Recovery(digest(1))] {
        let counted = join_all((0..8).map(|_| show(&world, &session, &factor, &shown))).await;
        assert_eq!(counted.iter().filter(|counted| **counted).count(), 1, "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_a_confirmed_factor_is_not_replaced_and_a_removed_one_takes_no_code() {
    let world = StandIn::start().await;
    let (session, factor) = equipped(&world).await;
    let other = SecondFactor::new(factor.identity_id.clone(), vec![8; 60], NOW);
    assert!(!world.store.enrol_second_factor(&other, &world.audit(Action::SecondFactorEnrolled)).await.unwrap());
    let removed = world.audit(Action::SecondFactorRemoved);
    assert!(world.store.remove_second_factor(&factor.identity_id, &removed).await.unwrap());
    assert!(!world.store.remove_second_factor(&factor.identity_id, &removed).await.unwrap());
    assert!(!show(&world, &session, &factor, &Shown::Code { step: 200 }).await);
    let renewed = world.audit(Action::RecoveryCodesRenewed);
    assert!(!world.store.renew_recovery_codes(&factor.identity_id, &[digest(4)], &renewed).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_the_first_key_of_the_people_stays() {
    let world = StandIn::start().await;
    let key = |byte| PeopleKey { key_id: "k1".into(), wrapped: vec![byte; 60] };
    let keep = async |byte| world.store.keep_people_key(&key(byte), &world.audit(Action::SecretCreated)).await.unwrap();
    assert!(world.store.people_key().await.unwrap().is_none());
    let kept = [keep(1).await, keep(2).await];
    assert_eq!(kept, [true, false]);
    assert!(world.store.people_key().await.unwrap() == Some(key(1)));
}
