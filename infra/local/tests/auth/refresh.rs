//! R12, R13: rotation, repeats, thieves, and how long a session lasts.

use futures::future::join_all;
use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};

use crate::house::{Device, House, seconds, text};

const PHONE: &str = "Lanterns/1.0 (phone)";
const THIEF: &str = "curl/8.11";

async fn is_dead(house: &House, devices: &[&Device]) {
    for device in devices {
        house.whoami(device).await.problem(401, "unauthenticated");
        house.present(device.user_agent, &device.refresh).await.problem(401, "invalid_refresh_token");
    }
}

#[tokio::test]
async fn r13_each_use_gives_the_next_token_and_both_access_tokens_work() {
    let house = House::open().await;
    let first = house.log_in(PHONE).await;
    let second = house.refresh(&first).await;
    let third = house.refresh(&second).await;
    assert!(first.refresh != second.refresh && second.refresh != third.refresh && second.access != third.access);
    for device in [&first, &second, &third] {
        assert_eq!(house.whoami(device).await.expect(200)["tenant_id"], house.tenant);
    }
    assert_eq!(house.audited("session.refreshed"), 2);
    for table in ["core", "audit"] {
        let stored = house.items(table).iter().map(ToString::to_string).collect::<String>();
        assert!(!stored.contains("ink_rt_") && !stored.contains(third.refresh.rsplit('.').next().unwrap()));
    }
}

#[tokio::test]
async fn r13_a_repeat_gets_the_same_successor_until_the_tenth_second_is_over() {
    let house = House::open().await;
    let first = house.log_in(PHONE).await;
    house.pass(seconds(840));
    let second = house.refresh(&first).await;
    for pause in [0, 1, 8, 1] {
        house.pass(seconds(pause));
        let again = house.refresh(&first).await;
        assert_eq!(again.refresh, second.refresh);
        house.whoami(&again).await.expect(200);
    }
    // Ten seconds and a millisecond.
    house.pass(SignedDuration::from_millis(1));
    house.present(PHONE, &first.refresh).await.problem(401, "invalid_refresh_token");
    is_dead(&house, &[&second]).await;
    assert_eq!(house.audited("refresh_token.reused"), 1);
    // The person signs in again, and nothing is left of the old family.
    let anew = house.log_in(PHONE).await;
    house.refresh(&anew).await;
    is_dead(&house, &[&first, &second]).await;
    assert_eq!(house.audited("refresh_token.reused"), 1, "what is gone is not found again");
}

#[tokio::test]
async fn r13_a_token_that_is_older_than_the_last_use_ends_the_family() {
    let house = House::open().await;
    let first = house.log_in(PHONE).await;
    let second = house.refresh(&first).await;
    let third = house.refresh(&second).await;
    house.present(PHONE, &first.refresh).await.problem(401, "invalid_refresh_token");
    is_dead(&house, &[&second, &third]).await;
}

#[tokio::test]
async fn r13_a_crowd_with_the_same_token_gets_one_successor() {
    let house = House::open().await;
    let first = house.log_in(PHONE).await;
    let crowd = join_all((0..8).map(|_| house.refresh(&first))).await;
    assert!(crowd.iter().all(|device| device.refresh == crowd[0].refresh));
    assert_eq!(house.audited("session.refreshed"), 1);
    house.refresh(&crowd[0]).await;
}

#[tokio::test]
async fn r13_a_thief_before_the_client_is_found_when_the_client_comes() {
    for pause in [0, 5, 600] {
        let house = House::open().await;
        let client = house.log_in(PHONE).await;
        let thief = house.refresh(&Device { user_agent: THIEF, ..client.clone() }).await;
        house.whoami(&thief).await.expect(200);
        house.pass(seconds(pause));
        house.present(PHONE, &client.refresh).await.problem(401, "invalid_refresh_token");
        is_dead(&house, &[&thief, &client]).await;
    }
}

#[tokio::test]
async fn r13_a_thief_after_the_client_is_found_at_once() {
    for pause in [0, 5, 600] {
        let house = House::open().await;
        let client = house.log_in(PHONE).await;
        let fresh = house.refresh(&client).await;
        house.pass(seconds(pause));
        house.present(THIEF, &client.refresh).await.problem(401, "invalid_refresh_token");
        is_dead(&house, &[&fresh, &client]).await;
    }
}

#[tokio::test]
async fn r13_of_client_and_thief_at_the_same_moment_neither_stays() {
    let house = House::open().await;
    let client = house.log_in(PHONE).await;
    let thief = Device { user_agent: THIEF, ..client.clone() };
    // With the two that look whether it is dead, as many refusals as one address may have.
    let tries = (0..4).map(|n| house.present(if n % 2 == 0 { PHONE } else { THIEF }, &client.refresh));
    let won = join_all(tries).await.into_iter().find(|answer| answer.status == 200);
    let won = won.expect("somebody was first").expect(200);
    let access = text(&won["access_token"]);
    is_dead(&house, &[&thief, &Device { access, ..client.clone() }]).await;
}

#[tokio::test]
async fn r13_an_answer_that_is_lost_between_us_and_the_store_is_asked_for_again() {
    let house = House::open().await;
    let first = house.log_in(PHONE).await;
    let lost = |nth| Rule::new(Fault::Timeout).from("auth-refresh").on("dynamodb", "TransactWriteItems").nth(nth);
    house.stack.gateway.faults().add(lost(1));
    let answer = house.present(PHONE, &first.refresh).await;
    assert!([200, 503].contains(&answer.status));
    let second = house.refresh(&first).await;
    assert_eq!(house.audited("session.refreshed"), 1);
    house.refresh(&second).await;
}

#[tokio::test]
async fn r12_a_session_ends_idle_and_it_ends_after_seven_days() {
    let house = House::with(&[("IdleTimeoutMinutes", "30")]).await;
    let idle = house.log_in(PHONE).await;
    house.pass(seconds(30 * 60 - 1));
    let used = house.refresh(&idle).await;
    house.pass(seconds(30 * 60));
    is_dead(&house, &[&used]).await;

    let house = House::with(&[("IdleTimeoutMinutes", "10080")]).await;
    let mut device = house.log_in(PHONE).await;
    for _ in 0..6 {
        house.pass(seconds(86_400));
        device = house.refresh(&device).await;
    }
    house.pass(seconds(86_400 - 60));
    device = house.refresh(&device).await;
    house.whoami(&device).await.expect(200);
    house.pass(seconds(60));
    // The access token has fourteen minutes left, its session none.
    is_dead(&house, &[&device]).await;
}

#[tokio::test]
async fn r06_a_suspended_tenant_refuses_and_forgets_nothing() {
    let house = House::open().await;
    let device = house.log_in(PHONE).await;
    house.set_status(&house.tenant, "SUSPENDED");
    is_dead(&house, &[&device]).await;
    house.set_status(&house.tenant, "READY");
    house.whoami(&device).await.expect(200);
    house.refresh(&device).await;
}

#[tokio::test]
async fn r09_a_changed_role_counts_at_once_and_is_in_the_next_token() {
    let house = House::open().await;
    let device = house.log_in(PHONE).await;
    let who = house.whoami(&device).await.expect(200);
    assert_eq!(who["role"], "owner");
    let member = format!("MEMBER#{}", text(&who["user_id"]));
    house.set(&format!("T#{}", house.tenant), &member, "role", "agent");
    assert_eq!(house.whoami(&device).await.expect(200)["role"], "agent");
    let fresh = house.refresh(&device).await;
    assert_eq!(claims(&fresh.access)["role"], "agent");
    house.set(&format!("T#{}", house.tenant), &member, "status", "disabled");
    is_dead(&house, &[&fresh]).await;
}

fn claims(token: &str) -> serde_json::Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
