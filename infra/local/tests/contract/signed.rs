//! R20: operational calls by a signature of their own (RFC 9421), and one that is taken in no other way.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use jiff::SignedDuration;
use local::aws::faults::Rule;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::{Answer, Api};

const ORDER: &str = "/api/v1/jobs/rotations";
const INTERNAL: &str = "innkeeper/local/internal-secret";

/// What is signed, and what is sent: the same, unless a test makes it another.
#[derive(Clone)]
struct Call {
    method: Method,
    path: &'static str,
    body: String,
    covered: Vec<&'static str>,
    created: i64,
    nonce: String,
    keyid: &'static str,
    secret: String,
    sent_path: Option<&'static str>,
    sent_body: Option<String>,
    sent_digest: Option<String>,
}

async fn secret(api: &Api) -> String {
    let value = api.stack.secrets.run("GetSecretValue", json!({"SecretId": INTERNAL})).await.unwrap();
    let value: Value = serde_json::from_str(value["SecretString"].as_str().unwrap()).unwrap();
    value["current"].as_str().unwrap().to_owned()
}

impl Call {
    async fn order(api: &Api, nonce: &str) -> Self {
        Self {
            method: Method::POST,
            path: ORDER,
            body: json!({"secret": "refresh-keys"}).to_string(),
            covered: vec!["@method", "@authority", "@path", "@query", "content-digest"],
            created: api.stack.clock.now().as_second(),
            nonce: format!("nonce-of-the-test-{nonce}"),
            keyid: "internal",
            secret: secret(api).await,
            sent_path: None,
            sent_body: None,
            sent_digest: None,
        }
    }

    async fn read(api: &Api, nonce: &str) -> Self {
        let covered = vec!["@method", "@authority", "@path", "@query"];
        let (method, path, body) = (Method::GET, "/api/v1/jobs/health", String::new());
        Self { method, path, body, covered, ..Self::order(api, nonce).await }
    }

    async fn send(&self, api: &Api) -> Answer {
        let digest = |body: &str| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)));
        let signed_digest = digest(&self.body);
        let quoted: Vec<String> = self.covered.iter().map(|name| format!("\"{name}\"")).collect();
        let Self { created, nonce, keyid, .. } = self;
        let input = format!("({});created={created};nonce=\"{nonce}\";keyid=\"{keyid}\"", quoted.join(" "));
        let mut base = String::new();
        for name in &self.covered {
            let value = match *name {
                "@method" => self.method.as_str(),
                "@authority" => "127.0.0.1",
                "@path" => self.path,
                "@query" => "?",
                _ => &signed_digest,
            };
            base.push_str(&format!("\"{name}\": {value}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {input}"));
        let tag = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap().chain_update(base).finalize();
        let body = self.sent_body.clone().unwrap_or_else(|| self.body.clone());
        let request = Request::builder().method(self.method.clone()).uri(self.sent_path.unwrap_or(self.path));
        let request = request
            .header("content-type", "application/json")
            .header("content-digest", self.sent_digest.clone().unwrap_or(signed_digest))
            .header("signature-input", format!("sig={input}"))
            .header("signature", format!("sig=:{}:", STANDARD.encode(tag.into_bytes())));
        api.send(request, body).await
    }
}

/// How many rotations were ordered.
fn orders(api: &Api) -> Vec<Value> {
    let mut entries = api.items("audit");
    entries.retain(|entry| entry["action"]["S"] == "secret.rotation_ordered");
    entries
}

#[tokio::test]
async fn r20_a_signed_order_is_carried_out_once() {
    let api = Api::open().await;
    let call = Call::order(&api, "first").await;
    let answer = call.send(&api).await.expect(202);
    assert_eq!(answer["name"], "innkeeper/local/refresh-keys");
    let again = call.send(&api).await.problem(403, "signature_refused");
    assert_eq!(again["detail"], "the nonce was used before");
    let orders = orders(&api);
    assert_eq!((orders.len(), &orders[0]["actor"]["S"]), (1, &json!("function:internal")));
    let unknown = Call { body: json!({"secret": "nothing"}).to_string(), ..Call::order(&api, "second").await };
    unknown.send(&api).await.problem(404, "not_found");
    let odd = Call { body: json!({"secret": "refresh-keys", "x": 1}).to_string(), ..Call::order(&api, "third").await };
    odd.send(&api).await.problem(422, "invalid_fields");
}

#[tokio::test]
async fn r20_what_is_altered_old_or_incomplete_is_refused_and_uses_up_no_nonce() {
    let api = Api::open().await;
    api.stack.clock.freeze();
    let good = Call::order(&api, "one").await;
    let other = json!({"secret": "signing-keys"}).to_string();
    let digest = |body: &str| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)));
    let without = |name: &str| good.covered.iter().copied().filter(|covered| *covered != name).collect::<Vec<_>>();
    let bad = [
        Call { sent_body: Some(other.clone()), ..good.clone() },
        Call { sent_body: Some(other.clone()), sent_digest: Some(digest(&other)), ..good.clone() },
        Call { path: "/api/v1/jobs/rotation", sent_path: Some(ORDER), ..good.clone() },
        Call { method: Method::POST, sent_path: Some("/api/v1/jobs/rotations?x=1"), ..good.clone() },
        Call { covered: without("@method"), ..good.clone() },
        Call { covered: without("@path"), ..good.clone() },
        Call { covered: without("content-digest"), ..good.clone() },
        Call { created: good.created - 301, ..good.clone() },
        Call { created: good.created + 301, ..good.clone() },
        Call { keyid: "another", ..good.clone() },
        Call { nonce: "short".into(), ..good.clone() },
        Call { secret: "x".repeat(64), ..good.clone() },
    ];
    for (number, call) in bad.iter().enumerate() {
        let before = api.stack.gateway.counters().snapshot();
        let answer = call.send(&api).await;
        let problem = answer.problem(403, "signature_refused");
        assert!(problem["detail"].is_string() && !problem.to_string().contains(&good.secret), "{number}");
        let used = api.stack.gateway.counters().snapshot().since(&before);
        let called = used.total(Some("admin-order-rotation"), Some("dynamodb"), None);
        assert_eq!(called.calls, 0, "{number}: what is not signed reaches no table");
    }
    assert!(orders(&api).is_empty());
    good.send(&api).await.expect(202);
}

#[tokio::test]
async fn r20_a_sensitive_call_takes_no_secret_and_other_operational_calls_take_both() {
    let api = Api::open().await;
    let secret = secret(&api).await;
    let with = |request: http::request::Builder| request.header("x-internal-secret", &secret);
    let request = with(Request::post(ORDER)).header("content-type", "application/json");
    api.send(request, json!({"secret": "refresh-keys"}).to_string()).await.problem(403, "signature_refused");
    assert!(orders(&api).is_empty());

    api.send(with(Request::get("/api/v1/jobs/health")), "").await.expect(200);
    let read = Call::read(&api, "read").await;
    read.send(&api).await.expect(200);
    read.send(&api).await.problem(403, "signature_refused");
    Call { path: "/health/details", ..Call::read(&api, "details").await }.send(&api).await.expect(200);
    // Where there is a signature it has to hold, whatever else is sent.
    let request = with(Request::get("/api/v1/jobs/health")).header("signature", "sig=:AAAA:");
    api.send(request, "").await.problem(403, "signature_refused");
}

#[tokio::test]
async fn r20_a_rotation_of_the_secret_refuses_nobody_who_signs() {
    let api = Api::open().await;
    let before = Call::read(&api, "before").await;
    before.send(&api).await.expect(200);
    api.stack.secrets.rotate(INTERNAL).await.unwrap();
    api.stack.clock.advance(SignedDuration::from_secs(11));
    let created = api.stack.clock.now().as_second();
    Call::read(&api, "after").await.send(&api).await.expect(200);
    let late = Call { nonce: "nonce-of-the-test-late".into(), created, ..before };
    late.send(&api).await.expect(200);
}

#[tokio::test]
async fn r20_where_nonces_cannot_be_kept_nobody_is_let_in() {
    let api = Api::open().await;
    let call = Call::order(&api, "down").await;
    let down = Rule::error(500, "InternalServerError").on("dynamodb", "PutItem").from("admin-order-rotation");
    api.stack.gateway.faults().add(down);
    call.send(&api).await.problem(503, "unavailable");
    assert!(orders(&api).is_empty());
    api.stack.gateway.faults().clear();
    call.send(&api).await.expect(202);
}
