//! What the routes take and give.

use http::Method;
use serde_json::{Value, json};

use crate::world::{World, path};

#[tokio::test]
async fn r22_a_value_comes_back_as_it_was_written() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let largest = "x".repeat(64 * 1024);
    let escaped = "\u{1}".repeat(64 * 1024);
    for (name, body) in [
        ("a", json!({"value": "s3cret"})),
        ("billing/stripe.key", json!({"value": "ü\n\"\0", "encoding": "text"})),
        ("A-Z_0.9/...", json!({"value": "/wA=", "encoding": "base64"})),
        ("large", json!({"value": largest})),
        ("larger", json!({"value": escaped})),
    ] {
        let written = world.put(&owner, name, body.clone()).await.expect(200);
        assert_eq!(
            (&written["name"], &written["version"], &written["oldest_version"]),
            (&json!(name), &json!(1), &json!(1))
        );
        assert!(written.get("value").is_none());
        let read = world.get(&owner, name).await;
        assert_eq!(read.header("cache-control"), Some("no-store"));
        let read = read.expect(200);
        assert_eq!((&read["name"], &read["version"], &read["value"]), (&json!(name), &json!(1), &body["value"]));
        assert_eq!(read["encoding"], body.get("encoding").cloned().unwrap_or(json!("text")));
        assert_eq!(read["updated_by"], written["updated_by"]);
    }
}

#[tokio::test]
async fn r22_a_name_is_one_name_however_its_slashes_are_written() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "db/main%2Fpassword", "one").await;
    assert_eq!(world.value(&owner, "db/main/password").await.as_deref(), Some("one"));
    assert_eq!(world.value(&owner, "db%2fmain/password").await.as_deref(), Some("one"));
    for name in ["db", "db/main", "db/main/password/x"] {
        world.get(&owner, name).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn r22_what_is_no_name_is_refused_and_written_nowhere() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let long = "x".repeat(129);
    for name in [&*long, "a%20b", "a%23b", "a%2523b", "%C3%A9", "a//b", "a/", "%2Fa", "a/%2E%2E/b", "a%00", "a/."] {
        let refused = world.put(&owner, name, json!({"value": "v"})).await.problem(422, "invalid_fields");
        assert!(refused["detail"].as_str().unwrap().starts_with("the name "), "{refused}");
        world.get(&owner, name).await.problem(404, "not_found");
        world.delete(&owner, name).await.problem(404, "not_found");
        world.rollback(&owner, name, json!({"rollback_to": 1})).await.problem(404, "not_found");
    }
    world.put(&owner, "%ff", json!({"value": "v"})).await.problem(404, "not_found");
    assert_eq!(world.keys(&owner), Vec::<String>::new());
}

#[tokio::test]
async fn r22_every_broken_field_is_named() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let long = "x".repeat(64 * 1024 + 1);
    for (body, named) in [
        (json!({}), vec![("/value", "required")]),
        (json!({"value": ""}), vec![("/value", "too_short")]),
        (json!({"value": long}), vec![("/value", "too_long")]),
        (json!({"value": "no base64", "encoding": "base64"}), vec![("/value", "invalid")]),
        (json!({"value": "v", "encoding": "hex"}), vec![("/encoding", "unknown")]),
        (
            json!({"value": 1, "version": -1, "x": 1}),
            vec![("/value", "wrong_type"), ("/version", "wrong_type"), ("/x", "unknown_field")],
        ),
    ] {
        let problem = world.put(&owner, "a", body).await.problem(422, "invalid_fields");
        let mut errors: Vec<_> = problem["errors"].as_array().unwrap().iter().collect();
        errors.sort_by_key(|e| e["pointer"].as_str().unwrap().to_owned());
        let errors: Vec<_> =
            errors.iter().map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
        assert_eq!(errors, named);
    }
    let huge = json!({"value": "x".repeat(400 * 1024)});
    world.put(&owner, "a", huge).await.problem(413, "body_too_large");
    assert_eq!(world.keys(&owner), Vec::<String>::new());
}

#[tokio::test]
async fn r22_ten_versions_are_kept_and_any_of_them_can_be_the_newest() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    for number in 1..=12 {
        assert_eq!(world.write(&owner, "a/b", &format!("value {number}")).await, number);
    }
    assert_eq!(world.keys(&owner).len(), 1 + 10, "an entry and ten versions");
    for gone in [0, 1, 2, 13] {
        let refused = world.rollback(&owner, "a/b", json!({"rollback_to": gone})).await;
        assert_eq!(refused.problem(422, "invalid_fields")["errors"][0]["code"], "not_kept", "{gone}");
    }
    let back = world.rollback(&owner, "a/b", json!({"rollback_to": 3, "version": 12})).await.expect(200);
    assert_eq!((&back["version"], &back["oldest_version"]), (&json!(13), &json!(4)));
    assert_eq!(world.value(&owner, "a/b").await.as_deref(), Some("value 3"));
    world.rollback(&owner, "a/b", json!({"rollback_to": 12})).await.expect(200);
    assert_eq!(world.value(&owner, "a/b").await.as_deref(), Some("value 12"));
    assert_eq!(world.keys(&owner).len(), 1 + 10);
    world.rollback(&owner, "other", json!({"rollback_to": 1})).await.problem(404, "not_found");
    world.rollback(&owner, "a/b", json!({})).await.problem(422, "invalid_fields");
}

#[tokio::test]
async fn r22_a_name_may_itself_end_in_rollback() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "rollback", "one").await;
    world.write(&owner, "a/rollback", "one").await;
    world.write(&owner, "a/rollback", "two").await;
    world.rollback(&owner, "a/rollback", json!({"rollback_to": 1})).await.expect(200);
    world.rollback(&owner, "rollback", json!({"rollback_to": 1})).await.expect(200);
    assert_eq!(world.value(&owner, "a/rollback").await.as_deref(), Some("one"));
    for other in ["rollback", "a", "a/rollback/x", "/rollback"] {
        world.call(Method::POST, &path(other), &owner, &json!({"rollback_to": 1})).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn r22_a_version_that_is_not_the_current_one_loses() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let put = async |version: u64| world.put(&owner, "a", json!({"value": "v", "version": version})).await;
    put(1).await.problem(409, "version_conflict");
    assert_eq!(put(0).await.expect(200)["version"], 1);
    assert_eq!(put(0).await.problem(409, "version_conflict")["detail"], "the current version is 1");
    assert_eq!(put(1).await.expect(200)["version"], 2);
    put(1).await.problem(409, "version_conflict");
    let stale = json!({"rollback_to": 1, "version": 1});
    world.rollback(&owner, "a", stale).await.problem(409, "version_conflict");
    assert_eq!(world.get(&owner, "a").await.expect(200)["version"], 2);
}

#[tokio::test]
async fn r22_a_deleted_value_is_gone_and_its_numbers_are_not_used_again() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    for value in ["one", "two", "three"] {
        world.write(&owner, "a", value).await;
    }
    world.write(&owner, "a/b", "stays").await;
    world.delete(&owner, "a").await.expect(204);
    world.delete(&owner, "a").await.problem(404, "not_found");
    world.get(&owner, "a").await.problem(404, "not_found");
    assert_eq!(world.keys(&owner), ["VAULT#a/b", "VAULT-USED#a", "VAULT-VALUE#a/b"]);
    world.rollback(&owner, "a", json!({"rollback_to": 1})).await.problem(404, "not_found");
    world.put(&owner, "a", json!({"value": "v", "version": 3})).await.problem(409, "version_conflict");
    let again = world.put(&owner, "a", json!({"value": "four", "version": 0})).await.expect(200);
    assert_eq!((&again["version"], &again["oldest_version"]), (&json!(4), &json!(4)));
    assert!(!world.keys(&owner).contains(&"VAULT-USED#a".to_owned()));
    world.delete(&owner, "a").await.expect(204);
    assert_eq!(world.write(&owner, "a", "five").await, 5);
}

#[tokio::test]
async fn r22_a_list_has_every_name_once_and_no_value() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let mut names: Vec<String> = (0..7).map(|n| format!("n{n}")).collect();
    names.extend(["n1/x", "n1.x", "N"].map(str::to_owned));
    for name in &names {
        world.write(&owner, name, "hidden").await;
    }
    world.write(&owner, "n0", "hidden").await;
    world.write(&owner, "gone", "hidden").await;
    world.delete(&owner, "gone").await.expect(204);
    names.sort();
    let (mut seen, mut cursor): (Vec<Value>, Option<String>) = (Vec::new(), None);
    loop {
        let query = cursor.map_or("?limit=3".to_owned(), |cursor| format!("?limit=3&cursor={cursor}"));
        let page = world.list(&owner, &query).await.expect(200);
        assert!(!page.to_string().contains("hidden") && page["items"].as_array().unwrap().len() <= 3);
        seen.extend(page["items"].as_array().unwrap().clone());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.iter().map(|entry| entry["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    let entry = seen.iter().find(|entry| entry["name"] == "n0").unwrap();
    let fields: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["name", "version", "oldest_version", "created_at", "created_by", "updated_at", "updated_by"]);
    assert_eq!((&entry["version"], &entry["oldest_version"]), (&json!(2), &json!(1)));
    for query in ["?limit=0", "?limit=101", "?cursor=%2F", "?cursor=bi8", "?curser=x", "?limit=1&limit=2"] {
        world.list(&owner, query).await.problem(400, "invalid_query");
    }
}

#[tokio::test]
async fn r22_a_silo_tenant_has_a_vault_too() {
    let world = World::open().await;
    let mut signup = crate::api::signup("silo");
    signup["plan"] = json!("enterprise");
    let owner = world.owner_of("silo", signup).await;
    world.write(&owner, "a", "value").await;
    assert_eq!(world.value(&owner, "a").await.as_deref(), Some("value"));
}
