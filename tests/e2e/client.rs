//! A small HTTP client, and what the tests read from an answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

use crate::server::Server;

/// A tenant takes a second; half a minute says that something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// One server and a connection to it.
pub(crate) struct Api {
    server: Arc<Server>,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// A call that is not sent yet.
pub(crate) struct Call<'a> {
    api: &'a Api,
    request: http::request::Builder,
    body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) call: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Api {
    /// The server that the tests share.
    pub(crate) fn new() -> Self {
        Self::of(Server::shared())
    }

    pub(crate) fn of(server: Arc<Server>) -> Self {
        Self { server, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.server.url
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.server.url));
        Call { api: self, request, body: Bytes::new() }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// What is at an address that an answer named.
    pub(crate) async fn fetch(&self, url: &str) -> Answer {
        Call { api: self, request: Request::get(url), body: Bytes::new() }.send().await
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path).json(body)
    }
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let request = self.request.body(Full::new(self.body)).unwrap();
        let call = format!("{} {}", request.method(), request.uri().path());
        let (parts, body) = self.api.http.request(request).await.expect("the server answers").into_parts();
        let body = body.collect().await.expect("the answer is whole").to_bytes();
        Answer { call, status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Answer {
    /// The JSON body, if the status is this one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.call, self.text());
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    /// The problem document, if it is of this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{}: {}", self.call, self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.call);
        body
    }

    /// A header's value; empty where there is none, a panic where there are several.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let all: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(all.len() <= 1, "{}: {name} is sent {} times", self.call, all.len());
        all.first().map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or("(no text)")
    }
}

/// Looks until there is something to see, and panics where that takes too long.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut pace = tokio::time::interval(LOOK);
        loop {
            pace.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for: {what}"))
}

/// The value of `Location`'s kind: a path of the same server.
#[track_caller]
pub(crate) fn location(answer: &Answer) -> String {
    let location = answer.header(header::LOCATION.as_str());
    assert!(location.starts_with('/'), "{location}");
    location.to_owned()
}
