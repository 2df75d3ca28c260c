//! R39: how many keys a plan allows, and that each is made once.

use futures::future::join_all;
use http::Request;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    api::{Answer, authorized},
    world::{Owner, World},
};

const STARTER: usize = 10;

fn wanted(name: &str) -> Value {
    json!({"name": name, "scopes": ["vault.manage"], "expires_in_days": 1})
}

fn with(status: u16, answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r39_of_keys_minted_at_once_no_more_come_than_the_plan_allows() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let body = wanted("a service");
    let answers = join_all((0..STARTER + 4).map(|_| world.try_mint(&owner, &body))).await;
    assert_eq!((with(201, &answers), world.counted(&owner)), (STARTER, STARTER));
    for late in answers.iter().filter(|answer| answer.status != 201) {
        let problem = late.problem(409, "plan_limit");
        assert_eq!(problem["detail"], "the plan starter allows 10 API keys");
    }
    // Who revokes one, twice at once, has room for one.
    let key = answers.iter().find(|answer| answer.status == 201).unwrap().expect(201)["key_id"].clone();
    let key = key.as_str().unwrap();
    let (one, two) = tokio::join!(world.revoke(&owner, key), world.revoke(&owner, key));
    assert_eq!(one.status.min(two.status), 204);
    assert_eq!((one.status.max(two.status), world.counted(&owner)), (404, STARTER - 1));
    let answers = join_all((0..3).map(|_| world.try_mint(&owner, &body))).await;
    assert_eq!((with(201, &answers), world.counted(&owner)), (1, STARTER));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r39_keys_that_have_ended_make_way_and_live_ones_do_not() {
    let world = World::open().await;
    let mut owner = world.owner("own").await;
    let first = world.try_mint(&owner, &wanted("first")).await.expect(201)["key_id"].clone();
    for _ in 1..STARTER {
        world.try_mint(&owner, &wanted("another")).await.expect(201);
    }
    world.advance(SignedDuration::from_hours(24));
    world.again(&mut owner).await;
    // Ended, and listed; one of them gets another secret.
    assert_eq!(world.counted(&owner), STARTER);
    world.rotate(&owner, first.as_str().unwrap(), &Value::Null).await.expect(200);
    let answers = join_all((0..2).map(|_| world.mint(&owner, &["vault.manage"]))).await;
    assert_eq!((answers.len(), world.counted(&owner)), (2, 3));
    assert_eq!(world.audited(&owner, "api_key.expired").len(), STARTER - 1);
    world.shown(&owner, first.as_str().unwrap()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r39_a_plan_that_allows_fewer_keys_is_refused_and_says_why() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.set_plan(&owner.tenant, "professional");
    for _ in 0..STARTER {
        world.mint(&owner, &["vault.read"]).await;
    }
    let last = world.mint(&owner, &["vault.read"]).await;
    let operator = world.operator().await;
    let down = async || {
        let path = format!("/api/v1/tenants/{}/plan", owner.tenant.id);
        world.call(http::Method::PUT, &path, &operator, &json!({"plan": "starter"})).await
    };
    let problem = down().await.problem(409, "plan_limit");
    assert_eq!(problem["detail"], "the tenant has 11 API keys");
    world.revoke(&owner, last.id()).await.expect(204);
    // Down and one more at the same moment: one of the two.
    let body = wanted("late");
    let (down, minted) = tokio::join!(down(), world.try_mint(&owner, &body));
    assert_eq!([down.status, minted.status].iter().filter(|status| **status == 409).count(), 1);
    assert_eq!(world.counted(&owner), STARTER + usize::from(minted.status == 201));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_once_for_an_idempotency_key_and_its_secret_told_once() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let (key, body) = ("one-key-asked-for-often", wanted("a"));
    let answers = join_all((0..6).map(|_| world.mint_once(&owner, key, &body))).await;
    assert_eq!((with(201, &answers), world.counted(&owner)), (1, 1));
    let made = answers.iter().find(|answer| answer.status == 201).unwrap().expect(201);
    let secret = made["api_key"].as_str().unwrap();
    for repeat in answers.iter().filter(|answer| answer.status != 201) {
        let told = repeat.problem(409, "already_made");
        assert_eq!(told["detail"], format!("it made the API key {}", made["key_id"].as_str().unwrap()));
    }
    world.mint_once(&owner, key, &wanted("b")).await.problem(422, "idempotency_mismatch");
    world.mint_once(&owner, "short", &body).await.problem(400, "invalid_header");
    // Another tenant's owner may use the same key.
    let other = world.owner("other").await;
    world.mint_once(&other, key, &body).await.expect(201);
    let tail = secret.rsplit('_').next().unwrap();
    assert!(!world.api.items("core").iter().any(|item| item.to_string().contains(tail)), "the secret is kept nowhere");
    // A day later it is a new key.
    world.advance(SignedDuration::from_hours(24) + SignedDuration::from_secs(1));
    let mut owner = owner;
    world.again(&mut owner).await;
    world.mint_once(&owner, key, &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r10_an_idempotency_key_of_a_service_is_its_own() {
    let world = World::open().await;
    let body = json!({"url": "https://hooks.example.com/", "events": ["secret.rotated"]});
    let make = async |owner: &Owner, service: &str| {
        let request = Request::post(format!("/api/v1/tenants/{}/webhooks", owner.tenant.id));
        let request = authorized(request, service).header("content-type", "application/json");
        world.api.send(request.header("idempotency-key", "the-same-of-two-tenants"), body.to_string()).await
    };
    for name in ["own", "other"] {
        let owner = world.owner(name).await;
        world.set_plan(&owner.tenant, "professional");
        for _ in 0..2 {
            let service = world.mint(&owner, &["webhook.manage"]).await.text;
            make(&owner, &service).await.expect(201);
            make(&owner, &service).await.problem(409, "already_made");
        }
    }
}

/// Who runs the platform comes past a tenant's state; no purge would find the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r18_no_key_is_made_in_a_tenant_that_is_not_ready() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let operator = Owner { token: world.operator().await, tenant: owner.tenant };
    let body = json!({"name": "a service", "scopes": ["tenant.read"]});
    for status in ["SUSPENDED", "DEPROVISIONING", "ARCHIVED", "FAILED"] {
        world.set_status(&operator.tenant, status);
        world.try_mint(&operator, &body).await.problem(409, "wrong_state");
    }
    assert_eq!(world.counted(&operator), 0);
    world.set_status(&operator.tenant, "READY");
    world.try_mint(&operator, &body).await.expect(201);
}
