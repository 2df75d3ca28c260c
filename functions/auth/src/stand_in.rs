//! AWS for the tests of this crate: a function from action and parameters to an answer, without a socket. It counts, and
//! it holds no state: what depends on conditions is tested on the local stack.

use std::sync::{Arc, Mutex};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion,
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use aws_types::{SdkConfig, region::Region};
use http::{Method, Response};
use lambda::{Env, Function, Running, http::HttpService};
use lambda_http::{Body, request};
use serde_json::{Value, json};
use testkit::{MockClock, SeededEntropy};
use tower::Service;

/// What a new stack's secret could start with; keys nothing but tests.
pub(crate) const MADE_UP: &str = "q3kZ7tYb2RmX9sLw4HcN8dPfG6jTuKyAeQ1oBrCvDnEhFiM5zSxUaWg";

type Rule = dyn Fn(&str, &Value) -> Value + Send + Sync;

/// Keeps what was asked for.
#[derive(Clone)]
pub(crate) struct StandIn {
    rule: Arc<Rule>,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl StandIn {
    /// Answers `rule(action, parameters)`.
    pub(crate) fn new(rule: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Self {
        Self { rule: Arc::new(rule), calls: Arc::default() }
    }

    /// The actions since this was last asked.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.calls().into_iter().map(|(action, _)| action).collect()
    }

    /// The calls since this was last asked.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn sdk(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys("AKIDTEST", "test", None)))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }

    /// What a function gets from the template, at 2026-01-01T00:00:00Z.
    pub(crate) fn env(&self) -> Env {
        let vars = [
            ("CORE_TABLE", "core"),
            ("AUDIT_TABLE", "audit"),
            ("TOKEN_ISSUER", "https://api.example.com"),
            ("TOKEN_AUDIENCE", "innkeeper-test"),
            ("SIGNING_KEYS_SECRET", "signing-keys"),
            ("REFRESH_KEYS_SECRET", "refresh-keys"),
            ("IDLE_TIMEOUT_MINUTES", "1440"),
            ("BOOTSTRAP_SECRET", "bootstrap-admin"),
            ("LIMITS_TABLE", "limits"),
            ("RATE_LIMITS", "on signup=3 status=20 caller=1000 client=100 auth=5 reset=3"),
            ("ALLOWED_ORIGINS", "https://app.example.com"),
        ];
        Env {
            vars: Arc::new(vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
            sdk: self.sdk(),
            http: Some(SharedHttpConnector::new(self.clone())),
            clock: Arc::new(MockClock::new()),
            entropy: Arc::new(SeededEntropy::new(1)),
        }
    }

    /// The function, started.
    pub(crate) async fn start(&self, function: &Function) -> HttpService {
        match function.start(self.env()).await.unwrap() {
            Running::Http(service) => service,
            Running::Event(_) => panic!("not an HTTP function"),
        }
    }
}

impl std::fmt::Debug for StandIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StandIn")
    }
}

impl HttpConnector for StandIn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let action = target.rsplit('.').next().unwrap().to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let answer = (self.rule)(&action, &body);
        self.calls.lock().unwrap().push((action, body));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), SdkBody::from(answer.to_string()))))
    }
}

/// A request as API Gateway hands it over.
pub(crate) async fn call(
    service: &mut HttpService,
    method: Method,
    path: &str,
    headers: Value,
    body: Option<Value>,
) -> Response<Body> {
    let mut headers = headers;
    headers["x-forwarded-proto"] = json!("https");
    if body.is_some() {
        headers["content-type"] = json!("application/json");
    }
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers, "isBase64Encoded": false,
        "body": body.map(|body| body.to_string()),
        "requestContext": {"requestId": "test-request-1", "timeEpoch": 0,
            "http": {"method": method.as_str(), "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
    });
    service.call(request::from_str(&event.to_string()).unwrap()).await.unwrap()
}

/// The answer's JSON.
pub(crate) fn json_of(response: &Response<Body>) -> Value {
    match response.body() {
        Body::Text(text) => serde_json::from_str(text).unwrap(),
        _ => panic!("not text"),
    }
}
