//! R09, R10: every route by every kind of caller, as `callers.txt` says; `docs/callers.md` is generated from it.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use http::{Method, Request};
use local::functions::all;
use serde_json::{Value, json};

use crate::{
    api::{Api, PASSWORD, authorized, signup},
    openapi::may_write,
    routes::policies,
};
use cast::{Cast, Credentials, Player};
use table::{Row, Table};

mod cast;
mod page;
mod table;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/callers.md");

#[test]
fn r09_the_table_has_every_route_and_every_caller() {
    let table = Table::read();
    let named: Vec<&str> = table.callers.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, cast::NAMES, "the callers of the table, and those that the tests can play");
    let routes: BTreeSet<String> = all().flat_map(policies).collect();
    let listed: BTreeSet<String> = table.rows().map(Row::key).collect();
    assert_eq!(listed, routes, "the routes of the table, and those that there are");
    let mut expected = BTreeSet::new();
    for (row, caller, _) in table.cells() {
        assert!(expected.insert((row.key(), caller)), "{} by {caller} stands there twice", row.key());
    }
    for route in &routes {
        for caller in &named {
            assert!(expected.contains(&(route.clone(), caller)), "what does {route} answer to {caller}?");
        }
    }
}

#[test]
fn r09_the_published_table_is_this_one() {
    let text = page::of(&Table::read());
    if may_write() {
        std::fs::write(PAGE, &text).unwrap();
    }
    let published = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(published == text, "UPDATE=1 cargo test -p local --test contract callers writes docs/callers.md");
}

/// A body that the route takes, where it takes one. What it names does not exist, wherever a call could otherwise do more
/// than can be taken back: then those who are let in are told so.
pub(crate) fn body(method: &str, path: &str) -> Value {
    match path {
        "/api/v1/vault/{name+}" if method == "PUT" => json!({"value": "a value"}),
        "/api/v1/vault/{name+}" if method == "POST" => json!({"rollback_to": 1}),
        "/api/v1/tenants/{tenant_id}/api-keys" if method == "POST" => {
            json!({"name": "a", "scopes": ["report.read"]})
        }
        "/api/v1/tenants/{tenant_id}/webhooks" if method == "POST" => {
            json!({"url": "https://hooks.example.com/", "events": ["secret.rotated"]})
        }
        "/api/v1/tenants" if method == "POST" => signup("own"),
        "/api/v1/tenants/{tenant_id}" if method == "PATCH" => json!({"version": 0, "company_name": "Another Name"}),
        "/api/v1/tenants/{tenant_id}/plan" => json!({"plan": "professional"}),
        "/api/v1/tenants/{tenant_id}/suspend" => json!({"reason": "a matter of the table"}),
        "/api/v1/impersonations" if method == "POST" => json!({
            "user_id": format!("usr_{}", "0".repeat(32)), "tenant_id": "tenant-none-00000000", "reason": "a matter of the table",
        }),
        "/api/v1/auth/activate" => json!({"token": "ink_act_none", "password": PASSWORD}),
        "/api/v1/auth/login" => json!({"email": "nobody@nowhere.example", "password": PASSWORD}),
        "/api/v1/auth/mfa/verify" | "/api/v1/auth/mfa/totp/confirm" => json!({"code": "000000"}),
        "/api/v1/auth/password/change" => json!({"current_password": PASSWORD}),
        "/api/v1/auth/password/forgot" => json!({"email": "nobody@nowhere.example"}),
        "/api/v1/auth/password/reset" => json!({"token": "ink_rst_none", "password": PASSWORD}),
        "/api/v1/auth/switch-tenant" => json!({"tenant": "nowhere"}),
        "/api/v1/auth/accept-invitation" => json!({"token": "ink_inv_none", "password": PASSWORD}),
        "/api/v1/tenants/{tenant_id}/invitations" if method == "POST" => {
            json!({"email": "nobody@nowhere.example", "role": "agent"})
        }
        "/api/v1/tenants/{tenant_id}/members/{user_id}" if method == "PATCH" => {
            json!({"role": "agent", "version": 1})
        }
        "/api/v1/tenants/{tenant_id}/deployment" => json!({"task_token": "none", "outcome": "succeeded"}),
        _ => Value::Null,
    }
}

/// The route's path, in the tenant that the caller calls.
fn path(row: &Row, tenant: &str) -> String {
    let zeros = "0".repeat(32);
    row.path
        .replace("{tenant_id}", tenant)
        .replace("{name}", "some-name")
        .replace("{name+}", if row.method == "POST" { "some/name/rollback" } else { "some/name" })
        .replace("{impersonation_id}", &format!("ses_{zeros}"))
        .replace("{session_id}", &format!("ses_{zeros}"))
        .replace("{key_id}", "key_0000000000000000")
        .replace("{webhook_id}", "whk_0000000000000000")
        .replace("{user_id}", &format!("usr_{zeros}"))
        .replace("{invitation_id}", &format!("inv_{zeros}"))
        .replace("{kid}", "00000000")
        .replace("{proxy+}", "api/v1/tenants")
        .replace("$default", "/nothing")
}

/// Calls from an address of its own, so that no cell counts towards another's rate limit.
async fn call(api: &Api, row: &Row, player: &Player, number: u32) -> u16 {
    let method = if row.method == "ANY" { Method::GET } else { row.method.parse().unwrap() };
    let request = Request::builder().method(method).uri(path(row, &player.tenant));
    let request = match &player.credentials {
        Credentials::Bearer(token) => authorized(request, token),
        Credentials::Internal(secret) => request.header("x-internal-secret", secret),
    };
    let from = IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + number));
    let answer = match body(row.method, row.path) {
        Value::Null => api.send_from(from, request, "").await,
        body => api.send_from(from, request.header("content-type", "application/json"), body.to_string()).await,
    };
    answer.status
}

#[tokio::test]
async fn r09_r10_every_caller_gets_the_answer_of_the_table_on_every_route() {
    let api = Api::open().await;
    let cast = Cast::gather(&api).await;
    let mut wrong = Vec::new();
    for (number, (row, caller, expected)) in (0..).zip(Table::read().cells()) {
        let status = call(&api, row, cast.player(caller), number).await;
        if status < 400 && row.method != "GET" {
            cast.set_back(&api);
        }
        if status != expected {
            wrong.push(format!("{} by {caller}: {status}, the table says {expected}", row.key()));
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
