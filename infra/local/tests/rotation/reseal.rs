//! A rotation of the data keys, to its end: with people at work, every value moves, and the old key goes out of use.

use jiff::SignedDuration;
use secrets::DataKeys;
use serde_json::{Value, json};

use crate::world::{DATA, World};

fn core(world: &World) -> Vec<Value> {
    let scan = json!({"TableName": "innkeeper-local-core", "ConsistentRead": true});
    world.stack.dynamodb.run("Scan", scan).unwrap()["Items"].as_array().unwrap().clone()
}

fn item(world: &World, sk: &str) -> Option<Value> {
    core(world).into_iter().find(|item| item["sk"]["S"] == sk)
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_a_rotation_of_the_data_keys_moves_every_value_while_people_work() {
    let (world, tokens) = World::inhabited().await;
    let put = async |name: &str, value: &str| {
        let path = format!("/api/v1/vault/{name}");
        let (status, body) = world.put(&path, &tokens.access, &json!({"value": value})).await;
        assert_eq!(status, 200, "{body}");
    };
    for n in 0..30 {
        put(&format!("value-{n}"), "before").await;
    }
    put("value-0", "again").await;
    let before = item(&world, "DATA-KEY").unwrap();
    let (status, body) = world.post("/api/v1/auth/mfa/totp", &tokens.access, &Value::Null).await;
    assert_eq!(status, 200, "{body}");
    let peoples = item(&world, "PEOPLE-KEY").unwrap();

    world.stack.secrets.rotate(DATA).await.unwrap();
    world.advance(SignedDuration::from_mins(10));
    assert_eq!(world.stack.invoke("reseal-watch", json!({})).await.unwrap()["started"], false, "not in use yet");
    world.advance(SignedDuration::from_mins(81));
    let tokens = world.log_in().await;
    let get = async |name: &str| {
        let (status, body) = world.get(&format!("/api/v1/vault/{name}"), &tokens.access).await;
        assert_eq!(status, 200, "{body}");
        body["value"].as_str().unwrap().to_owned()
    };
    let mut writes = 0;
    let done = async || {
        let path = "/api/v1/vault/value-0";
        let (status, body) = world.put(path, &tokens.access, &json!({"value": "meanwhile"})).await;
        assert_eq!(status, 200, "{body}");
        writes += 1;
        assert_eq!(get("value-1").await, "before");
        assert_eq!(get("value-0").await, "meanwhile");
        (item(&world, "STATE").is_some_and(|record| record["state"]["S"] == "done")).then_some(())
    };
    let started = world.stack.invoke("reseal-watch", json!({})).await.unwrap();
    world.until("the end of the re-seal", done).await;
    assert!(writes > 0 && started["started"].is_string());

    let after = item(&world, "DATA-KEY").unwrap();
    assert_ne!(before["key_id"], after["key_id"]);
    assert!(after.get("previous").is_none());
    let rewrapped = item(&world, "PEOPLE-KEY").unwrap();
    assert_eq!((&peoples["key_id"], &rewrapped["key_id"]), (&before["key_id"], &after["key_id"]));
    // Where the secret does not open, no code is wrong.
    let wrong = json!({"code": "000000"});
    let (_, body) = world.post("/api/v1/auth/mfa/totp/confirm", &tokens.access, &wrong).await;
    assert_eq!(body["code"], "invalid_second_factor", "{body}");
    for n in 1..30 {
        assert_eq!(get(&format!("value-{n}")).await, "before");
    }
    let rolled = json!({"rollback_to": 1});
    let (status, body) = world.post("/api/v1/vault/value-1/rollback", &tokens.access, &rolled).await;
    assert_eq!(status, 200, "{body}");
    let ring = world.ring::<DataKeys>(DATA).await;
    assert!(ring.all()[0].retire_at().is_some_and(|end| end <= world.now()));
    assert_eq!(ring.active(world.now()).unwrap().id().as_str(), after["key_id"]["S"]);
    let record = item(&world, "STATE").unwrap();
    assert_eq!((&record["total"]["N"], &record["done"]["N"]), (&json!("1"), &json!("1")));
    assert_eq!(world.stack.invoke("reseal-watch", json!({})).await.unwrap()["started"], false, "nothing is left to do");
    // Of the new key the listeners were told, and of the end of the old one.
    let told =
        world.stack.events.events().into_iter().filter(|event| event.detail["secret"].as_str().unwrap().contains(DATA));
    let versions: Vec<Value> = told.map(|event| event.detail["version"].clone()).collect();
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert_eq!(versions[0].as_str(), world.labelled(DATA, "AWSCURRENT").await.as_deref());
    // The next rotation finds its way too.
    world.stack.secrets.rotate(DATA).await.unwrap();
}
