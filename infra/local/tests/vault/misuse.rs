//! Somebody writes to the table past everything: whatever they move or change, one answer that says nothing.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::TenantId;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use secrets::{DataKey, DataKeys, KeyRing, WrappedKey};
use serde_json::{Value, json};
use testkit::SeededEntropy;

use crate::{
    api::Answer,
    world::{Owner, World},
};

/// The answer to whoever asks for a value that does not open.
#[track_caller]
fn says_nothing(answer: &Answer) {
    let problem = answer.problem(500, "internal");
    let mut said: Vec<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
    said.sort_unstable();
    assert_eq!(said, ["code", "request_id", "status", "title", "type"], "{problem}");
}

fn sealed(item: &Value) -> Vec<u8> {
    STANDARD.decode(item["sealed"]["B"].as_str().unwrap()).unwrap()
}

fn with_sealed(item: &Value, sealed: &[u8]) -> Value {
    let mut item = item.clone();
    item["sealed"] = json!({"B": STANDARD.encode(sealed)});
    item
}

async fn refused(world: &World, owner: &Owner, name: &str, item: Value, what: &str) {
    let before = world.audited(owner).len();
    world.plant(item);
    let answer = world.get(owner, name).await;
    assert_eq!(answer.status, 500, "{what}");
    says_nothing(&answer);
    assert_eq!(world.audited(owner).len(), before, "{what}: nobody read anything");
}

#[tokio::test]
async fn r22_a_sealed_value_opens_in_no_other_place() {
    let world = World::open().await;
    let (own, other) = (world.owner("own").await, world.owner("other").await);
    for (owner, name) in [(&own, "a"), (&own, "b"), (&other, "a")] {
        world.write(owner, name, &format!("{name} of {}", owner.tenant.id)).await;
    }
    let mine = world.item(&own, "VAULT-VALUE#a");
    let neighbour = world.item(&own, "VAULT-VALUE#b");
    let foreign = world.item(&other, "VAULT-VALUE#a");
    refused(&world, &own, "a", with_sealed(&mine, &sealed(&neighbour)), "another name's").await;
    refused(&world, &own, "a", with_sealed(&mine, &sealed(&foreign)), "another tenant's").await;
    let secrets = world.item(&own, "SECRETS");
    let jwt = STANDARD.decode(secrets["jwt"]["B"].as_str().unwrap()).unwrap();
    world.write(&own, "jwt", "a name that provisioning seals under too").await;
    let named_so = world.item(&own, "VAULT-VALUE#jwt");
    refused(&world, &own, "jwt", with_sealed(&named_so, &jwt), "provisioning's own").await;
    world.plant(mine);
    assert!(world.value(&own, "a").await.is_some());
    assert!(world.value(&own, "b").await.is_some() && world.value(&other, "a").await.is_some());
}

#[tokio::test]
async fn r22_an_older_version_is_not_the_current_one() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "a", "old").await;
    world.write(&owner, "a", "new").await;
    let (current, old) = (world.item(&owner, "VAULT-VALUE#a"), world.item(&owner, "VAULT-VALUE#a#0000000001"));
    refused(&world, &owner, "a", with_sealed(&current, &sealed(&old)), "replayed").await;
    world.plant(current.clone());
    // The other way round, by way of a rollback.
    world.plant(with_sealed(&old, &sealed(&current)));
    says_nothing(&world.rollback(&owner, "a", json!({"rollback_to": 1})).await);
    let mut misnumbered = current.clone();
    misnumbered["sk"] = old["sk"].clone();
    world.plant(misnumbered);
    says_nothing(&world.rollback(&owner, "a", json!({"rollback_to": 1})).await);
    assert_eq!(world.value(&owner, "a").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn r22_a_deleted_versions_seal_does_not_come_back() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "a", "old").await;
    let old = sealed(&world.item(&owner, "VAULT-VALUE#a"));
    world.delete(&owner, "a").await.expect(204);
    world.write(&owner, "a", "new").await;
    let current = world.item(&owner, "VAULT-VALUE#a");
    refused(&world, &owner, "a", with_sealed(&current, &old), "from before the deletion").await;
}

#[tokio::test]
async fn r22_every_bit_and_every_byte_counts() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "a", "value").await;
    let item = world.item(&owner, "VAULT-VALUE#a");
    let whole = sealed(&item);
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        refused(&world, &owner, "a", with_sealed(&item, &flipped), &format!("bit of byte {at}")).await;
    }
    for length in (0..whole.len()).step_by(5).chain([whole.len() - 1]) {
        refused(&world, &owner, "a", with_sealed(&item, &whole[..length]), &format!("{length} bytes")).await;
    }
    let longer = [&whole[..], b"\0"].concat();
    refused(&world, &owner, "a", with_sealed(&item, &longer), "a byte more").await;
    let mut renumbered = item.clone();
    renumbered["version"] = json!({"N": "2"});
    refused(&world, &owner, "a", renumbered, "another number").await;
    world.plant(item);
    assert_eq!(world.value(&owner, "a").await.as_deref(), Some("value"));
}

#[tokio::test]
async fn r22_without_its_key_nothing_opens_and_nothing_is_written() {
    let world = World::open().await;
    let (own, other) = (world.owner("own").await, world.owner("other").await);
    world.write(&own, "a", "value").await;
    let key = world.item(&own, "DATA-KEY");
    let wrapped = STANDARD.decode(key["wrapped"]["B"].as_str().unwrap()).unwrap();
    let mut unknown = wrapped.clone();
    // version | length of the key id | key id
    unknown[2] ^= 1;
    let foreign = STANDARD.decode(world.item(&other, "DATA-KEY")["wrapped"]["B"].as_str().unwrap()).unwrap();
    for (bytes, what) in
        [(unknown, "an unknown key"), (foreign, "another tenant's key"), (wrapped[..9].to_vec(), "a part")]
    {
        let mut planted = key.clone();
        planted["wrapped"] = json!({"B": STANDARD.encode(bytes)});
        world.plant(planted);
        let answer = world.get(&own, "a").await;
        assert_eq!(answer.status, 500, "{what}");
        says_nothing(&answer);
        says_nothing(&world.put(&own, "a", json!({"value": "new"})).await);
        says_nothing(&world.rollback(&own, "a", json!({"rollback_to": 1})).await);
    }
    let gone = json!({"TableName": "innkeeper-local-core", "Key": {"pk": key["pk"], "sk": key["sk"]}});
    world.api.stack.dynamodb.run("DeleteItem", gone).unwrap();
    says_nothing(&world.get(&own, "a").await);
    says_nothing(&world.put(&own, "b", json!({"value": "new"})).await);
    world.plant(key);
    assert_eq!(world.value(&own, "a").await.as_deref(), Some("value"));
    assert_eq!(world.keys(&own), ["VAULT#a", "VAULT-VALUE#a"]);
}

#[tokio::test]
async fn r22_a_data_key_that_was_wrapped_anew_opens_at_once() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "a", "value").await;
    let secret = "innkeeper/local/data-keys";
    let stored = world.api.stack.secrets.run("GetSecretValue", json!({"SecretId": secret})).await.unwrap();
    let text = SecretString::from(stored["SecretString"].as_str().unwrap());
    let ring = KeyRing::<DataKeys>::parse(secret, &text).unwrap();
    let (now, entropy) = (world.api.stack.clock.now(), SeededEntropy::new(7));
    let next = ring.succeeded_by_a_new_key(now, None, now, &entropy);
    let value = next.to_secret().expose_secret().to_owned();
    let put = json!({"SecretId": secret, "SecretString": value, "ClientRequestToken": "7".repeat(32)});
    world.api.stack.secrets.run("PutSecretValue", put).await.unwrap();

    let mut item = world.item(&owner, "DATA-KEY");
    let wrapped = WrappedKey(STANDARD.decode(item["wrapped"]["B"].as_str().unwrap()).unwrap());
    let tenant = TenantId::parse(&owner.tenant.id).unwrap();
    let key = DataKey::unwrap(&wrapped, &ring, &tenant, now).unwrap();
    let anew = key.wrap(&next, &tenant, now, &entropy).unwrap();
    assert_ne!(anew.key_id(), wrapped.key_id());
    item["wrapped"] = json!({"B": STANDARD.encode(anew.0)});
    // The functions know the ring as it was, but may ask again only ten seconds after they last did.
    world.api.stack.clock.advance(SignedDuration::from_secs(10));
    world.plant(item);
    assert_eq!(world.value(&owner, "a").await.as_deref(), Some("value"));
    assert_eq!(world.write(&owner, "a", "next").await, 2);
}

#[tokio::test]
async fn r22_without_a_usable_ring_no_function_of_the_vault_starts() {
    for (ring, reason) in [("{}", "data-keys"), (r#"{"initial":"short"}"#, "data-keys"), ("", "data-keys")] {
        let world = World::open().await;
        let put = json!({"SecretId": "innkeeper/local/data-keys", "SecretString": ring, "ClientRequestToken": "0".repeat(32)});
        // An empty value is refused by Secrets Manager itself.
        let stored = world.api.stack.secrets.run("PutSecretValue", put).await;
        if stored.is_err() {
            let gone = json!({"SecretId": "innkeeper/local/data-keys", "ForceDeleteWithoutRecovery": true});
            world.api.stack.secrets.run("DeleteSecret", gone).await.unwrap();
        }
        let failed = world.api.stack.functions.start().await.unwrap_err();
        for function in ["vault-read", "vault-manage"] {
            let line = failed.iter().find(|line| line.starts_with(function)).unwrap_or_else(|| panic!("{failed:?}"));
            assert!(line.contains(reason), "{line}");
        }
    }
}
