//! Secrets Manager for the tests of this crate: a function from action and parameters to an answer, without a socket.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use serde_json::{Value, json};

use crate::Secrets;

/// What is answered: a status and a body, or no answer at all.
pub(crate) type Answer = Option<(u16, Value)>;
type Rule = dyn Fn(&str, &Value) -> Answer + Send + Sync;

/// Keeps what was asked for, by action.
#[derive(Clone)]
pub(crate) struct StandIn {
    rule: Arc<Rule>,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl StandIn {
    pub(crate) fn new(rule: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> Self {
        Self { rule: Arc::new(rule), calls: Arc::default() }
    }

    pub(crate) fn actions(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|(action, _)| action.clone()).collect()
    }

    pub(crate) fn last(&self, action: &str) -> Value {
        let calls = self.calls.lock().unwrap();
        calls.iter().rev().find(|(made, _)| made == action).map(|(_, body)| body.clone()).unwrap()
    }

    pub(crate) fn secrets(&self) -> Secrets {
        let connector = SharedHttpConnector::new(self.clone());
        let config = SdkConfig::builder()
            .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys("AKID", "none", None)))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Secrets::new(&config)
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
        let action = target.trim_start_matches("secretsmanager.").to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.calls.lock().unwrap().push((action.clone(), body.clone()));
        let answer = (self.rule)(&action, &body);
        HttpConnectorFuture::new(async move {
            // As on a network, others get their turn before the answer is there.
            tokio::task::yield_now().await;
            let (status, body) = answer.ok_or_else(|| ConnectorError::io("unplugged".into()))?;
            Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string())))
        })
    }
}

pub(crate) fn refusal(code: &str) -> Answer {
    let status = if code == "InternalServiceError" { 500 } else { 400 };
    Some((status, json!({ "__type": code, "message": "…" })))
}

pub(crate) fn value(text: &str) -> Answer {
    Some((200, json!({ "ARN": "arn:s", "Name": "s", "VersionId": "v1", "SecretString": text })))
}
