//! A local stack in memory with one tenant in it, provisioned and with its owner signed in.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt;
use local::{
    front::Front,
    stack::{LocalStack, Options},
};
use serde_json::{Value, json};

use crate::Failure;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const ADMIN: &str = "admin@demo.example";
pub(crate) const PASSWORD: &str = "correct horse battery staple, measured";

/// The stack, its tenant, and what opens its doors.
pub(crate) struct World {
    pub(crate) stack: LocalStack,
    pub(crate) status_path: String,
    pub(crate) status_token: String,
    pub(crate) access_token: String,
}

impl World {
    pub(crate) async fn open() -> Result<Self, Failure> {
        let mut options = Options::memory("https://api.example.com");
        // Counted as in production, and never refused.
        let generous = ["StatusesPerMinute", "CallerCallsPer15Minutes", "ClientCallsPer15Minutes"];
        options.parameters.extend(generous.map(|name| (name.to_owned(), "1000000".to_owned())));
        Self::of(options).await
    }

    /// On a stack of these.
    pub(crate) async fn of(options: Options) -> Result<Self, Failure> {
        let stack = LocalStack::open(options).await?;
        let front = stack.front();
        // Its plan pays for more calls than are made here.
        let mut owner = signup("demo");
        owner["plan"] = json!("enterprise");
        let accepted = post(&front, "/api/v1/tenants", &owner).await?;
        let (status_path, status_token) = (text(&accepted, "status_url"), text(&accepted, "status_token"));
        ready(&front, &status_path, &status_token).await?;
        let token = activation_token(&stack).await?;
        post(&front, "/api/v1/auth/activate", &json!({"token": token, "password": PASSWORD})).await?;
        let login = json!({"email": ADMIN, "password": PASSWORD});
        let login = post(&front, "/api/v1/auth/login", &login).await?;
        let access_token = text(&login, "access_token");
        Ok(Self { stack, status_path, status_token, access_token })
    }

    /// The tenant's id, which its status path has.
    pub(crate) fn tenant_id(&self) -> &str {
        self.status_path.split('/').nth(4).unwrap_or_default()
    }

    /// The environment that the template gives to a function, and what Lambda adds.
    pub(crate) fn variables(&self, function: &str) -> BTreeMap<String, String> {
        let spec = self.stack.template.functions.iter().find(|spec| spec.binary == function);
        let mut variables = spec.map(|spec| spec.env.clone()).unwrap_or_default();
        let lambdas = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "ASIABENCHBENCHBENCH0"),
            ("AWS_SECRET_ACCESS_KEY", "no secret, the endpoint checks no signature"),
            ("AWS_SESSION_TOKEN", "a session token of some length, as Lambda's are much longer than this one is here"),
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[1]bench"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ];
        variables.extend(lambdas.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables
    }
}

/// A signup that nobody else has sent.
pub(crate) fn signup(name: &str) -> Value {
    json!({
        "company_name": format!("Demo ISP {name}"), "subdomain": name, "admin_name": "Demo Admin",
        "admin_email": format!("admin@{name}.example"), "plan": "starter", "region": "us-east-1",
    })
}

/// Asks until the tenant is READY.
pub(crate) async fn ready(front: &Front, path: &str, token: &str) -> Result<(), Failure> {
    loop {
        let status = get(front, path, token).await?;
        match status["status"].as_str() {
            Some("READY") => return Ok(()),
            Some("FAILED") => return Err(format!("the tenant failed: {}", status["error"]).into()),
            _ => tokio::task::yield_now().await,
        }
    }
}

pub(crate) async fn get(front: &Front, path: &str, token: &str) -> Result<Value, Failure> {
    let request = Request::builder().method(Method::GET).uri(path).header("authorization", format!("Bearer {token}"));
    send(front, request.body(Bytes::new())?).await
}

pub(crate) async fn post(front: &Front, path: &str, body: &Value) -> Result<Value, Failure> {
    let request = Request::builder().method(Method::POST).uri(path).header("content-type", "application/json");
    send(front, request.body(Bytes::from(body.to_string()))?).await
}

pub(crate) async fn put(front: &Front, path: &str, token: &str, body: &Value) -> Result<Value, Failure> {
    let request = Request::builder().method(Method::PUT).uri(path).header("authorization", format!("Bearer {token}"));
    send(front, request.header("content-type", "application/json").body(Bytes::from(body.to_string()))?).await
}

async fn send(front: &Front, request: Request<Bytes>) -> Result<Value, Failure> {
    let what = format!("{} {}", request.method(), request.uri());
    let (parts, body) = front.handle(request, PEER).await.into_parts();
    let body = body.collect().await?.to_bytes();
    match parts.status.is_success() {
        true => Ok(serde_json::from_slice(&body)?),
        false => Err(format!("{what}: {} {}", parts.status, String::from_utf8_lossy(&body)).into()),
    }
}

async fn activation_token(stack: &LocalStack) -> Result<String, Failure> {
    // READY comes a step before the welcome mail.
    loop {
        if let Some(mail) = stack.mailbox.mails().first() {
            let token = mail.text.split("token=").nth(1).and_then(|rest| rest.split_whitespace().next());
            return Ok(token.ok_or("the welcome mail holds no link")?.to_owned());
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_default().to_owned()
}
