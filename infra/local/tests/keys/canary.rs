//! A key's secret is in the answer that hands it over and nowhere else.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{ALL, Minted, World};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[track_caller]
fn nowhere(place: &str, text: &str, keys: &[Minted]) {
    for key in keys {
        // What is random in it, without the checksum.
        let secret = &key.text[key.text.len() - 49..key.text.len() - 6];
        assert!(!text.contains(secret), "{place} has the secret of {}", key.id());
    }
}

#[test]
fn r18_no_secret_of_a_key_is_stored_logged_or_shown_twice() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_max_level(tracing::Level::TRACE).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys = tracing::subscriber::with_default(subscriber, || runtime.block_on(say_everything()));
    drop(runtime);
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("keys-mint") && logged.contains("vault-list"), "the log was listened to");
    nowhere("the log", &logged, &keys);
}

async fn say_everything() -> Vec<Minted> {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let first = world.mint(&owner, &ALL).await;
    let second = Minted::of(world.rotate(&owner, first.id(), &Value::Null).await.expect(200));
    let other = world.mint(&owner, &["audit.read"]).await;
    let keys = vec![first, second, other];
    let mut said = Vec::new();
    for key in &keys {
        let text = &key.text;
        for path in ["/api/v1/vault", "/api/v1/auth/whoami", "/api/v1/vault/none", "/nothing", "/healthz"] {
            said.push(world.api.get(path, text).await);
        }
        let misspelt = format!("{}x", &text[..text.len() - 1]);
        said.push(world.api.get("/api/v1/vault", &misspelt).await);
        said.push(world.try_mint(&owner, &json!({"name": "a", "scopes": [text]})).await);
        said.push(world.shown(&owner, key.id()).await);
        let fault = local::aws::faults::Rule::error(500, "InternalServerError").on("dynamodb", "UpdateItem");
        world.api.stack.gateway.faults().add(fault);
        said.push(world.api.get("/api/v1/vault/none", text).await);
        world.api.stack.gateway.faults().clear();
    }
    said.push(world.list(&owner, "").await);
    for answer in said {
        nowhere(&answer.call, &String::from_utf8_lossy(&answer.body), &keys);
        nowhere(&answer.call, &format!("{:?}", answer.headers), &keys);
    }
    for table in ["core", "audit", "limits"] {
        nowhere(table, &serde_json::to_string(&world.api.items(table)).unwrap(), &keys);
    }
    nowhere("the counters", &world.usage().to_string(), &keys);
    nowhere("the mails", &serde_json::to_string(&world.api.stack.mailbox.mails()).unwrap(), &keys);
    keys
}
