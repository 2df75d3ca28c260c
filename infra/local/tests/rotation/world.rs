//! A stack whose time stands still until it is moved, a tenant whose owner has a password, and a look into the secrets.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use local::{
    aws::InvokeError,
    clock::StackClock,
    front::Front,
    stack::{LocalStack, Options},
};
use secrecy::SecretString;
use secrets::{KeyRing, Purpose, SigningKeys};
use serde_json::{Value, json};

pub(crate) const SIGNING: &str = "innkeeper/local/signing-keys";
pub(crate) const REFRESH: &str = "innkeeper/local/refresh-keys";
pub(crate) const DATA: &str = "innkeeper/local/data-keys";
const EMAIL: &str = "ada@lanterns.example";
const PASSWORD: &str = "seven purple lanterns, drifting";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const PATIENCE: Duration = Duration::from_secs(60);

/// Each is another function, with a copy of the keys of its own.
const DOORS: [&str; 3] = ["/api/v1/auth/whoami", "/api/v1/auth/sessions", "/api/v1/vault"];

pub(crate) struct World {
    pub(crate) stack: LocalStack,
    front: Front,
    turn: AtomicUsize,
}

/// What a sign-in or a refresh hands out.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// `rotate-{…}` for `innkeeper/local/{…}`.
pub(crate) fn function_of(secret: &str) -> String {
    format!("rotate-{}", secret.rsplit('/').next().unwrap())
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::on(None, "2026-03-01T09:00:00Z".parse().unwrap()).await
    }

    /// A process on that folder, at that time.
    pub(crate) async fn on(data: Option<&Path>, now: Timestamp) -> Self {
        let mut options = Options::memory("http://127.0.0.1:0");
        options.clock = StackClock::frozen(now);
        options.data = data.map(Path::to_owned);
        let stack = LocalStack::open(options).await.unwrap();
        let front = stack.front();
        Self { stack, front, turn: AtomicUsize::new(0) }
    }

    /// With an owner of a READY tenant, signed in.
    pub(crate) async fn inhabited() -> (Self, Tokens) {
        let world = Self::open().await;
        let tokens = world.inhabit().await;
        (world, tokens)
    }

    /// The owner moves in, and signs in.
    pub(crate) async fn inhabit(&self) -> Tokens {
        let world = self;
        let signup = json!({
            "company_name": "Lantern Works", "subdomain": "lanterns", "admin_name": "Ada Admin",
            "admin_email": EMAIL, "plan": "starter", "region": "us-east-1",
        });
        assert_eq!(world.post("/api/v1/tenants", "", &signup).await.0, 202);
        let mailed = async || world.stack.mailbox.mails().into_iter().find(|mail| mail.text.contains("token="));
        let mail = world.until("the welcome mail", mailed).await;
        let token = mail.text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
        let chosen = json!({"token": token, "password": PASSWORD});
        assert_eq!(world.post("/api/v1/auth/activate", "", &chosen).await.0, 200);
        world.log_in().await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.stack.clock.now()
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.stack.clock.advance(by);
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request, token, body.into()).await
    }

    pub(crate) async fn put(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = Request::put(path).header("content-type", "application/json");
        self.send(request, token, body.to_string().into()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.send(Request::get(path), token, Bytes::new()).await
    }

    /// An operational call with that secret; the answer, and whether it was let in.
    pub(crate) async fn health(&self, secret: Option<&str>) -> (u16, Value) {
        let mut request = Request::get("/health/details");
        if let Some(secret) = secret {
            request = request.header("x-internal-secret", secret);
        }
        self.send(request, "", Bytes::new()).await
    }

    pub(crate) async fn send(&self, request: http::request::Builder, token: &str, body: Bytes) -> (u16, Value) {
        let request = match token {
            "" => request,
            token => request.header("authorization", format!("Bearer {token}")),
        };
        let (parts, body) = self.front.handle(request.body(body).unwrap(), PEER).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(crate) async fn log_in(&self) -> Tokens {
        let (status, answer) = self.try_log_in().await;
        assert_eq!(status, 200, "{answer}");
        Tokens::of(&answer)
    }

    pub(crate) async fn try_log_in(&self) -> (u16, Value) {
        self.post("/api/v1/auth/login", "", &json!({"email": EMAIL, "password": PASSWORD})).await
    }

    pub(crate) async fn refresh(&self, tokens: &Tokens) -> Tokens {
        let (status, answer) = self.post("/api/v1/auth/refresh", "", &json!({"refresh_token": tokens.refresh})).await;
        assert_eq!(status, 200, "{answer}");
        Tokens::of(&answer)
    }

    /// Whether the doors accept the token: those of several functions agree.
    pub(crate) async fn accepts(&self, token: &str) -> bool {
        let mut answers = Vec::new();
        for path in DOORS {
            answers.push(self.lets_in(path, token).await);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        answers[0]
    }

    /// The same of one door, another one each time.
    pub(crate) async fn accepts_somewhere(&self, token: &str) -> bool {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.lets_in(DOORS[turn % DOORS.len()], token).await
    }

    async fn lets_in(&self, path: &str, token: &str) -> bool {
        let (status, body) = self.get(path, token).await;
        assert!([200, 401].contains(&status), "{path}: {status} {body}");
        status == 200
    }

    /// The key ids that anybody can read.
    pub(crate) async fn jwks(&self) -> BTreeSet<String> {
        let (status, answer) = self.get("/.well-known/jwks.json", "").await;
        assert_eq!(status, 200);
        answer["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn describe(&self, secret: &str) -> Value {
        self.stack.secrets.run("DescribeSecret", json!({"SecretId": secret})).await.unwrap()
    }

    /// The version that has the label.
    pub(crate) async fn labelled(&self, secret: &str, stage: &str) -> Option<String> {
        let described = self.describe(secret).await;
        let versions = described["VersionIdsToStages"].as_object().unwrap();
        let has = |stages: &Value| stages.as_array().unwrap().iter().any(|known| known == stage);
        versions.iter().find(|(_, stages)| has(stages)).map(|(id, _)| id.clone())
    }

    /// The current ring, read as every function reads it.
    pub(crate) async fn ring<P: Purpose>(&self, secret: &str) -> KeyRing<P> {
        let value = self.stack.secrets.run("GetSecretValue", json!({"SecretId": secret})).await.unwrap();
        KeyRing::parse(secret, &SecretString::from(value["SecretString"].as_str().unwrap())).unwrap()
    }

    /// How many keys the secret holds; each of them is whole, and one is in use.
    pub(crate) async fn keys(&self, secret: &str) -> usize {
        // What a ring is for decides only how its first key is derived.
        let ring = self.ring::<SigningKeys>(secret).await;
        assert!(ring.active(self.now()).is_ok());
        ring.all().len()
    }

    pub(crate) async fn emergency(&self, kid: &str) -> Result<Value, InvokeError> {
        self.stack.invoke("rotate-signing-keys", json!({"emergency": {"retire_kid": kid}})).await
    }

    pub(crate) async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let looking = async {
            let mut pace = tokio::time::interval(Duration::from_millis(5));
            loop {
                pace.tick().await;
                if let Some(seen) = look().await {
                    return seen;
                }
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }
}

impl Tokens {
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }

    /// What the access token names its key by.
    pub(crate) fn kid(&self) -> String {
        jsonwebtoken::decode_header(&self.access).unwrap().kid.unwrap()
    }
}
