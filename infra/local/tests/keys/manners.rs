//! What the routes take and give, and who may call them.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{ALL, Minted, World};

#[tokio::test]
async fn r18_a_key_is_shown_once_and_known_by_its_beginning() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let body = json!({"name": "nightly export", "scopes": ["vault.read", "audit.read", "vault.read"],
        "expires_in_days": 365, "calls_per_hour": 600});
    let answer = world.try_mint(&owner, &body).await;
    let made = answer.expect(201);
    let location = answer.header("location").unwrap().to_owned();
    let key = Minted::of(made);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let beginning = key.shown["begins_with"].as_str().unwrap();
    let tenant = owner.tenant.id.strip_prefix("tenant-").unwrap();
    assert_eq!(beginning, format!("ink_test_{tenant}_{}", key.id().strip_prefix("key_").unwrap()));
    assert!(key.text.starts_with(&format!("{beginning}_")));
    assert_eq!(key.shown["scopes"], json!(["vault.read", "audit.read"]));
    assert_eq!((&key.shown["state"], &key.shown["calls_per_hour"]), (&json!("active"), &json!(600)));
    assert!(key.shown["created_by"].as_str().unwrap().starts_with("usr_"));

    assert_eq!(world.api.get(&location, &owner.token).await.expect(200), key.shown);
    assert_eq!(world.list(&owner, "").await.expect(200), json!({"items": [key.shown], "next_cursor": null}));
}

#[tokio::test]
async fn r18_every_broken_field_is_named_and_nothing_is_made() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    for (body, named) in [
        (json!({}), vec![("/name", "required"), ("/scopes", "required")]),
        (json!({"name": "", "scopes": []}), vec![("/name", "too_short"), ("/scopes", "too_short")]),
        (
            json!({"name": "x".repeat(65), "scopes": "vault.read"}),
            vec![("/name", "too_long"), ("/scopes", "wrong_type")],
        ),
        (
            json!({"name": "a", "scopes": ["vault.read", "tenant.delete", "api_key.manage", "every"]}),
            vec![("/scopes/1", "not_for_keys"), ("/scopes/2", "not_for_keys"), ("/scopes/3", "unknown")],
        ),
        (
            json!({"name": "a", "scopes": ["vault.read"], "expires_in_days": 0, "calls_per_hour": 0, "x": 1}),
            vec![("/calls_per_hour", "out_of_range"), ("/expires_in_days", "out_of_range"), ("/x", "unknown_field")],
        ),
        (
            json!({"name": "a", "scopes": ["vault.read"], "expires_in_days": 366}),
            vec![("/expires_in_days", "out_of_range")],
        ),
        (
            json!({"name": "a", "scopes": ["vault.read"], "expires_in_days": -1}),
            vec![("/expires_in_days", "wrong_type")],
        ),
        (
            json!({"name": "a", "scopes": ["vault.read"], "calls_per_hour": 100_001}),
            vec![("/calls_per_hour", "out_of_range")],
        ),
    ] {
        let problem = world.try_mint(&owner, &body).await.problem(422, "invalid_fields");
        let mut errors: Vec<(&str, &str)> = Vec::new();
        for error in problem["errors"].as_array().unwrap() {
            errors.push((error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()));
        }
        errors.sort_unstable();
        assert_eq!(errors, named, "{body}");
    }
    let key = world.mint(&owner, &["vault.read"]).await;
    for (body, pointer) in [(json!({"grace_hours": 169}), "/grace_hours"), (json!({"grace": 1}), "/grace")] {
        let problem = world.rotate(&owner, key.id(), &body).await.problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    assert_eq!(world.items(&owner, "API-KEY#").len(), 1);
}

#[tokio::test]
async fn r18_minting_and_rotating_ask_for_a_recent_proof_and_revoking_does_not() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &["vault.read"]).await;
    world.advance(SignedDuration::from_secs(600));
    world.mint(&owner, &["vault.read"]).await;
    world.advance(SignedDuration::from_secs(1));
    let body = json!({"name": "a", "scopes": ["vault.read"]});
    let refused = world.try_mint(&owner, &body).await;
    refused.problem(401, "insufficient_user_authentication");
    assert!(refused.header("www-authenticate").unwrap().contains("insufficient_user_authentication"));
    world.rotate(&owner, key.id(), &Value::Null).await.problem(401, "insufficient_user_authentication");
    world.list(&owner, "").await.expect(200);
    world.revoke(&owner, key.id()).await.expect(204);
}

#[tokio::test]
async fn r18_only_owners_and_admins_look_after_keys_and_give_no_more_than_they_have() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &ALL).await;
    for role in ["owner", "admin", "manager", "agent", "analyst"] {
        world.demote(&owner, role);
        let may = matches!(role, "owner" | "admin");
        let body = json!({"name": "a", "scopes": ["plugin.use"]});
        let told = [
            world.try_mint(&owner, &body).await.status,
            world.list(&owner, "").await.status,
            world.shown(&owner, key.id()).await.status,
            world.rotate(&owner, key.id(), &Value::Null).await.status,
            world.revoke(&owner, "key_0000000000000000").await.status,
        ];
        assert_eq!(told, if may { [201, 200, 200, 200, 404] } else { [403; 5] }, "{role}");
    }
}

#[tokio::test]
async fn r18_another_tenants_keys_are_not_there() {
    let world = World::open().await;
    let (own, other) = (world.owner("own").await, world.owner("other").await);
    let key = world.mint(&own, &ALL).await;
    // By the path of the other's own tenant, and by that of the key's.
    for (path, status) in [(&other.tenant.id, 404), (&own.tenant.id, 404)] {
        let base = crate::world::keys(path);
        for (method, path) in [
            (http::Method::GET, format!("{base}/{}", key.id())),
            (http::Method::DELETE, format!("{base}/{}", key.id())),
            (http::Method::POST, format!("{base}/{}/rotate", key.id())),
        ] {
            assert_eq!(world.call(method, &path, &other.token, &Value::Null).await.status, status, "{path}");
        }
    }
    assert_eq!(world.list(&other, "").await.expect(200)["items"], json!([]));
    assert_eq!(world.knock(&key.text).await, 200);
}

#[tokio::test]
async fn r18_a_list_has_every_key_once() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.mint(&owner, &["vault.read"]).await.id().to_owned());
    }
    made.sort();
    let (mut seen, mut cursor): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let query = cursor.map_or("?limit=2".to_owned(), |cursor| format!("?limit=2&cursor={cursor}"));
        let page = world.list(&owner, &query).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["key_id"].as_str().unwrap().to_owned()));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn r18_an_operator_neither_makes_nor_takes_over_a_key_that_reads_a_vault() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let tenant = crate::api::Tenant { id: owner.tenant.id.clone(), email: String::new(), status_token: String::new() };
    let operator = crate::world::Owner { tenant, token: world.operator().await };

    let body = json!({"name": "a", "scopes": ["vault.read"]});
    let refused = world.try_mint(&operator, &body).await.problem(422, "invalid_fields");
    assert_eq!(refused["errors"][0]["code"], "not_yours");
    let key = world.mint(&owner, &["vault.read"]).await;
    world.rotate(&operator, key.id(), &Value::Null).await.problem(403, "forbidden");
    // What they may do themselves they may give; and they may take away anything.
    let other = world.mint(&operator, &["audit.read"]).await;
    world.rotate(&operator, other.id(), &Value::Null).await.expect(200);
    world.revoke(&operator, key.id()).await.expect(204);
    let nowhere =
        crate::api::Tenant { id: "tenant-own-00000000".into(), email: String::new(), status_token: String::new() };
    let nowhere = crate::world::Owner { tenant: nowhere, token: operator.token };
    world.try_mint(&nowhere, &json!({"name": "a", "scopes": ["audit.read"]})).await.problem(404, "not_found");
    assert!(world.items(&nowhere, "").is_empty());
}
