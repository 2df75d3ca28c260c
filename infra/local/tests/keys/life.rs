//! From its making to its end: to the moment, and by whom.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Minted, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const MOMENT: SignedDuration = SignedDuration::from_millis(1);

#[tokio::test]
async fn r18_a_key_ends_by_itself_to_the_moment() {
    let world = World::open().await;
    let mut owner = world.owner("own").await;
    let body = json!({"name": "a", "scopes": ["vault.manage"], "expires_in_days": 1});
    let key = Minted::of(world.try_mint(&owner, &body).await.expect(201));
    world.advance(DAY - MOMENT);
    assert_eq!(world.knock(&key.text).await, 200);
    world.advance(MOMENT);
    assert_eq!(world.knock(&key.text).await, 401);
    world.again(&mut owner).await;
    assert_eq!(world.shown(&owner, key.id()).await.expect(200)["state"], "expired");
    // Its last secret gone, it can be given another.
    let next = Minted::of(world.rotate(&owner, key.id(), &Value::Null).await.expect(200));
    assert_eq!([world.knock(&next.text).await, world.knock(&key.text).await], [200, 401]);
    assert_eq!((&next.shown["state"], &next.shown["former_until"]), (&json!("active"), &Value::Null));
}

#[tokio::test]
async fn r18_a_rotation_leaves_a_day_to_change_over_to_the_moment() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &["vault.manage"]).await;
    let next = Minted::of(world.rotate(&owner, key.id(), &Value::Null).await.expect(200));
    assert_eq!((next.id(), &next.shown["begins_with"]), (key.id(), &key.shown["begins_with"]));
    world.advance(DAY - MOMENT);
    assert_eq!([world.knock(&key.text).await, world.knock(&next.text).await], [200, 200]);
    world.advance(MOMENT);
    assert_eq!([world.knock(&key.text).await, world.knock(&next.text).await], [401, 200]);
}

#[tokio::test]
async fn r18_a_leaked_secret_has_no_grace_and_the_one_before_the_last_none_left() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let first = world.mint(&owner, &["vault.manage"]).await;
    let second = Minted::of(world.rotate(&owner, first.id(), &json!({"grace_hours": 1})).await.expect(200));
    let third = Minted::of(world.rotate(&owner, first.id(), &json!({"grace_hours": 2})).await.expect(200));
    let told = async |keys: [&Minted; 3]| {
        let [a, b, c] = keys.map(|key| world.knock(&key.text));
        [a.await, b.await, c.await]
    };
    assert_eq!(told([&first, &second, &third]).await, [401, 200, 200]);
    let fourth = Minted::of(world.rotate(&owner, first.id(), &json!({"grace_hours": 0})).await.expect(200));
    assert_eq!(told([&second, &third, &fourth]).await, [401, 401, 200]);
    assert_eq!(fourth.shown["former_until"], Value::Null);
}

#[tokio::test]
async fn r18_a_revoked_key_opens_nothing_from_the_next_request_on() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &["vault.manage"]).await;
    let next = Minted::of(world.rotate(&owner, key.id(), &Value::Null).await.expect(200));
    world.revoke(&owner, key.id()).await.expect(204);
    assert_eq!([world.knock(&key.text).await, world.knock(&next.text).await], [401, 401]);
    world.revoke(&owner, key.id()).await.problem(404, "not_found");
    world.rotate(&owner, key.id(), &Value::Null).await.problem(404, "not_found");
    world.shown(&owner, key.id()).await.problem(404, "not_found");
    assert!(world.items(&owner, "API-KEY#").is_empty());
}

#[tokio::test]
async fn r18_a_key_sleeps_with_its_tenant() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &["vault.manage"]).await;
    for (status, told) in [("SUSPENDED", 401), ("READY", 200), ("FAILED", 401), ("READY", 200)] {
        world.set_status(&owner.tenant, status);
        assert_eq!(world.knock(&key.text).await, told, "{status}");
    }
}

#[tokio::test]
async fn r18_a_key_stays_when_the_person_who_made_it_goes() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &["vault.manage"]).await;
    world.demote(&owner, "agent");
    assert_eq!(world.knock(&key.text).await, 200);
    let member = world.items(&owner, "MEMBER#").remove(0);
    world.run("DeleteItem", json!({"Key": {"pk": member["pk"], "sk": member["sk"]}}));
    assert_eq!(world.knock(&key.text).await, 200);
}

#[tokio::test]
async fn r24_every_change_of_a_key_and_all_that_it_does_is_written_down_by_name() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let later = || world.advance(MOMENT);
    let key = world.mint(&owner, &["vault.manage", "vault.read"]).await;
    later();
    let written = world.call(http::Method::PUT, "/api/v1/vault/a", &key.text, &json!({"value": "v"})).await.expect(200);
    assert_eq!((&written["created_by"], &written["updated_by"]), (&json!(key.id()), &json!(key.id())));
    assert_eq!(world.api.get("/api/v1/vault/a", &key.text).await.expect(200)["updated_by"], key.id());
    later();
    world.rotate(&owner, key.id(), &json!({"grace_hours": 0})).await.expect(200);
    later();
    world.revoke(&owner, key.id()).await.expect(204);
    let actors = |action: &str| {
        let of = |entry: Value| entry["actor"]["S"].as_str().unwrap().to_owned();
        world.audited(&owner, action).into_iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(actors("vault."), [key.id(), key.id()]);
    let entries = world.audited(&owner, "api_key.");
    let actions: Vec<&str> = entries.iter().map(|entry| entry["action"]["S"].as_str().unwrap()).collect();
    assert_eq!(actions, ["api_key.created", "api_key.rotated", "api_key.revoked"]);
    assert!(actors("api_key.").iter().all(|actor| actor.starts_with("usr_")));
    let created = &entries[0]["after"]["M"];
    assert_eq!(created["key_id"]["S"], key.id());
    assert_eq!(
        (&created["scopes"]["S"], &created["name"]["S"]),
        (&json!("vault.read vault.manage"), &json!("a service"))
    );
}
