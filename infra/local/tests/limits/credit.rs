//! Limits that each environment counts by itself, and settles now and then (`domain::window`).

use domain::{ApiKey, ApiKeyId, ApiKeyKind, SystemEntropy, TenantId};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use local::aws::counters::Usage;
use serde_json::json;

use crate::{
    fleet::Fleet,
    stack,
    world::{PASSWORD, World, owner},
};

/// No route takes it, so it costs nothing but its count.
const NOTHING: &str = "/api/v1/nothing";
const DOCS: &str = "platform-docs";

fn usage(world: &World) -> Usage {
    world.stack.gateway.counters().snapshot()
}

fn writes(world: &World, since: &Usage, function: &str) -> u64 {
    usage(world).since(since).total(Some(function), Some("dynamodb"), Some("UpdateItem")).calls
}

/// Calls that went on of 5 000 by one client, at a limit of 1 000.
async fn rush(environments: usize) -> u64 {
    let world = stack(&[("ClientCallsPer15Minutes", "1000")]).await;
    let fleet = Fleet::of(&world, DOCS, environments).await;
    let before = usage(&world);
    let calls = stream::iter(0..5_000).map(|number| fleet.get(number, NOTHING, "192.0.2.1")).buffer_unordered(100);
    let statuses: Vec<u16> = calls.collect().await;
    let passed = statuses.iter().filter(|status| **status == 404).count() as u64;
    assert_eq!(statuses.iter().filter(|status| **status == 429).count() as u64, 5_000 - passed);
    let writes = writes(&world, &before, DOCS);
    println!("{environments} environments: {passed} of 5000 at a limit of 1000, {writes} writes");
    assert!(writes * 20 <= passed, "{writes} writes for {passed}");
    passed
}

#[tokio::test(flavor = "multi_thread")]
async fn r15_of_five_thousand_at_once_no_more_pass_than_proved() {
    assert_eq!(rush(1).await, 1_000, "one environment is exact");
    let passed = rush(5).await;
    assert!((1_000..=999 + 5 * 20).contains(&passed), "{passed}");
}

#[tokio::test]
async fn r15_a_call_of_a_member_costs_no_write_but_each_twenty_fifth_and_hundredth() {
    let world = stack(&[]).await;
    world.tenant("lantern").await;
    let caller = world.log_in(&owner("lantern"), PASSWORD).await;
    let before = usage(&world);
    for left in (0..101).rev() {
        let answer = world.get(&caller, "/api/v1/auth/whoami").await;
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""caller";q=1000;w=900, "plan";q=1000;w=3600"#));
        let standing = format!(r#""caller";r={};t=990, "plan";r={};t=3960"#, 899 + left, 899 + left);
        assert_eq!(answer.header("ratelimit"), Some(standing.as_str()));
        answer.expect(200);
    }
    let settled = writes(&world, &before, "auth-whoami");
    assert_eq!(settled, 5, "four settlements of the caller, one of the plan");
}

#[tokio::test]
async fn r15_a_status_is_followed_twenty_times_a_minute_by_each_who_follows_it() {
    let world = stack(&[]).await;
    let accepted = world
        .post(
            &world.somebody(),
            "/api/v1/tenants",
            &json!({
                "company_name": "Lantern Works", "subdomain": "lantern", "admin_name": "Ada Admin",
                "admin_email": "ada@lantern.example", "plan": "starter", "region": "us-east-1",
            }),
        )
        .await
        .expect(202);
    let path = accepted["status_url"].as_str().unwrap();
    let follower = || world.somebody().with(accepted["status_token"].as_str().unwrap());
    let one = follower();
    for _ in 0..20 {
        world.get(&one, path).await.expect(200);
    }
    let refused = world.get(&one, path).await;
    assert_eq!(refused.header("ratelimit"), Some(r#""status";r=0;t=66"#));
    assert_eq!(refused.header("retry-after"), Some("66"));
    refused.problem(429, "too_many_requests");
    world.get(&follower(), path).await.expect(200);
    world.advance(SignedDuration::from_secs(66));
    world.get(&one, path).await.expect(200);
}

#[tokio::test]
async fn r15_who_guesses_at_status_tokens_is_an_anonymous_client() {
    let world = stack(&[]).await;
    let guesser = world.somebody();
    let path = "/api/v1/tenants/tenant-lantern-00000000/status";
    let guess = |_| guesser.with(domain::StatusToken::new(&domain::SystemEntropy).expose());
    for number in 0..100 {
        world.get(&guess(number), path).await.problem(404, "not_found");
    }
    world.get(&guess(100), path).await.problem(429, "too_many_requests");
}

#[tokio::test]
async fn r15_made_up_api_keys_are_limited_and_good_ones_go_on_elsewhere() {
    let world = stack(&[]).await;
    let id = world.tenant("lantern").await;
    let tenant = TenantId::parse(&id).unwrap();
    let guesser = world.somebody();
    let guess = || {
        let key = ApiKey::new(ApiKeyKind::Test, &tenant, &ApiKeyId::new(&SystemEntropy), &SystemEntropy);
        guesser.with(key.expose())
    };
    for _ in 0..100 {
        world.get(&guess(), "/api/v1/vault").await.problem(401, "unauthenticated");
    }
    let before = usage(&world);
    world.get(&guess(), "/api/v1/vault").await.problem(429, "too_many_requests");
    assert_eq!(usage(&world).since(&before).total(None, Some("dynamodb"), None).calls, 0);
    // Neither the client's other calls nor anybody else's.
    world.get(&guesser, NOTHING).await.problem(404, "not_found");
    let member = world.log_in(&owner("lantern"), PASSWORD).await;
    world.get(&member, "/api/v1/auth/whoami").await.expect(200);
}

#[tokio::test]
async fn r15_where_the_table_is_down_calls_go_on_and_sign_ups_do_not() {
    let world = stack(&[("CallerCallsPer15Minutes", "60")]).await;
    world.tenant("lantern").await;
    let caller = world.log_in(&owner("lantern"), PASSWORD).await;
    world.stack.dynamodb.run("DeleteTable", json!({"TableName": "innkeeper-local-limits"})).unwrap();
    let before = usage(&world);
    for _ in 0..60 {
        world.get(&caller, "/api/v1/auth/whoami").await.expect(200);
    }
    // What this environment knows it holds to.
    world.get(&caller, "/api/v1/auth/whoami").await.problem(429, "too_many_requests");
    assert_eq!(
        writes(&world, &before, "auth-whoami"),
        2,
        "tried once, and once by the SDK: it is left alone for a while"
    );
    world.post(&world.somebody(), "/api/v1/tenants", &json!({})).await.problem(503, "unavailable");
}
