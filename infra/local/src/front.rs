//! The HTTP front: what API Gateway's HTTP API does between a client and a function.
//!
//! A request becomes a payload v2 event, goes to the function that its route names, and the answer becomes a response. No
//! more than API Gateway adds is added: the functions set their own headers.

mod cors;
mod event;
mod response;
mod routes;

pub use routes::{Match, Routes};

use crate::template::{ApiSpec, Stack};
use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
};
use base64::Engine;
use bytes::Bytes;
use domain::{Clock, Entropy};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// API Gateway's limits for HTTP APIs: 10 MB of payload, 10 240 bytes of request line and headers.
const PAYLOAD_LIMIT: usize = 10 * 1024 * 1024;
const HEADER_LIMIT: usize = 10_240;

/// Runs a function of the stack on one event.
pub trait Target: Send + Sync {
    /// `function` is the logical id in the template.
    fn call(
        &self,
        function: &str,
        event: ApiGatewayV2httpRequest,
    ) -> BoxFuture<'_, Result<ApiGatewayV2httpResponse, FunctionFault>>;
}

/// Why a function gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FunctionFault {
    /// It failed, crashed, or answered what API Gateway cannot read.
    #[error("the function failed: {0}")]
    Failed(String),
    /// It was still running at its timeout.
    #[error("the function ran into its timeout")]
    TimedOut,
}

/// Everything the front needs to answer a request.
#[derive(Clone)]
pub struct Front {
    inner: Arc<Inner>,
}

struct Inner {
    routes: Routes,
    api: Option<ApiSpec>,
    target: Arc<dyn Target>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Front {
    /// Serves the routes of `stack` by `target`.
    pub fn new(stack: &Stack, target: Arc<dyn Target>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let inner = Inner { routes: Routes::new(stack), api: stack.api.clone(), target, clock, entropy };
        Self { inner: Arc::new(inner) }
    }

    /// `extra` first (the local-only routes), everything else as API Gateway would answer it. Serve it with
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    pub fn router(self, extra: Router) -> Router {
        extra.merge(Router::new().fallback(over_http).with_state(self))
    }

    /// Answers one request, without a socket.
    pub async fn handle(&self, request: http::Request<Bytes>, peer: IpAddr) -> Response<Full<Bytes>> {
        let request_id = request_id(self.inner.entropy.as_ref());
        let (parts, body) = request.into_parts();
        let origin = parts.headers.get(http::header::ORIGIN).cloned();
        let mut answer = self.inner.answer(&parts, body, peer, &request_id).await;
        if let Some(cors) = self.inner.cors() {
            cors::apply(cors, origin.as_ref(), answer.headers_mut());
        }
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().insert("apigw-requestid", id);
        }
        answer
    }
}

impl Inner {
    fn cors(&self) -> Option<&crate::template::CorsSpec> {
        self.api.as_ref()?.cors.as_ref()
    }

    async fn answer(
        &self,
        parts: &http::request::Parts,
        body: Bytes,
        peer: IpAddr,
        request_id: &str,
    ) -> Response<Full<Bytes>> {
        if header_size(parts) > HEADER_LIMIT {
            return message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
        }
        if body.len() > PAYLOAD_LIMIT {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        if let Some(cors) = self.cors()
            && parts.method == Method::OPTIONS
            && parts.headers.contains_key(http::header::ORIGIN)
        {
            return cors::preflight(cors);
        }
        let Some(matched) = self.routes.find(&parts.method, parts.uri.path()) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let call = event::Call { peer, request_id, now: self.clock.now(), api: self.api.as_ref(), matched: &matched };
        match self.target.call(matched.function, event::from_http(parts, &body, &call)).await {
            Ok(answer) => response::to_http(answer).unwrap_or_else(|| self.failed("the answer is not HTTP")),
            Err(FunctionFault::TimedOut) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Err(fault) => self.failed(&fault.to_string()),
        }
    }

    fn failed(&self, why: &str) -> Response<Full<Bytes>> {
        tracing::error!(why, "no answer from the function");
        message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
}

async fn over_http(
    State(front): State<Front>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    match Limited::new(body, PAYLOAD_LIMIT).collect().await {
        Ok(body) => front.handle(http::Request::from_parts(parts, body.to_bytes()), peer.ip()).await,
        Err(e) if e.is::<LengthLimitError>() => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        Err(_) => message(StatusCode::BAD_REQUEST, "Bad Request"),
    }
}

fn header_size(parts: &http::request::Parts) -> usize {
    let line = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    line + sum(&parts.headers)
}

fn sum(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// What API Gateway says itself is always this one field.
fn message(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(serde_json::json!({ "message": text }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Sixteen characters of base64 with a `=` at the end, as an HTTP API draws them.
fn request_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 11];
    entropy.fill(&mut bytes);
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests;
