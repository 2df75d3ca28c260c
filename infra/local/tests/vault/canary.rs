//! A value that would be known anywhere is nowhere but sealed.

use std::{
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{Owner, World, path};

const CANARY: &str = "canary-7f3a1e5b9d-in-the-vault";

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

/// The ways in which the value might be written by accident.
fn traces_of(canary: &str) -> Vec<String> {
    let bytes: Vec<String> = canary.bytes().map(|byte| byte.to_string()).collect();
    // In base64 a text looks three ways, by where it begins.
    let shifted = (0..3).map(|shift| {
        let encoded = STANDARD.encode(format!("{}{canary}", "\0".repeat(shift)));
        encoded[4..encoded.len() - 4].to_owned()
    });
    let hex = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
    [canary.to_owned(), bytes.join(", "), bytes.join(","), hex].into_iter().chain(shifted).collect()
}

#[track_caller]
fn nowhere(place: &str, text: &str) {
    for (form, found) in traces_of(CANARY).iter().map(|form| (form, text.find(form.as_str()))) {
        if let Some(at) = found {
            let from = at.saturating_sub(300);
            panic!("{place} has {form}: …{}…", text.get(from..at + form.len()).unwrap_or(form));
        }
    }
}

/// Every way to send the value and have it refused.
async fn refusals(world: &World, owner: &Owner) -> Vec<Value> {
    let mut said = Vec::new();
    let long = format!("{CANARY}{}", "x".repeat(64 * 1024));
    for body in [
        json!({"value": long}),
        json!({"value": CANARY, "encoding": "base64"}),
        json!({"value": CANARY, "encoding": "other"}),
        json!({"value": CANARY, "version": 77}),
        json!({"value": CANARY, "version": "1"}),
        json!({"value": CANARY, "x": CANARY}),
        json!({"value": [CANARY]}),
        json!({"value": {"inner": CANARY}}),
        json!(CANARY),
        json!([CANARY]),
    ] {
        let answer = world.put(owner, "canary", body).await;
        assert!((400..500).contains(&answer.status), "{}", answer.status);
        said.push(serde_json::from_slice(&answer.body).unwrap());
        let answer = world.rollback(owner, "canary", json!({"rollback_to": CANARY})).await;
        said.push(answer.problem(422, "invalid_fields"));
    }
    for broken in [format!("{{\"value\": \"{CANARY}\""), format!("{{\"value\": {CANARY}}}"), format!("\"{CANARY}")] {
        let request = http::Request::builder().method(Method::PUT).uri(path("canary"));
        let request = crate::api::authorized(request, &owner.token).header("content-type", "application/json");
        said.push(world.api.send(request, broken).await.problem(400, "malformed_json"));
    }
    said
}

#[test]
fn a_trace_is_found_in_whatever_form() {
    for before in ["", "\0", "ab", "abc", "the value is "] {
        let around = format!("{before}{CANARY} and more");
        let hex = around.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        for form in [STANDARD.encode(&around), format!("{:?}", around.as_bytes()), hex, around] {
            assert!(traces_of(CANARY).iter().any(|trace| form.contains(trace)), "{form}");
        }
    }
}

#[test]
fn r21_r22_the_canary_is_nowhere_but_sealed() {
    let log = Log::default();
    // What is allowed to be logged at all, down to the smallest trace.
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).with_ansi(false);
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::open().await;
        let owner = world.owner("own").await;
        for _ in 0..2 {
            world.write(&owner, "canary", CANARY).await;
        }
        let bytes = json!({"value": STANDARD.encode(CANARY), "encoding": "base64"});
        world.put(&owner, "canary/bytes", bytes).await.expect(200);
        assert_eq!(world.value(&owner, "canary").await.as_deref(), Some(CANARY));
        world.get(&owner, "canary/bytes").await.expect(200);
        world.rollback(&owner, "canary", json!({"rollback_to": 1})).await.expect(200);
        let mut said = refusals(&world, &owner).await;
        said.push(world.list(&owner, "").await.expect(200));
        let item = world.item(&owner, "VAULT-VALUE#canary/bytes");
        let mut broken = item.clone();
        broken["version"] = json!({"N": "9"});
        world.plant(broken);
        said.push(world.get(&owner, "canary/bytes").await.problem(500, "internal"));
        said.push(world.rollback(&owner, "canary", json!({"rollback_to": 9})).await.problem(422, "invalid_fields"));

        for problem in &said {
            nowhere("an answer", &problem.to_string());
        }
        nowhere("the audit log", &serde_json::to_string(&world.api.items("audit")).unwrap());
        nowhere("the core table", &serde_json::to_string(&world.api.items("core")).unwrap());
        nowhere("the counters", &world.usage().to_string());
        nowhere("the mails", &serde_json::to_string(&world.api.stack.mailbox.mails()).unwrap());
    });
    drop(runtime);
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("vault-read") && logged.contains("vault-write"), "the log was listened to");
    nowhere("the log", &logged);
}
