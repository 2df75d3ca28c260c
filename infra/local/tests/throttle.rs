//! R14: however many guess at once, few hashes are computed, and the owner signs in meanwhile.
//!
//! A binary of its own: it makes the hashes of its process cheap, and counts them.

#![cfg(debug_assertions)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

#[path = "accounts/world.rs"]
mod world;

use std::net::IpAddr;

use auth::password_hash::cheap;
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use world::{Answer, Caller, PASSWORD, World, owner};

const GUESSES: usize = 10_000;
const AT_ONCE: usize = 100;

async fn open() -> World {
    cheap::choose();
    let world = World::open().await;
    world.tenant("lantern").await;
    world
}

async fn guess(world: &World, caller: &Caller, number: usize) -> Answer {
    world.try_log_in(caller, &owner("lantern"), &format!("not the password {number}")).await
}

/// All guesses at once, as far as the process can; meanwhile the owner signs in.
async fn attack(world: &World, clients: &[Caller]) -> Vec<u16> {
    let before = cheap::computed();
    let guesses = stream::iter(0..GUESSES)
        .map(|number| async move { guess(world, &clients[number % clients.len()], number).await.status })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<u16>>();
    let owner_comes = async {
        for _ in 0..5 {
            world.log_in(&owner("lantern"), PASSWORD).await;
        }
    };
    let (statuses, ()) = tokio::join!(guesses, owner_comes);
    let hashes = cheap::computed() - before - 5;
    let refused = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(hashes, refused as u64, "who is throttled costs no hash");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), GUESSES - refused, "{statuses:?}");
    assert_eq!(refused, 5 * clients.len(), "five for each client");
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_ten_thousand_guesses_from_one_client_cost_five_hashes() {
    let world = open().await;
    attack(&world, &[world.somebody()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_ten_thousand_guesses_from_a_thousand_clients_cost_five_hashes_each() {
    let world = open().await;
    let clients: Vec<Caller> = (0..1_000).map(|_| world.somebody()).collect();
    attack(&world, &clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_the_sixth_failure_waits_and_the_eleventh_blocks() {
    let world = open().await;
    let caller = world.somebody();
    for left in (0..5).rev() {
        let answer = guess(&world, &caller, left).await;
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""auth";q=5;w=900"#));
        assert_eq!(answer.header("ratelimit"), Some(format!(r#""auth";r={left};t=900"#).as_str()));
        answer.problem(401, "invalid_credentials");
    }
    let sixth = guess(&world, &caller, 6).await;
    assert_eq!((sixth.header("retry-after"), sixth.header("ratelimit")), (Some("900"), Some(r#""auth";r=0;t=900"#)));
    sixth.problem(429, "too_many_tries");
    let right = world.try_log_in(&caller, &owner("lantern"), PASSWORD).await;
    right.problem(429, "too_many_tries");
    for number in 8..=10 {
        guess(&world, &caller, number).await.problem(429, "too_many_tries");
    }
    world.advance(SignedDuration::from_secs(60));
    let eleventh = guess(&world, &caller, 11).await;
    assert_eq!(eleventh.header("retry-after"), Some("900"), "from now, not from the first failure");
    world.advance(SignedDuration::from_mins(14));
    world.try_log_in(&caller, &owner("lantern"), PASSWORD).await.problem(429, "too_many_tries");
    world.advance(SignedDuration::from_mins(1));
    world.try_log_in(&caller, &owner("lantern"), PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_a_success_is_not_counted_and_forgives_no_failure() {
    let world = open().await;
    let caller = world.somebody();
    for number in 0..4 {
        guess(&world, &caller, number).await.problem(401, "invalid_credentials");
    }
    for _ in 0..6 {
        let answer = world.try_log_in(&caller, &owner("lantern"), PASSWORD).await;
        assert_eq!(answer.header("ratelimit"), Some(r#""auth";r=1;t=900"#));
        answer.expect(200);
    }
    guess(&world, &caller, 5).await.problem(401, "invalid_credentials");
    guess(&world, &caller, 6).await.problem(429, "too_many_tries");
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_an_ipv6_network_is_one_client() {
    let world = open().await;
    let at = |address: &str| world.somebody().at(address.parse::<IpAddr>().unwrap());
    for host in 1..=5 {
        guess(&world, &at(&format!("2001:db8:0:1::{host}")), host).await.problem(401, "invalid_credentials");
    }
    guess(&world, &at("2001:db8:0:1:ffff::9"), 6).await.problem(429, "too_many_tries");
    guess(&world, &at("2001:db8:0:2::1"), 7).await.problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_where_nothing_can_be_counted_nobody_is_tried() {
    let world = open().await;
    world.stack.dynamodb.run("DeleteTable", serde_json::json!({"TableName": "innkeeper-local-limits"})).unwrap();
    let before = cheap::computed();
    let answer = world.try_log_in(&world.somebody(), &owner("lantern"), PASSWORD).await;
    assert!(answer.header("retry-after").is_some());
    answer.problem(503, "unavailable");
    assert_eq!(cheap::computed(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_guesses_at_the_present_password_count_as_guesses_at_the_door_do() {
    let world = open().await;
    let owner_of_session = world.log_in(&owner("lantern"), PASSWORD).await;
    let change = async |number: usize| {
        let body =
            serde_json::json!({"current_password": format!("not the password {number}"), "new_password": PASSWORD});
        world.post(&owner_of_session, "/api/v1/auth/password/change", &body).await
    };
    let before = cheap::computed();
    let answers = futures::future::join_all((0..50).map(change)).await;
    assert_eq!(cheap::computed() - before, 5, "who is throttled costs no hash");
    assert_eq!(answers.iter().filter(|answer| answer.status == 422).count(), 5);
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 45);
    guess(&world, &owner_of_session, 6).await.problem(429, "too_many_tries");
}
