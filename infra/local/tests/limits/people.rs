//! Whose limit it is.

use bytes::Bytes;
use http::Request;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    stack,
    world::{Caller, PASSWORD, World, owner},
};

const WHOAMI: &str = "/api/v1/auth/whoami";

#[tokio::test]
async fn r15_who_is_signed_in_does_not_share_the_limit_of_an_address() {
    let world = stack(&[]).await;
    world.tenant("lantern").await;
    let office = world.somebody();
    let address = "203.0.113.7".parse().unwrap();
    for _ in 0..100 {
        world.get(&office.at(address), "/api/v1/subdomains/name").await.expect(200);
    }
    let refused = world.get(&office.at(address), "/api/v1/subdomains/name").await;
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""client";q=100;w=900"#));
    refused.problem(429, "too_many_requests");
    // The same function knows another client.
    world.get(&office, "/api/v1/subdomains/name").await.expect(200);

    let body = json!({"email": owner("lantern"), "password": PASSWORD});
    let session = world.post(&office.at(address), "/api/v1/auth/login", &body).await.expect(200);
    let member = office.at(address).with(session["access_token"].as_str().unwrap());
    world.get(&member, WHOAMI).await.expect(200);
    let mut token = session["refresh_token"].clone();
    for _ in 0..3 {
        let renewed = world.post(&office.at(address), "/api/v1/auth/refresh", &json!({"refresh_token": token})).await;
        token = renewed.expect(200)["refresh_token"].clone();
    }
    // Neither a monitor nor a browser that asks for leave is counted.
    world.get(&office.at(address), "/healthz").await.expect(200);
}

#[tokio::test]
async fn r15_beyond_a_trusted_proxy_each_client_has_a_limit_of_its_own() {
    let world = stack(&[("TrustedProxies", "192.0.2.0/24")]).await;
    let proxy = world.somebody().at("192.0.2.1".parse().unwrap());
    let ask = async |from: &str| {
        let request = Request::get("/api/v1/subdomains/name").header("x-forwarded-for", from);
        world.send(&proxy, request, Bytes::new()).await
    };
    for _ in 0..100 {
        ask("203.0.113.7").await.expect(200);
    }
    ask("203.0.113.7").await.problem(429, "too_many_requests");
    ask("203.0.113.99, 203.0.113.7").await.problem(429, "too_many_requests");
    ask("203.0.113.8").await.expect(200);
}

/// As if other environments had let as many pass.
fn others_made(world: &World, limit: &str, calls: u32) {
    let item = world.items("limits").into_iter().find(|it| it["pk"]["S"].as_str().unwrap().starts_with(limit)).unwrap();
    let part = item.as_object().unwrap().keys().find(|name| name.starts_with('p') && *name != "pk").unwrap();
    let update = json!({
        "TableName": "innkeeper-local-limits", "Key": {"pk": item["pk"]}, "UpdateExpression": "ADD #part :calls",
        "ExpressionAttributeNames": {"#part": part}, "ExpressionAttributeValues": {":calls": {"N": calls.to_string()}},
    });
    world.stack.dynamodb.run("UpdateItem", update).unwrap();
}

/// As a change of the plan will.
fn set_plan(world: &World, tenant: &str, plan: &str) {
    let update = json!({
        "TableName": "innkeeper-local-core", "Key": {"pk": {"S": format!("T#{tenant}")}, "sk": {"S": "TENANT"}},
        "UpdateExpression": "SET #plan = :plan", "ExpressionAttributeNames": {"#plan": "plan"},
        "ExpressionAttributeValues": {":plan": {"S": plan}},
    });
    world.stack.dynamodb.run("UpdateItem", update).unwrap();
}

async fn call(world: &World, caller: &Caller, times: usize) {
    for _ in 0..times {
        world.get(caller, WHOAMI).await.expect(200);
    }
}

#[tokio::test]
async fn r39_a_tenant_makes_the_calls_of_its_plan_and_of_another_at_once() {
    let world = stack(&[]).await;
    let tenant = world.tenant("lantern").await;
    let caller = world.log_in(&owner("lantern"), PASSWORD).await;
    call(&world, &caller, 101).await;
    others_made(&world, "plan", 800);
    call(&world, &caller, 99).await;
    let refused = world.get(&caller, WHOAMI).await;
    assert_eq!(refused.header("ratelimit"), Some(r#""plan";r=0;t=3960"#));
    refused.problem(429, "plan_limit_reached");
    // The other limit did not count what this one refused.
    set_plan(&world, &tenant, "professional");
    let goes_on = world.get(&caller, WHOAMI).await;
    assert_eq!(goes_on.header("ratelimit"), Some(r#""caller";r=799;t=990, "plan";r=8999;t=3960"#));
    goes_on.expect(200);
    set_plan(&world, &tenant, "starter");
    world.get(&caller, WHOAMI).await.problem(429, "plan_limit_reached");
    // Part by part, all have left an hour and a tenth of it after they were made.
    world.advance(SignedDuration::from_mins(66));
    let renewed = world.log_in(&owner("lantern"), PASSWORD).await;
    assert_ne!(world.get(&renewed, WHOAMI).await.expect(200), Value::Null);
}
