//! Who may do what, whose vault it is, and what is written down about it.

use http::Method;
use serde_json::{Value, json};

use crate::world::{World, path};

#[tokio::test]
async fn r22_only_owners_and_admins_have_a_vault() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "a", "value").await;
    let body = json!({"value": "other"});
    let back = json!({"rollback_to": 1});
    let calls = [
        (Method::GET, "/api/v1/vault".to_owned(), &Value::Null, 200),
        (Method::GET, path("a"), &Value::Null, 200),
        (Method::PUT, path("a"), &body, 200),
        (Method::POST, path("a/rollback"), &back, 200),
        (Method::DELETE, path("b"), &Value::Null, 404),
    ];
    for role in ["owner", "admin", "manager", "agent", "analyst"] {
        world.demote(&owner, role);
        let may = matches!(role, "owner" | "admin");
        let before = world.audited(&owner).len();
        for (method, path, body, status) in &calls {
            let answer = world.call(method.clone(), path, &owner, body).await;
            let expected = if may { *status } else { 403 };
            assert_eq!(answer.status, expected, "{} by {role}", answer.call);
        }
        let written = world.audited(&owner).len() - before;
        assert_eq!(written, if may { 3 } else { 0 }, "{role}: a read, a write and a rollback are written down");
    }
    // A platform's role in a tenant's membership is none.
    world.demote(&owner, "super_admin");
    world.get(&owner, "a").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn r22_another_tenants_vault_is_not_there() {
    let world = World::open().await;
    let (own, other) = (world.owner("own").await, world.owner("other").await);
    world.write(&own, "shared/name", "ours").await;
    world.get(&other, "shared/name").await.problem(404, "not_found");
    world.delete(&other, "shared/name").await.problem(404, "not_found");
    world.rollback(&other, "shared/name", json!({"rollback_to": 1})).await.problem(404, "not_found");
    assert_eq!(world.list(&other, "").await.expect(200), json!({"items": [], "next_cursor": null}));
    // A cursor from elsewhere points into the caller's own list.
    world.write(&own, "shared/other", "ours").await;
    let page = world.list(&own, "?limit=1").await.expect(200);
    let query = format!("?cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(world.list(&other, &query).await.expect(200)["items"], json!([]));

    assert_eq!(world.write(&other, "shared/name", "theirs").await, 1);
    assert_eq!(world.value(&own, "shared/name").await.as_deref(), Some("ours"));
    assert_eq!(world.value(&other, "shared/name").await.as_deref(), Some("theirs"));
    world.delete(&other, "shared/name").await.expect(204);
    assert_eq!(world.value(&own, "shared/name").await.as_deref(), Some("ours"));
}

#[tokio::test]
async fn r22_every_look_and_change_is_written_down_by_name_and_version() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    // The log is in the order of its milliseconds.
    let later = || world.api.stack.clock.advance(jiff::SignedDuration::from_millis(2));
    world.write(&owner, "a", "one").await;
    later();
    world.write(&owner, "a", "two").await;
    later();
    let read = world.get(&owner, "a").await;
    read.expect(200);
    later();
    world.get(&owner, "b").await.problem(404, "not_found");
    world.rollback(&owner, "a", json!({"rollback_to": 1})).await.expect(200);
    later();
    world.delete(&owner, "a").await.expect(204);
    let entries = world.audited(&owner);
    let facts = |entry: &Value, of: &str| {
        let facts = entry[of]["M"].as_object().cloned().unwrap_or_default();
        let mut facts: Vec<String> =
            facts.into_iter().map(|(name, value)| format!("{name}={}", value["S"].as_str().unwrap())).collect();
        facts.sort();
        facts.join(" ")
    };
    let said: Vec<String> = entries
        .iter()
        .map(|e| format!("{} [{}] [{}]", e["action"]["S"].as_str().unwrap(), facts(e, "before"), facts(e, "after")))
        .collect();
    assert_eq!(
        said,
        [
            "vault.written [] [name=a version=1]",
            "vault.written [version=1] [name=a version=2]",
            "vault.read [] [name=a version=2]",
            "vault.rolled_back [version=2] [name=a rolled_back_to=1 version=3]",
            "vault.deleted [name=a version=3] []",
        ]
    );
    assert_eq!(entries[2]["correlation_id"]["S"].as_str(), read.header("x-request-id"));
    let members: Vec<&Value> = entries.iter().map(|e| &e["actor"]["S"]).collect();
    assert!(members.iter().all(|actor| actor.as_str().unwrap().starts_with("usr_") && *actor == members[0]));
}

#[tokio::test]
async fn r22_whoever_cannot_be_written_down_reads_nothing() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "a", "value").await;
    let fault =
        local::aws::faults::Rule::error(500, "InternalServerError").on("dynamodb", "PutItem").from("vault-read");
    world.api.stack.gateway.faults().add(fault);
    let refused = world.get(&owner, "a").await;
    assert!(!refused.problem(503, "unavailable").to_string().contains("value\":\"value"));
    world.api.stack.gateway.faults().clear();
    assert_eq!(world.value(&owner, "a").await.as_deref(), Some("value"));
}
