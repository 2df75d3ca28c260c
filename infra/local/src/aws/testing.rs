//! What the tests of these services share: a gateway with every service, over memory and frozen time.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use domain::SystemEntropy;
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::dynamodb::DynamoDb;
use super::lambda::Lambda;
use super::secretsmanager::SecretsManager;
use super::ses::Mailbox;
use super::{Authorizer, Counters, Gateway, InvokeError, Invoker, Persist, connector};
use crate::clock::StackClock;

pub(crate) const REGION: &str = "eu-central-1";

/// Every service behind one gateway.
pub(crate) struct World {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) clock: StackClock,
    pub(crate) dynamodb: Arc<DynamoDb>,
    pub(crate) secrets: Arc<SecretsManager>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) rules: Arc<Rules>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(None)
    }

    /// On files in `dir`, or in memory.
    pub(crate) fn on(dir: Option<&Path>) -> Self {
        let clock = StackClock::frozen("2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap());
        let (rules, functions) = (Arc::<Rules>::default(), Arc::<Functions>::default());
        let persist =
            Arc::new(dir.map_or_else(Persist::memory, |dir| Persist::open(&dir.join("state.sqlite")).unwrap()));
        let counters = Arc::<Counters>::default();
        let time: Arc<StackClock> = Arc::new(clock.clone());
        let file = dir.map(|dir| dir.join("dynamodb.sqlite"));
        let dynamodb =
            Arc::new(DynamoDb::open(file.as_deref(), REGION, time.clone(), counters.clone(), persist.clone()).unwrap());
        let secrets =
            SecretsManager::open(REGION, time.clone(), Arc::new(SystemEntropy), persist.clone(), functions.clone())
                .unwrap();
        let secrets = Arc::new(secrets);
        let mailbox = Arc::new(Mailbox::open(REGION, time.clone(), persist).unwrap());
        let gateway = Arc::new(Gateway::new(rules.clone(), time, counters));
        gateway.mount("dynamodb", dynamodb.clone());
        gateway.mount("secretsmanager", secrets.clone());
        gateway.mount("ses", mailbox.clone());
        gateway.mount("lambda", Arc::new(Lambda::new(REGION, functions.clone())));
        gateway.admit("signup-create", credentials("signup-create"));
        Self { gateway, clock, dynamodb, secrets, mailbox, functions, rules }
    }

    /// The configuration of the admitted function, without retries so that a test sees each failure.
    pub(crate) fn config(&self) -> SdkConfig {
        let config = connector::sdk_config(self.gateway.clone(), REGION, credentials("signup-create"));
        config.into_builder().retry_config(RetryConfig::disabled()).build()
    }

    /// A table `t` with the key `pk` and the time-to-live attribute `ttl`.
    pub(crate) fn table(&self) {
        self.dynamodb
            .run(
                "CreateTable",
                json!({
                    "TableName": "table",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "BillingMode": "PAY_PER_REQUEST",
                }),
            )
            .unwrap();
        let ttl = json!({"TableName": "table", "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}});
        self.dynamodb.run("UpdateTimeToLive", ttl).unwrap();
    }
}

pub(crate) fn credentials(function: &str) -> Credentials {
    Credentials::new(format!("AK-{function}"), format!("secret of {function}"), None, None, "test")
}

/// Allows everything but what a test forbids, and remembers what was asked.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) denied: Mutex<BTreeSet<String>>,
    pub(crate) asked: Mutex<Vec<(String, String)>>,
}

impl Authorizer for Rules {
    fn decide(&self, access_key: &str, needs: &[(String, String)], _: &[(&'static str, String)]) -> Result<(), String> {
        self.asked.lock().unwrap().extend_from_slice(needs);
        let denied = self.denied.lock().unwrap();
        match needs.iter().find(|(action, _)| denied.contains(action)) {
            Some((action, arn)) => {
                Err(format!("User: {access_key} is not authorized to perform: {action} on resource: {arn}"))
            }
            None => Ok(()),
        }
    }
}

type Handler = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, InvokeError>> + Send + Sync>;

/// One function, named `f`, that a test may set; by default it answers with its event.
#[derive(Default)]
pub(crate) struct Functions {
    pub(crate) handler: Mutex<Option<Handler>>,
    pub(crate) events: Mutex<Vec<Value>>,
}

impl Invoker for Functions {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> BoxFuture<'a, Result<Value, InvokeError>> {
        if function.rsplit(':').next() != Some("f") {
            return ready(Err(InvokeError::Unknown(function.to_owned()))).boxed();
        }
        self.events.lock().unwrap().push(event.clone());
        match self.handler.lock().unwrap().clone() {
            Some(handler) => handler(event),
            None => ready(Ok(event)).boxed(),
        }
    }
}
