//! A small HTTP client: JSON to the stack and back.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as Legacy, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// What did not go as it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No answer.
    #[error("the stack does not answer")]
    Transport(#[from] hyper_util::client::legacy::Error),
    /// Not what was hoped for.
    #[error("{what}: {answer:#}")]
    Unexpected {
        /// What happened instead.
        what: String,
        /// The stack's words.
        answer: Value,
    },
    /// Too many calls for one client.
    #[error(
        "the stack that runs here limits its clients' rates: {0}. `cargo run -- --no-limits` starts one that does not; where \
         none runs, the demo starts its own"
    )]
    Limited(String),
    /// Anything else.
    #[error("{0}")]
    Broken(String),
}

/// Calls one stack.
pub(crate) struct Client {
    url: String,
    http: Legacy<HttpConnector, Full<Bytes>>,
}

/// A JSON answer.
pub(crate) struct Answered {
    call: String,
    status: u16,
    retry_after: Option<u64>,
    body: Value,
}

impl Answered {
    /// For how long the stack wants to hear no more of this, if it refused the call as one too many.
    pub(crate) fn refused_for(&self) -> Option<Duration> {
        (self.status == 429).then(|| Duration::from_secs(self.retry_after.unwrap_or(1)))
    }

    /// The body, if the status is this one.
    pub(crate) fn expect(self, status: u16) -> Result<Value, Failure> {
        if self.status == status {
            return Ok(self.body);
        }
        if let Some(time) = self.refused_for() {
            return Err(Failure::Limited(format!("{} is refused for {} s", self.call, time.as_secs())));
        }
        Err(Failure::Unexpected {
            what: format!("{} answered {} instead of {status}", self.call, self.status),
            answer: self.body,
        })
    }
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), http: Legacy::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Result<Answered, Failure> {
        self.send(Method::GET, path, token, Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answered, Failure> {
        self.send(Method::POST, path, None, body.to_string().into()).await
    }

    /// Without a body, by somebody.
    pub(crate) async fn order(&self, path: &str, token: &str) -> Result<Answered, Failure> {
        self.send(Method::POST, path, Some(token), Bytes::new()).await
    }

    async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Bytes) -> Result<Answered, Failure> {
        let call = format!("{method} {path}");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(body)).map_err(|e| Failure::Broken(e.to_string()))?;
        let (parts, body) = self.http.request(request).await?.into_parts();
        let retry_after = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = body.collect().await.map_err(|e| Failure::Broken(e.to_string()))?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answered { call, status: parts.status.as_u16(), retry_after, body })
    }
}

/// Whether an Innkeeper answers there.
pub async fn is_served(url: &str) -> bool {
    let answer = Client::new(url).get("/healthz", None).await;
    answer.is_ok_and(|answer| answer.status == 200)
}

#[expect(clippy::disallowed_methods, reason = "the demo is a client: it looks again after a while, as clients do")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
