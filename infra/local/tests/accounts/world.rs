//! A stack in memory whose time stands still until it is moved, and people who call it, each from an address of their own.

#![allow(dead_code, reason = "shared by tests that each use a part")]

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use local::{
    aws::ses::Mail,
    clock::StackClock,
    front::Front,
    stack::{LocalStack, Options},
};
use serde_json::{Value, json};

/// Long, in no list, and without anybody's name.
pub(crate) const PASSWORD: &str = "seven purple lanterns, drifting";
pub(crate) const OTHER_PASSWORD: &str = "a quiet harbour under green rain";
const BOOTSTRAP: &str = "innkeeper/local/bootstrap-admin";
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) stack: LocalStack,
    front: Front,
    callers: AtomicU32,
}

/// Somebody at an address.
#[derive(Clone)]
pub(crate) struct Caller {
    ip: IpAddr,
    token: String,
}

pub(crate) struct Answer {
    call: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(parameters: &[(&str, &str)]) -> Self {
        let mut options = Options::memory("http://127.0.0.1:0");
        options.clock = StackClock::frozen("2026-03-01T09:00:00Z".parse().unwrap());
        options.parameters.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self::of(options).await
    }

    pub(crate) async fn of(options: Options) -> Self {
        let stack = LocalStack::open(options).await.unwrap();
        let front = stack.front();
        Self { stack, front, callers: AtomicU32::new(0) }
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.stack.clock.advance(by);
    }

    /// Somebody at an address that nobody has used yet.
    pub(crate) fn somebody(&self) -> Caller {
        let number = self.callers.fetch_add(1, Ordering::Relaxed);
        Caller { ip: IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + number)), token: String::new() }
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> Answer {
        self.send(caller, Request::get(path), Bytes::new()).await
    }

    pub(crate) async fn post(&self, caller: &Caller, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(caller, Request::post(path).header("content-type", "application/json"), body.into()).await
    }

    pub(crate) async fn patch(&self, caller: &Caller, path: &str, body: &Value) -> Answer {
        let request = Request::patch(path).header("content-type", "application/json");
        self.send(caller, request, body.to_string().into()).await
    }

    pub(crate) async fn put(&self, caller: &Caller, path: &str, body: &Value) -> Answer {
        let request = Request::put(path).header("content-type", "application/json");
        self.send(caller, request, body.to_string().into()).await
    }

    pub(crate) async fn delete(&self, caller: &Caller, path: &str) -> Answer {
        self.send(caller, Request::delete(path), Bytes::new()).await
    }

    /// A GET of who has the internal secret.
    pub(crate) async fn internal(&self, caller: &Caller, path: &str, secret: &str) -> Answer {
        self.send(caller, Request::get(path).header("x-internal-secret", secret), Bytes::new()).await
    }

    pub(crate) async fn send(&self, caller: &Caller, request: http::request::Builder, body: Bytes) -> Answer {
        let request = match caller.token.as_str() {
            "" => request,
            token => request.header("authorization", format!("Bearer {token}")),
        };
        let request = request.body(body).unwrap();
        let call = format!("{} {}", request.method(), request.uri().path());
        let (parts, body) = self.front.handle(request, caller.ip).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { call, status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn try_log_in(&self, caller: &Caller, email: &str, password: &str) -> Answer {
        self.post(caller, "/api/v1/auth/login", &json!({"email": email, "password": password})).await
    }

    /// The caller, signed in.
    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Caller {
        let caller = self.somebody();
        let token = self.try_log_in(&caller, email, password).await.expect(200)["access_token"].clone();
        caller.with(token.as_str().unwrap())
    }

    /// What the secret holds.
    pub(crate) async fn bootstrap(&self) -> (String, String) {
        let value = self.stack.secrets.run("GetSecretValue", json!({"SecretId": BOOTSTRAP})).await.unwrap();
        let value: Value = serde_json::from_str(value["SecretString"].as_str().unwrap()).unwrap();
        let text = |name: &str| value[name].as_str().unwrap().to_owned();
        (text("email"), text("password"))
    }

    pub(crate) async fn bootstrap_admin(&self) -> Caller {
        let (email, password) = self.bootstrap().await;
        self.log_in(&email, &password).await
    }

    /// Invited by the bootstrap admin, activated, not signed in.
    pub(crate) async fn platform_user(&self, inviter: &Caller, email: &str, role: &str) {
        let body = json!({"email": email, "name": "Grace Hopper", "role": role});
        self.post(inviter, "/api/v1/admin/platform-users", &body).await.expect(201);
        self.choose_password(email, PASSWORD).await.expect(200);
    }

    /// With the link of the newest mail.
    pub(crate) async fn choose_password(&self, email: &str, password: &str) -> Answer {
        let body = json!({"token": self.mailed_token(email).await, "password": password});
        self.post(&self.somebody(), "/api/v1/auth/activate", &body).await
    }

    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        let with_token = async || self.mails_to(email).into_iter().find(|mail| mail.text.contains("token="));
        let mail = self.until("a mail with a link", with_token).await;
        mail.text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    }

    /// Newest first.
    pub(crate) fn mails_to(&self, email: &str) -> Vec<Mail> {
        self.stack.mailbox.mails().into_iter().filter(|mail| mail.to == email).collect()
    }

    /// A READY tenant with an owner who has chosen `PASSWORD`; its id.
    pub(crate) async fn tenant(&self, name: &str) -> String {
        let signup = json!({
            "company_name": "Lantern Works", "subdomain": name, "admin_name": "Ada Admin",
            "admin_email": owner(name), "plan": "starter", "region": "us-east-1",
        });
        let accepted = self.post(&self.somebody(), "/api/v1/tenants", &signup).await.expect(202);
        self.choose_password(&owner(name), PASSWORD).await.expect(200);
        accepted["tenant_id"].as_str().unwrap().to_owned()
    }

    /// Every item of a table, past IAM.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        let found = self.stack.dynamodb.run("Scan", json!({"TableName": format!("innkeeper-local-{table}")})).unwrap();
        found["Items"].as_array().unwrap().clone()
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

pub(crate) fn owner(name: &str) -> String {
    format!("ada@{name}.example")
}

impl Caller {
    pub(crate) fn at(&self, ip: IpAddr) -> Self {
        Self { ip, ..self.clone() }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Which key the token is of.
    pub(crate) fn kid(&self) -> String {
        jsonwebtoken::decode_header(&self.token).unwrap().kid.unwrap()
    }

    pub(crate) fn with(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }
}

impl Answer {
    /// The JSON body, if the status is this one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.call, String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{}: {problem}", self.call);
        problem
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}
