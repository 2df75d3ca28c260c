//! A stack in memory, and calls to its front.

#![allow(dead_code, reason = "shared by tests that each use a part")]

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, request::Builder};
use http_body_util::BodyExt;
use local::{
    front::Front,
    stack::{LocalStack, Options},
};
use serde_json::{Value, json};

/// Long, in no list, and without anybody's name.
pub(crate) const PASSWORD: &str = "seven purple lanterns, drifting";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Api {
    pub(crate) stack: LocalStack,
    front: Front,
}

pub(crate) struct Answer {
    pub(crate) call: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A tenant as its customer knows it.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) status_token: String,
}

impl Api {
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With values for some of the template's parameters.
    pub(crate) async fn with(parameters: &[(&str, &str)]) -> Self {
        let mut options = Options::memory("http://127.0.0.1:0");
        options.parameters.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self::of(options).await
    }

    /// For tests whose one client asks more often than it may.
    pub(crate) async fn unlimited() -> Self {
        Self::of(Options::memory("http://127.0.0.1:0").unlimited()).await
    }

    async fn of(options: Options) -> Self {
        let stack = LocalStack::open(options).await.unwrap();
        let front = stack.front();
        Self { stack, front }
    }

    pub(crate) async fn send(&self, request: Builder, body: impl Into<Bytes>) -> Answer {
        self.send_from(PEER, request, body).await
    }

    pub(crate) async fn send_from(&self, peer: IpAddr, request: Builder, body: impl Into<Bytes>) -> Answer {
        let mut request = request.body(body.into()).unwrap();
        // HTTP/1.1 has no request without one.
        request.headers_mut().entry("host").or_insert(http::HeaderValue::from_static("127.0.0.1"));
        let call = format!("{} {}", request.method(), request.uri().path());
        let (parts, body) = self.front.handle(request, peer).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { call, status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(authorized(Request::get(path), token), "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Request::post(path).header("content-type", "application/json"), body.to_string()).await
    }

    pub(crate) async fn sign_up(&self, name: &str) -> Tenant {
        self.sign_up_as(name, &signup(name)).await
    }

    /// With another body than [`signup`]'s.
    pub(crate) async fn sign_up_as(&self, name: &str, body: &Value) -> Tenant {
        let accepted = self.post("/api/v1/tenants", body).await.expect(202);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let tenant = Tenant {
            id: text(&accepted["tenant_id"]),
            status_token: text(&accepted["status_token"]),
            email: format!("ada@{name}.example"),
        };
        self.until("READY", async || self.stack.is_ready(&tenant.id).then_some(())).await;
        tenant
    }

    /// Sets the owner's first password.
    pub(crate) async fn activate(&self, tenant: &Tenant) {
        let mailed = async || self.stack.mailbox.mails().into_iter().find(|mail| mail.to.contains(&tenant.email));
        let mail = self.until("the welcome mail", mailed).await;
        let token = mail.text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        self.post("/api/v1/auth/activate", &json!({"token": token, "password": PASSWORD})).await.expect(200);
    }

    /// A new session's access token.
    pub(crate) async fn log_in(&self, tenant: &Tenant) -> String {
        let login = self.post("/api/v1/auth/login", &json!({"email": tenant.email, "password": PASSWORD})).await;
        login.expect(200)["access_token"].as_str().unwrap().to_owned()
    }

    /// Every item of a table, past IAM.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        let found = self.stack.dynamodb.run("Scan", json!({"TableName": format!("innkeeper-local-{table}")})).unwrap();
        found["Items"].as_array().unwrap().clone()
    }

    /// Looks until there is something to see.
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
        assert_eq!(problem["code"], code, "{}", self.call);
        problem
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The body of a signup that is accepted.
pub(crate) fn signup(name: &str) -> Value {
    json!({
        "company_name": "Lantern Works", "subdomain": name, "admin_name": "Ada Admin",
        "admin_email": format!("ada@{name}.example"), "plan": "starter", "region": "us-east-1",
    })
}

/// No token, no header.
pub(crate) fn authorized(request: Builder, token: &str) -> Builder {
    if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) }
}
