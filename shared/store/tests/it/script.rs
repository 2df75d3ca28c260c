//! DynamoDB by a script, for what it does that the stand-in never does.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedAsyncSleep,
    http::{HttpRequest, HttpResponse},
    retry::RetryConfig,
};
use aws_smithy_async::{
    rt::sleep::{AsyncSleep, Sleep},
    time::{SharedTimeSource, StaticTimeSource},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use domain::Subdomain;
use serde_json::{Value, json};
use store::{Availability, Store, StoreError, Tables};

use crate::stand_in::NOW;

pub(crate) const THROTTLED: &str =
    r#"{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow down"}"#;

/// How a call ends.
pub(crate) enum End {
    Answer(u16, String),
    /// Connected, and never heard of again.
    Silence,
    Lost,
}

/// DynamoDB by the script; what it was asked is kept.
#[derive(Clone)]
pub(crate) struct Script {
    ends: Arc<Mutex<VecDeque<End>>>,
    pub(crate) asked: Arc<Mutex<Vec<HttpRequest>>>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.asked.lock().unwrap().push(request);
        match self.ends.lock().unwrap().pop_front().unwrap() {
            End::Answer(status, body) => {
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
            }
            End::Silence => HttpConnectorFuture::new(std::future::pending()),
            End::Lost => HttpConnectorFuture::ready(Err(ConnectorError::timeout("the answer got lost".into()))),
        }
    }
}

/// Waits for nothing: who would have waited has waited.
#[derive(Debug)]
struct Impatient;

impl AsyncSleep for Impatient {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}

impl Script {
    pub(crate) fn new(ends: impl IntoIterator<Item = End>) -> Self {
        Self { ends: Arc::new(Mutex::new(ends.into_iter().collect())), asked: Arc::default() }
    }

    pub(crate) fn config(&self) -> aws_types::sdk_config::Builder {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials(1, None)))
            .region(Region::new("eu-central-1"))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .sleep_impl(SharedAsyncSleep::new(Impatient))
            .time_source(SharedTimeSource::new(StaticTimeSource::new(now())))
            .retry_config(RetryConfig::standard())
    }

    pub(crate) fn store(&self, config: &SdkConfig) -> Store {
        let tables = Tables { core: "core".into(), audit: "audit".into() };
        Store::new(config, tables).directly_over(Some(SharedHttpConnector::new(self.clone())), config)
    }

    pub(crate) fn by_sdk(&self, config: &SdkConfig) -> Store {
        Store::new(config, Tables { core: "core".into(), audit: "audit".into() })
    }

    /// How `demo` is found to be, and the calls that it took.
    pub(crate) async fn asked(&self, store: &Store) -> (Result<Availability, StoreError>, usize) {
        let found = store.subdomain(&Subdomain::parse("demo").unwrap()).await;
        (found, std::mem::take(&mut *self.asked.lock().unwrap()).len())
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let requests = self.asked.lock().unwrap();
        requests.iter().map(|request| request.headers().get(name).unwrap_or_default().to_owned()).collect()
    }
}

pub(crate) fn now() -> SystemTime {
    NOW.into()
}

pub(crate) fn credentials(number: u32, expiry: Option<SystemTime>) -> Credentials {
    Credentials::new(format!("ASIA{number}"), "secret", Some(format!("session {number}")), expiry, "test")
}

pub(crate) fn taken() -> End {
    let claim = json!({"tenant": {"S": "tenant-demo-0123abcd"}, "tombstone": {"BOOL": false}});
    End::Answer(200, json!({ "Item": claim }).to_string())
}

pub(crate) fn refused(status: u16, body: &str) -> End {
    End::Answer(status, body.to_owned())
}

/// Address, headers and body, without what the SDK leaves out where nobody says otherwise.
pub(crate) fn said(request: &HttpRequest) -> (String, Vec<Option<String>>, Value) {
    let headers = ["content-type", "x-amz-target", "x-amz-date", "x-amz-security-token"];
    let headers = headers.map(|name| request.headers().get(name).map(str::to_owned)).to_vec();
    let mut body = body(request);
    body.as_object_mut().unwrap().retain(|_, value| *value != json!(false));
    (request.uri().to_owned(), headers, body)
}

pub(crate) fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().bytes().unwrap()).unwrap()
}
