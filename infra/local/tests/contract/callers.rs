//! R09, R10: every route by every kind of caller, as `callers.txt` says.

use std::collections::BTreeSet;

use http::{Method, Request};
use jiff::SignedDuration;
use local::functions::all;
use serde_json::{Value, json};

use crate::{
    api::{Api, Tenant, authorized, signup},
    routes::policies,
};

const TABLE: &str = include_str!("callers.txt");
const KINDS: [&str; 9] =
    ["anonymous", "garbage", "status", "foreign", "owner", "stranger", "expired", "revoked", "suspended"];

struct Row {
    method: &'static str,
    path: &'static str,
    expected: Vec<u16>,
}

impl Row {
    fn key(&self) -> String {
        if self.path == "$default" { self.path.to_owned() } else { format!("{} {}", self.method, self.path) }
    }
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(words.next().unwrap()[1..], KINDS, "a column for every kind of caller, in this order");
    let row = |words: Vec<&'static str>| Row {
        method: words[0],
        path: words[1],
        expected: words[2..].iter().map(|status| status.parse().unwrap()).collect(),
    };
    words.map(row).collect()
}

#[test]
fn r09_the_table_has_every_route_and_every_caller() {
    let rows = rows();
    let listed: Vec<String> = rows.iter().map(Row::key).collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), all().flat_map(policies).collect::<BTreeSet<_>>());
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), "each once");
    for row in rows {
        assert_eq!(row.expected.len(), KINDS.len(), "{} {}", row.method, row.path);
    }
}

/// One caller: what it sends, and the tenant whose path it calls.
struct Caller<'t> {
    kind: &'static str,
    token: String,
    tenant: &'t Tenant,
}

/// Takes the sessions of two tenants through what may happen to sessions.
async fn callers<'t>(api: &Api, own: &'t Tenant, other: &'t Tenant, suspended: &'t Tenant) -> Vec<Caller<'t>> {
    for tenant in [own, other, suspended] {
        api.activate(tenant).await;
    }
    let expired = api.log_in(own).await;
    // Just past the fifteen minutes that it lives.
    api.stack.clock.advance(SignedDuration::from_secs(15 * 60 + 1));
    let revoked = api.log_in(own).await;
    end_session(api, &revoked).await;
    let late = api.log_in(suspended).await;
    suspend(api, suspended);
    let token = |kind| match kind {
        "anonymous" => String::new(),
        "garbage" => "garbage".to_owned(),
        "status" => own.status_token.clone(),
        "foreign" => other.status_token.clone(),
        "expired" => expired.clone(),
        "revoked" => revoked.clone(),
        "suspended" => late.clone(),
        _ => unreachable!("the owners' are below"),
    };
    let mut callers = Vec::new();
    for kind in KINDS {
        let token = match kind {
            "owner" => api.log_in(own).await,
            "stranger" => api.log_in(other).await,
            kind => token(kind),
        };
        callers.push(Caller { kind, token, tenant: if kind == "suspended" { suspended } else { own } });
    }
    callers
}

/// Deletes the session, as a logout will.
async fn end_session(api: &Api, token: &str) {
    let who = api.get("/api/v1/auth/whoami", token).await.expect(200);
    let session = who["session_id"].as_str().unwrap();
    let items = api.items("core");
    let item = items.iter().find(|item| item["sk"]["S"].as_str().unwrap().ends_with(session)).unwrap();
    let key = json!({"pk": item["pk"], "sk": item["sk"]});
    api.stack.dynamodb.run("DeleteItem", json!({"TableName": "innkeeper-local-core", "Key": key})).unwrap();
}

/// As a suspension will.
fn suspend(api: &Api, tenant: &Tenant) {
    let update = json!({
        "TableName": "innkeeper-local-core",
        "Key": {"pk": {"S": format!("T#{}", tenant.id)}, "sk": {"S": "TENANT"}},
        "UpdateExpression": "SET #provisioning.#status = :status",
        "ConditionExpression": "#provisioning.#status = :ready",
        "ExpressionAttributeNames": {"#provisioning": "provisioning", "#status": "status"},
        "ExpressionAttributeValues": {":status": {"S": "SUSPENDED"}, ":ready": {"S": "READY"}},
    });
    api.stack.dynamodb.run("UpdateItem", update).unwrap();
}

/// A body that the route takes, where it takes one.
fn body(row: &Row, number: usize) -> Value {
    match row.path {
        "/api/v1/vault/{name+}" if row.method == "PUT" => json!({"value": "a value"}),
        "/api/v1/vault/{name+}" if row.method == "POST" => json!({"rollback_to": 1}),
        "/api/v1/tenants" => signup(&format!("caller-{number}")),
        "/api/v1/auth/activate" => json!({"token": "ink_act_none", "password": crate::api::PASSWORD}),
        "/api/v1/auth/login" => json!({"email": "nobody@nowhere.example", "password": crate::api::PASSWORD}),
        "/api/v1/auth/mfa/verify" | "/api/v1/auth/mfa/totp/confirm" => json!({"code": "000000"}),
        "/api/v1/auth/password/change" => json!({"current_password": crate::api::PASSWORD}),
        "/api/v1/auth/password/forgot" => json!({"email": "nobody@nowhere.example"}),
        "/api/v1/auth/password/reset" => json!({"token": "ink_rst_none", "password": crate::api::PASSWORD}),
        "/api/v1/auth/switch-tenant" => json!({"tenant": "nowhere"}),
        "/api/v1/tenants/{tenant_id}/deployment" => json!({"task_token": "none", "outcome": "succeeded"}),
        _ => Value::Null,
    }
}

async fn call(api: &Api, row: &Row, caller: &Caller<'_>, number: usize) -> u16 {
    let path = row.path.replace("{tenant_id}", &caller.tenant.id).replace("{name}", "some-name");
    let path = path.replace("{name+}", if row.method == "POST" { "some/name/rollback" } else { "some/name" });
    let path = path.replace("{session_id}", "ses_00000000000000000000000000000000");
    let path = path.replace("{kid}", "00000000");
    let path = path.replace("{proxy+}", "api/v1/tenants").replace("$default", "/nothing");
    let method = if row.method == "ANY" { Method::GET } else { row.method.parse().unwrap() };
    let request = authorized(Request::builder().method(method).uri(path), &caller.token);
    let body = body(row, number);
    let answer = match body {
        Value::Null => api.send(request, "").await,
        body => api.send(request.header("content-type", "application/json"), body.to_string()).await,
    };
    answer.status
}

#[tokio::test]
async fn r09_r10_every_caller_gets_the_answer_of_the_table_on_every_route() {
    let api = Api::open().await;
    let (own, other, late) = tokio::join!(api.sign_up("own"), api.sign_up("other"), api.sign_up("late"));
    let callers = callers(&api, &own, &other, &late).await;
    let mut wrong = Vec::new();
    for row in rows() {
        for (number, (caller, expected)) in callers.iter().zip(&row.expected).enumerate() {
            let status = call(&api, &row, caller, number).await;
            if status != *expected {
                wrong.push(format!("{} by {}: {status}, the table says {expected}", row.key(), caller.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

#[tokio::test]
async fn r10_x_tenant_id_must_be_the_tokens_tenant_and_chooses_none() {
    let api = Api::open().await;
    let (own, other) = tokio::join!(api.sign_up("own"), api.sign_up("other"));
    api.activate(&own).await;
    let owner = api.log_in(&own).await;
    let status = format!("/api/v1/tenants/{}/status", own.id);
    let upper = own.id.to_uppercase();
    for (path, token) in [("/api/v1/auth/whoami", &owner), (status.as_str(), &owner), (&status, &own.status_token)] {
        let claiming = async |tenant: &str| {
            api.send(authorized(Request::get(path), token).header("x-tenant-id", tenant), "").await
        };
        assert_eq!(claiming(&own.id).await.expect(200)["tenant_id"], own.id, "{path}");
        for tenant in [other.id.as_str(), "", "own", &upper, &format!("{},{}", own.id, other.id)] {
            claiming(tenant).await.problem(403, "tenant_mismatch");
        }
    }
    // Another tenant's things stay unknown, whatever the header says.
    let foreign = format!("/api/v1/tenants/{}/status", other.id);
    let request = authorized(Request::get(foreign), &owner).header("x-tenant-id", &other.id);
    assert!([403, 404].contains(&api.send(request, "").await.status));
}
