//! While an alias shifts, and after a roll-back, this version reads what a later one has written. A later version may add to an
//! item; it may not take away or rename. So whatever is added to whichever item, everything goes on.

use http::Request;
use jiff::SignedDuration;
use local::{aws::faults::Rule, stack::LocalStack};
use serde_json::{Value, json};

use crate::api::{Answer, Api, PASSWORD, authorized, signup};

const TABLES: [&str; 2] = ["innkeeper-local-core", "innkeeper-local-limits"];

/// What no version knows yet.
fn addition() -> Value {
    json!({"M": {"since": {"N": "2"}, "of": {"L": [{"S": "the version after this one"}, {"NULL": true}]}}})
}

/// Adds it to every item.
fn write_as_a_later_version(stack: &LocalStack) -> usize {
    let mut changed = 0;
    for table in TABLES {
        let found = stack.dynamodb.run("Scan", json!({"TableName": table})).unwrap();
        for mut item in found["Items"].as_array().unwrap().clone() {
            item["later"] = addition();
            stack.dynamodb.run("PutItem", json!({"TableName": table, "Item": item})).unwrap();
            changed += 1;
        }
    }
    changed
}

/// Every read of the API that a tenant's owner has, with its status.
async fn reads(api: &Api, tenant: &str, token: &str) -> Vec<(String, u16)> {
    let routes = api.stack.template.functions.iter().flat_map(|function| &function.routes);
    let paths = routes.filter(|route| route.method == "GET").map(|route| route.path.replace("{tenant_id}", tenant));
    let mut answers = Vec::new();
    for path in paths.filter(|path| path.starts_with('/')) {
        let status = api.get(&path.replace(['{', '}'], ""), token).await.status;
        answers.push((path, status));
    }
    answers
}

async fn with_body(api: &Api, request: http::request::Builder, token: &str, body: &Value) -> Answer {
    api.send(authorized(request.header("content-type", "application/json"), token), body.to_string()).await
}

#[tokio::test]
async fn r36_what_a_later_version_adds_to_any_item_disturbs_nothing() {
    let api = Api::unlimited().await;
    let tenant = api.sign_up("lanterns").await;
    api.activate(&tenant).await;
    let credentials = json!({"email": tenant.email, "password": PASSWORD});
    let session = api.post("/api/v1/auth/login", &credentials).await.expect(200);
    let token = session["access_token"].as_str().unwrap();
    let vault = "/api/v1/vault/lamp-oil";
    with_body(&api, Request::put(vault), token, &json!({"value": "whale"})).await.expect(200);
    let invitation = format!("/api/v1/tenants/{}/invitations", tenant.id);
    let invite = |name: &str| json!({"email": format!("{name}@lanterns.example"), "role": "agent"});
    with_body(&api, Request::post(&invitation), token, &invite("grace")).await.expect(201);
    // Another tenant's start is lost; the version that takes it up is not the one that accepted it.
    api.stack.gateway.faults().add(Rule::error(500, "InternalServerError").on("states", "StartExecution"));
    let waiting = api.post("/api/v1/tenants", &signup("torches")).await.expect(202);
    api.stack.gateway.faults().clear();

    let before = reads(&api, &tenant.id, token).await;
    assert!(before.iter().filter(|(_, status)| *status == 200).count() > 10, "{before:?}");
    assert!(write_as_a_later_version(&api.stack) > 20);
    assert_eq!(reads(&api, &tenant.id, token).await, before);

    assert_eq!(api.get(vault, token).await.expect(200)["value"], "whale");
    with_body(&api, Request::put(vault), token, &json!({"value": "seal"})).await.expect(200);
    with_body(&api, Request::post(&invitation), token, &invite("hedy")).await.expect(201);
    let refresh = json!({"refresh_token": session["refresh_token"]});
    api.post("/api/v1/auth/refresh", &refresh).await.expect(200);
    api.post("/api/v1/auth/login", &credentials).await.expect(200);

    api.stack.clock.advance(SignedDuration::from_mins(10));
    api.stack.invoke("provisioning-sweep", json!({})).await.unwrap();
    let waiting = waiting["tenant_id"].as_str().unwrap().to_owned();
    api.until("READY", async || api.stack.is_ready(&waiting).then_some(())).await;
}
