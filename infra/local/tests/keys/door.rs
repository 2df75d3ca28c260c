//! What the door takes for a key, and what it asks the store for.

use domain::{ApiKey, ApiKeyId, ApiKeyKind, SystemEntropy, TenantId};
use http::Request;
use serde_json::json;

use crate::{
    api::authorized,
    world::{ALL, World},
};

/// Whatever a call of the vault's list asks of AWS.
async fn calls(world: &World, text: &str) -> (u16, Vec<String>) {
    let before = world.usage();
    let status = world.knock(text).await;
    let used = world.usage().since(&before);
    let mut calls = Vec::new();
    for (_, _, action, count) in used.lines().filter(|(function, ..)| *function == "vault-manage") {
        calls.extend((0..count.calls).map(|_| action.to_owned()));
    }
    (status, calls)
}

#[tokio::test]
async fn r18_a_text_that_is_no_key_is_refused_without_a_store_call() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let text = world.mint(&owner, &ALL).await.text;
    world.knock(&text).await;
    let mut forged: Vec<String> = (0..text.len()).map(|place| changed(&text, place)).collect();
    let tenant = TenantId::parse(&owner.tenant.id).unwrap();
    let id = ApiKeyId::new(&SystemEntropy);
    forged.push(ApiKey::new(ApiKeyKind::Live, &tenant, &id, &SystemEntropy).expose().to_owned());
    forged.extend(["ink_test_", "ink_live_", "ink_test_x_y_z"].map(str::to_owned));
    forged.extend([
        format!("{text}x"),
        format!("{text} {text}"),
        text.to_uppercase(),
        text[..text.len() - 1].to_owned(),
    ]);
    for text in forged {
        assert_eq!(calls(&world, &text).await, (401, Vec::new()), "{text}");
    }
}

fn changed(text: &str, place: usize) -> String {
    let near = char::from(text.as_bytes()[place] ^ 1);
    text.chars().enumerate().map(|(at, c)| if at == place { near } else { c }).collect()
}

#[tokio::test]
async fn r18_whether_there_is_such_a_key_costs_and_says_the_same() {
    let world = World::open().await;
    let (owner, late) = (world.owner("own").await, world.owner("late").await);
    let own = TenantId::parse(&owner.tenant.id).unwrap();
    let none = TenantId::parse("tenant-none-00000000").unwrap();
    let there = world.mint(&owner, &ALL).await;
    let sleeping = world.mint(&late, &ALL).await;
    world.set_status(&late.tenant, "SUSPENDED");
    let id = ApiKeyId::parse(there.id()).unwrap();
    let made = |tenant, id| ApiKey::new(ApiKeyKind::Test, tenant, id, &SystemEntropy).expose().to_owned();
    let unknown = ApiKeyId::new(&SystemEntropy);
    let texts = [made(&own, &id), made(&own, &unknown), made(&none, &id), sleeping.text];
    world.knock(&texts[0]).await;
    let mut said = Vec::new();
    for text in &texts {
        assert_eq!(calls(&world, text).await, (401, vec!["BatchGetItem".to_owned()]));
        let answer = world.api.get("/api/v1/vault", text).await;
        let mut problem = answer.problem(401, "unauthenticated");
        problem["request_id"] = json!("");
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        headers.remove("apigw-requestid");
        said.push((problem, headers));
    }
    for other in &said {
        assert_eq!(*other, said[0]);
    }
}

#[tokio::test]
async fn r10_x_tenant_id_must_be_the_keys_tenant_and_chooses_none() {
    let world = World::open().await;
    let (owner, other) = (world.owner("own").await, world.owner("other").await);
    let text = world.mint(&owner, &ALL).await.text;
    for (tenant, status) in [(&owner.tenant.id, 200), (&other.tenant.id, 403), (&String::new(), 403)] {
        let request = authorized(Request::get("/api/v1/vault"), &text).header("x-tenant-id", tenant);
        assert_eq!(world.api.send(request, "").await.status, status, "{tenant}");
    }
}

#[tokio::test]
async fn r18_a_key_is_a_bearer_token_and_one_of_them() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let text = world.mint(&owner, &ALL).await.text;
    let send = async |request: http::request::Builder| world.api.send(request, "").await.status;
    let path = "/api/v1/vault";
    assert_eq!(send(Request::get(path).header("authorization", format!("bearer {text}"))).await, 200);
    assert_eq!(send(Request::get(path).header("authorization", &text)).await, 401);
    assert_eq!(send(Request::get(path).header("authorization", format!("Basic {text}"))).await, 401);
    assert_eq!(send(Request::get(path).header("x-api-key", &text)).await, 401);
    assert_eq!(send(Request::get(format!("{path}?api_key={text}"))).await, 401);
    let twice = authorized(authorized(Request::get(path), &text), &text);
    assert_eq!(send(twice).await, 401);
    // An open route looks at no credentials.
    assert_eq!(world.api.get("/healthz", &text).await.status, 200);
}
