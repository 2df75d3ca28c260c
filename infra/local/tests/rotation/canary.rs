//! R21: whatever is rotated, broken off, ordered, refused or logged, no part of any secret is anywhere but in its own place.
//!
//! Each secret gets a value that would be known anywhere; rotations replace them by random ones, which are looked for too.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::SignedDuration;
use local::aws::faults::Rule;
use serde_json::{Value, json};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    prelude::*,
};

use crate::world::{SIGNING, World};

const IN_THE_VAULT: &str = "canary-in-the-vault-5b9d7f3a1e";
const OURS: [&str; 9] = ["admin", "auth", "lambda", "local", "rotation", "secrets", "store", "vault", "workflow"];
/// What is shorter is an id, a date or a name.
const WORTH_HIDING: usize = 32;

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

/// Of each secret by another one, which could be random.
fn canary(name: &str) -> String {
    let tag = name.rsplit('/').next().unwrap().replace('-', "X");
    format!("canary{tag}Q7xV2mZp9LrT4wKs8NbY3hGd6FjC1uEa5Rq0Wz")
}

async fn plant(world: &World) {
    for (n, secret) in world.stack.template.secrets.iter().enumerate() {
        let read = world.stack.secrets.run("GetSecretValue", json!({"SecretId": secret.arn})).await.unwrap();
        let mut value: Value = serde_json::from_str(read["SecretString"].as_str().unwrap()).unwrap();
        let longest = |(_, value): &(&String, &mut Value)| value.as_str().map_or(0, str::len);
        *value.as_object_mut().unwrap().iter_mut().max_by_key(longest).unwrap().1 = canary(&secret.name).into();
        let token = format!("{n:032}");
        let put = json!({"SecretId": secret.arn, "SecretString": value.to_string(), "ClientRequestToken": token});
        world.stack.secrets.run("PutSecretValue", put).await.unwrap();
    }
}

/// The long texts of every version of every secret.
async fn material(world: &World) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let listed = world.stack.secrets.run("ListSecrets", json!({})).await.unwrap();
    for secret in listed["SecretList"].as_array().unwrap() {
        let all = json!({"SecretId": secret["ARN"], "IncludeDeprecated": true});
        let versions = world.stack.secrets.run("ListSecretVersionIds", all).await.unwrap();
        for version in versions["Versions"].as_array().unwrap() {
            let which = json!({"SecretId": secret["ARN"], "VersionId": version["VersionId"]});
            let Ok(read) = world.stack.secrets.run("GetSecretValue", which).await else { continue };
            let pieces = read["SecretString"].as_str().unwrap().split('"').filter(|piece| piece.len() >= WORTH_HIDING);
            found.extend(pieces.map(str::to_owned));
        }
    }
    found
}

/// The ways in which it might be written by accident: as it is, as bytes, in hexadecimal, and in base64, which looks three
/// ways by where it begins.
fn forms(text: &str) -> Vec<String> {
    let of_bytes = |bytes: &[u8]| {
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        [numbers.join(", "), numbers.join(","), hex]
    };
    let shifted = (0..3).map(|shift| {
        let encoded = STANDARD.encode(format!("{}{text}", "\0".repeat(shift)));
        encoded[4..encoded.len() - 4].to_owned()
    });
    let key = URL_SAFE_NO_PAD.decode(text).ok();
    let key = key.iter().flat_map(|key| of_bytes(key).into_iter().chain([STANDARD.encode(key)]));
    [text.to_owned()].into_iter().chain(of_bytes(text.as_bytes())).chain(shifted).chain(key).collect()
}

#[track_caller]
fn nowhere(place: &str, said: &str, secrets: &BTreeSet<String>) {
    for secret in secrets {
        let form = forms(secret).into_iter().find(|form| said.contains(form.as_str()));
        assert_eq!(form, None, "{place} has it");
    }
}

/// Everything that touches secrets, well and badly; what it answered.
async fn everything(world: &World) -> Vec<Value> {
    let mut said = Vec::new();
    let (email, password) = ("root@innkeeper.test", canary("bootstrap-admin"));
    let login = json!({"email": email, "password": password});
    let (status, admin) = world.post("/api/v1/auth/login", "", &login).await;
    assert_eq!(status, 200, "{admin}");
    let admin = admin["access_token"].as_str().unwrap().to_owned();
    let wrong = json!({"email": email, "password": password, "more": password});
    said.push(world.post("/api/v1/auth/login", "", &wrong).await.1);
    said.push(world.post("/api/v1/auth/login", "", &json!({"email": password, "password": password})).await.1);
    for path in ["/api/v1/admin/secrets", "/api/v1/admin/secrets/signing-keys", "/api/v1/admin/bootstrap-status"] {
        let (status, answer) = world.get(path, &admin).await;
        assert_eq!(status, 200, "{path}: {answer}");
        said.push(answer);
    }

    let rotated: Vec<_> = world.stack.template.rotations.iter().map(|it| it.secret_arn.clone()).collect();
    for arn in &rotated {
        // Each call fails once, and what failed is taken up again.
        for call in 1.. {
            world.stack.gateway.faults().add(Rule::error(400, "AccessDeniedException").nth(call));
            let ended = world.stack.secrets.rotate(arn).await;
            world.stack.gateway.faults().clear();
            match ended {
                Ok(()) => break,
                Err(error) => said.push(json!(format!("{error:?} {error}"))),
            }
            world.advance(SignedDuration::from_secs(1));
        }
    }
    let (_, answer) = world.post("/api/v1/admin/secrets/signing-keys/rotate", &admin, &Value::Null).await;
    said.push(answer);
    let ring = world.ring::<secrets::SigningKeys>(SIGNING).await;
    let kid = ring.active(world.now()).unwrap().id().to_string();
    let (status, answer) = world.post(&format!("/api/v1/admin/signing-keys/{kid}/retire"), &admin, &Value::Null).await;
    assert_eq!(status, 200, "{answer}");
    said.push(answer);
    // What is there is no secret any more, and is quoted by nobody either.
    for (n, arn) in rotated.iter().enumerate() {
        let value = format!("{{\"keys\": [{}", canary(arn));
        let put = json!({"SecretId": arn, "SecretString": value, "ClientRequestToken": format!("{n:031}x")});
        world.stack.secrets.run("PutSecretValue", put).await.unwrap();
        let error = world.stack.secrets.rotate(arn).await.unwrap_err();
        said.push(json!(format!("{error:?} {error}")));
    }
    world.advance(SignedDuration::from_mins(6));
    let (status, answer) = world.try_log_in().await;
    assert!(status >= 500, "{status} {answer}");
    said.push(answer);
    said
}

#[test]
fn a_trace_is_found_in_whatever_form() {
    let secret = "Zm9vYmFyLWZvb2Jhci1mb29iYXItZm9vYmFyLWZvb2I";
    let key = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let around = format!("before{secret}after");
    for form in [STANDARD.encode(&around), format!("{key:?}"), hex, STANDARD.encode(&key), around] {
        assert!(forms(secret).iter().any(|trace| form.contains(trace)), "{form}");
    }
}

#[test]
fn r21_no_part_of_any_secret_is_anywhere_but_in_its_place() {
    let log = Log::default();
    // All that we could ever log; of the libraries, what a deployment logs.
    let filter = Targets::new().with_default(LevelFilter::WARN).with_targets(OURS.map(|it| (it, LevelFilter::TRACE)));
    let layer = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false);
    tracing_subscriber::registry().with(filter).with(layer).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let secrets = runtime.block_on(async {
        let world = World::open().await;
        plant(&world).await;
        let tokens = world.inhabit().await;
        let put = http::Request::put("/api/v1/vault/canary").header("content-type", "application/json");
        let body = json!({"value": IN_THE_VAULT}).to_string();
        assert_eq!(world.send(put, &tokens.access, body.into()).await.0, 200);
        let mut said = vec![world.get("/api/v1/vault", &tokens.access).await.1];
        said.extend(everything(&world).await);
        let mut secrets = material(&world).await;
        assert!(secrets.len() > world.stack.template.secrets.len() * 2, "canaries and what followed them");
        secrets.insert(IN_THE_VAULT.to_owned());
        for answer in &said {
            nowhere("an answer", &answer.to_string(), &secrets);
        }
        for table in ["core", "audit", "limits"] {
            let scan = json!({"TableName": format!("innkeeper-local-{table}")});
            let items = world.stack.dynamodb.run("Scan", scan).unwrap();
            nowhere(table, &items.to_string(), &secrets);
        }
        let events = world.stack.events.events();
        assert!(!events.is_empty());
        nowhere("the events", &serde_json::to_string(&events).unwrap(), &secrets);
        nowhere("the mails", &serde_json::to_string(&world.stack.mailbox.mails()).unwrap(), &secrets);
        nowhere("the counters", &world.stack.gateway.counters().snapshot().to_string(), &secrets);
        println!(
            "{} texts of secrets, looked for in {} answers and everything that is kept",
            secrets.len(),
            said.len()
        );
        secrets
    });
    drop(runtime);
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("rotation_failed") && logged.contains("secret.rotated"), "the log was listened to");
    nowhere("the log", &logged, &secrets);
}
