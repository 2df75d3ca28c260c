//! A deployer: somebody else's server, which outlives our processes. It is asked by a signed webhook over a socket, and
//! answers through the API Gateway of the stack.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, Weak},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use jiff::SignedDuration;
use local::stack::LocalStack;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    harness::{Holds, holds},
    provisioning::PEER,
};

/// How a deployer goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Deploys and says so at once.
    AtOnce,
    /// Says so twice.
    Twice,
    /// Takes nine minutes, with a heartbeat every hundred seconds.
    Heartbeats,
    /// Takes longer than ten minutes, with heartbeats.
    Forever,
    /// Says that it cannot.
    Fails,
    /// Says that it cannot, with a new secret: it is replaced after the first heartbeat.
    Replaces,
    /// Says that it is done, after it has said more than anybody takes.
    Wordy,
    /// Takes the order and is never heard of again.
    Silent,
    /// Does not even answer the webhook.
    Deaf,
    /// Turns the webhook down.
    Refuses,
    /// Asks to come back later, for ever.
    Busy,
    /// Answers with a signature that is not ours; then is silent.
    WrongSignature,
}

/// The server, and what it has seen.
#[derive(Clone)]
pub struct Deployer {
    manner: Manner,
    seen: Arc<Mutex<Seen>>,
    stack: Arc<Mutex<Weak<LocalStack>>>,
}

/// What a deployer has seen and done.
#[derive(Default)]
struct Seen {
    webhooks: Vec<Webhook>,
    /// The stacks that are there, by tenant and attempt: the work for one `webhook-id` is done once.
    stacks: BTreeMap<String, Value>,
    answers: Vec<StatusCode>,
    complaints: Vec<String>,
}

/// A webhook as it came.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// `webhook-id`.
    pub id: String,
    /// The body.
    pub message: Value,
}

impl Deployer {
    pub fn new(manner: Manner) -> Self {
        Self { manner, seen: Arc::default(), stack: Arc::new(Mutex::new(Weak::new())) }
    }

    /// Listens, in the present runtime; returns its address.
    pub async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(received)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// Answers go to this stack from now on.
    pub fn works_for(&self, stack: &Arc<LocalStack>) {
        *self.stack.lock().unwrap() = Arc::downgrade(stack);
    }

    /// Every webhook so far.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.seen.lock().unwrap().webhooks.clone()
    }

    /// What the API said to its answers.
    pub fn answers(&self) -> Vec<StatusCode> {
        self.seen.lock().unwrap().answers.clone()
    }

    /// The tenant's stack of this attempt is there, and no other; every webhook was signed.
    pub fn has_deployed(&self, tenant: &str, attempt: u32) -> Holds {
        self.stacks(&[format!("{tenant}-{attempt}")])
    }

    /// No stack of the tenant is there.
    pub fn has_nothing(&self, _tenant: &str, _attempt: u32) -> Holds {
        self.stacks(&[])
    }

    fn stacks(&self, expected: &[String]) -> Holds {
        let seen = self.seen.lock().unwrap();
        let there: Vec<&String> = seen.stacks.keys().collect();
        holds(there.iter().copied().eq(expected), || format!("stacks: {there:?}, expected {expected:?}"))?;
        holds(seen.complaints.is_empty(), || seen.complaints.join("; "))
    }

    fn stack(&self) -> Option<Arc<LocalStack>> {
        self.stack.lock().unwrap().upgrade()
    }

    fn complain(&self, why: impl Into<String>) {
        self.seen.lock().unwrap().complaints.push(why.into());
    }

    /// Does what is asked, once for each tenant and attempt.
    fn work(&self, message: &Value) {
        let name = format!("{}-{}", message["tenant_id"].as_str().unwrap(), message["attempt"]);
        let mut seen = self.seen.lock().unwrap();
        match message["action"].as_str() {
            Some("remove") => drop(seen.stacks.remove(&name)),
            _ => drop(seen.stacks.insert(name, message.clone())),
        }
    }

    /// Says how a deployment stands; what the API said to that is kept.
    async fn answer(&self, stack: &LocalStack, message: &Value, outcome: &str, secret: &str) {
        self.explain(stack, message, outcome, "there is no room in the region", secret).await;
    }

    async fn explain(&self, stack: &LocalStack, message: &Value, outcome: &str, detail: &str, secret: &str) {
        let body = json!({
            "task_token": message["task_token"], "outcome": outcome,
            "detail": detail, "retryable": outcome == "failed",
        })
        .to_string();
        let at = stack.clock.now().as_second().to_string();
        let path = message["callback_url"].as_str().unwrap();
        let path = path.split_once("/api/").unwrap().1;
        let request = http::Request::post(format!("/api/{path}"))
            .header("content-type", "application/json")
            .header("webhook-id", format!("answer-{outcome}"))
            .header("webhook-signature", sign(secret, &format!("answer-{outcome}"), &at, body.as_bytes()))
            .header("webhook-timestamp", at)
            .body(body.into())
            .unwrap();
        let status = stack.front().handle(request, PEER).await.status();
        self.seen.lock().unwrap().answers.push(status);
    }

    async fn deploy(self, message: Value) {
        let Some(stack) = self.stack() else { return };
        let secret = secret(&stack).await;
        let wait =
            async |seconds: i64| stack.clock.wait_until(stack.clock.now() + SignedDuration::from_secs(seconds)).await;
        let beats = match self.manner {
            Manner::Heartbeats => 5,
            Manner::Forever => 100,
            _ => 0,
        };
        for _ in 0..beats {
            wait(100).await;
            self.answer(&stack, &message, "in_progress", &secret).await;
        }
        match self.manner {
            Manner::AtOnce | Manner::Heartbeats | Manner::Forever => {
                self.answer(&stack, &message, "succeeded", &secret).await;
            }
            Manner::Twice => {
                self.answer(&stack, &message, "succeeded", &secret).await;
                self.answer(&stack, &message, "succeeded", &secret).await;
            }
            Manner::Fails => self.answer(&stack, &message, "failed", &secret).await,
            Manner::Replaces => {
                self.answer(&stack, &message, "in_progress", &secret).await;
                let another = replace_secret(&stack).await;
                // Nobody makes us read a secret more often than that.
                wait(10).await;
                self.answer(&stack, &message, "failed", &another).await;
            }
            Manner::Wordy => {
                self.explain(&stack, &message, "failed", &"x".repeat(301), &secret).await;
                self.explain(&stack, &message, "failed", "one line\nand another", &secret).await;
                self.explain(&stack, &message, "succeeded", &"x".repeat(300), &secret).await;
            }
            Manner::WrongSignature => self.answer(&stack, &message, "succeeded", "another secret").await,
            Manner::Silent | Manner::Deaf | Manner::Refuses | Manner::Busy => {}
        }
    }
}

async fn received(State(deployer): State<Deployer>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Some(stack) = deployer.stack() else { return StatusCode::SERVICE_UNAVAILABLE };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    if header("webhook-signature") != sign(&secret(&stack).await, id, at, &body) {
        // Once for a secret that is replaced: it is told, and signs with the new one.
        if deployer.manner != Manner::Replaces {
            deployer.complain(format!("the signature of {id} does not hold"));
        }
        return StatusCode::UNAUTHORIZED;
    }
    if (stack.clock.now().as_second() - at.parse::<i64>().unwrap()).abs() > 300 {
        deployer.complain(format!("{id} is of another time: {at}"));
    }
    let message: Value = serde_json::from_slice(&body).unwrap();
    deployer.seen.lock().unwrap().webhooks.push(Webhook { id: id.to_owned(), message: message.clone() });
    match deployer.manner {
        Manner::Deaf => std::future::pending().await,
        Manner::Refuses => return StatusCode::UNPROCESSABLE_ENTITY,
        Manner::Busy => return StatusCode::SERVICE_UNAVAILABLE,
        _ => deployer.work(&message),
    }
    if message["action"] == "deploy" {
        tokio::spawn(deployer.deploy(message));
    }
    StatusCode::ACCEPTED
}

/// Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`.
fn sign(secret: &str, id: &str, at: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn replace_secret(stack: &LocalStack) -> String {
    let another = "kN3v8wQz5Xb2Rt7Yp4Lm9Jc6Hd1Gf0SaUeIoTnMxBvCq";
    let put = json!({"SecretId": "innkeeper/local/deployer-webhook", "SecretString": another});
    stack.secrets.run("PutSecretValue", put).await.unwrap();
    another.to_owned()
}

async fn secret(stack: &LocalStack) -> String {
    let get = json!({"SecretId": "innkeeper/local/deployer-webhook"});
    stack.secrets.run("GetSecretValue", get).await.unwrap()["SecretString"].as_str().unwrap().to_owned()
}
