//! A DynamoDB of its own for each test, in memory, and what tests write into it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Region as AwsRegion, RuntimeComponents, SharedAsyncSleep, SharedHttpClient,
        http::{HttpRequest, HttpResponse},
        retry::RetryConfig,
    },
    types::{AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use domain::{
    Action, Actor, AuditEntry, CorrelationId, EmailAddress, Facts, Plan, Provisioning, Signup, StatusToken, Step,
    Subdomain, TenantId, TokenDigest,
};
use jiff::Timestamp;
use store::{Audit, Begun, Effects, Finished, NewTenant, Outcome, SignupOutcome, Store, Tables, Tenant};
use testkit::SeededEntropy;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

pub(crate) struct StandIn {
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) config: SdkConfig,
    pub(crate) entropy: SeededEntropy,
    wire: Wire,
}

/// Between the SDK and the stand-in: counts what passes, and can lose an answer.
#[derive(Debug, Clone)]
struct Wire {
    inner: SharedHttpConnector,
    calls: Arc<Mutex<Vec<String>>>,
    lose_next: Arc<AtomicBool>,
    canned: Arc<Mutex<Option<(u16, String)>>>,
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        self.calls.lock().unwrap().push(target.rsplit('.').next().unwrap_or_default().to_owned());
        if let Some((status, body)) = self.canned.lock().unwrap().clone() {
            let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
            return HttpConnectorFuture::ready(Ok(answer));
        }
        let answer = self.inner.call(request);
        if self.lose_next.swap(false, Ordering::SeqCst) {
            return HttpConnectorFuture::new(async move {
                answer.await?;
                Err(ConnectorError::timeout("the answer got lost".into()))
            });
        }
        answer
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let database = dynoxide::Database::memory().unwrap();
        tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
        let wire = Wire {
            inner: SharedHttpConnector::new(Connector::builder().build_http()),
            calls: Arc::default(),
            lose_next: Arc::default(),
            canned: Arc::default(),
        };
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test")))
            .region(AwsRegion::new("us-east-1"))
            .endpoint_url(endpoint)
            .http_client(SharedHttpClient::new(wire.clone()))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .build();
        let client = Client::new(&config);
        for name in ["core", "audit"] {
            create_table(&client, name).await;
        }
        let store = Store::new(&config, Tables { core: "core".into(), audit: "audit".into() })
            .directly_over(Some(SharedHttpConnector::new(wire.clone())), &config);
        Self { store, client, config, entropy: SeededEntropy::new(1), wire }
    }

    /// What the SDK sent while `work` ran, by operation.
    pub(crate) async fn calls_of<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        self.wire.calls.lock().unwrap().clear();
        let done = work.await;
        (done, std::mem::take(&mut self.wire.calls.lock().unwrap()))
    }

    /// The connector below the SDK's client.
    pub(crate) fn http(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.wire.clone())
    }

    /// The next call has its effect, and its answer gets lost.
    pub(crate) fn lose_next_answer(&self) {
        self.wire.lose_next.store(true, Ordering::SeqCst);
    }

    /// From now on every call is answered with this, as the stand-in never does: it knows no transaction conflict and
    /// leaves no key unread.
    pub(crate) fn answer(&self, status: u16, body: impl ToString) {
        *self.wire.canned.lock().unwrap() = Some((status, body.to_string()));
    }

    /// Everything in a table.
    pub(crate) async fn dump(&self, table: &str) -> Vec<Item> {
        self.client.scan().table_name(table).consistent_read(true).send().await.unwrap().items.unwrap()
    }

    /// The keys in `core`, in order.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let text = |item: &Item, name: &str| item[name].as_s().unwrap().clone();
        let mut keys: Vec<_> =
            self.dump("core").await.iter().map(|item| format!("{} {}", text(item, "pk"), text(item, "sk"))).collect();
        keys.sort();
        keys
    }

    pub(crate) fn new_tenant(&self, signup: Signup) -> NewTenant {
        NewTenant {
            tenant_id: TenantId::new(&signup.subdomain, &self.entropy),
            signup,
            status_token: self.digest(),
            provisioning: Provisioning::requested(self.request(), NOW),
        }
    }

    pub(crate) fn digest(&self) -> TokenDigest {
        StatusToken::new(&self.entropy).digest()
    }

    pub(crate) fn request(&self) -> CorrelationId {
        CorrelationId::new(&self.entropy)
    }

    /// An entry; each comes from a request of its own, so that no two are alike.
    pub(crate) fn audit(&self, action: Action) -> Audit {
        AuditEntry {
            actor: Actor::Anonymous,
            action,
            tenant: None,
            correlation_id: self.request(),
            before: Facts::new(),
            after: Facts::new(),
            at: NOW,
        }
        .into()
    }

    /// A tenant that signed up under that name.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let new = self.new_tenant(named(name));
        let id = new.tenant_id.clone();
        let outcome = self.store.signup(new, None, self.audit(Action::TenantRequested)).await.unwrap();
        assert_eq!(outcome, SignupOutcome::Created);
        self.store.tenant(&id).await.unwrap().unwrap()
    }

    pub(crate) async fn begin(&self, tenant: &Tenant, step: Step) -> Tenant {
        let attempt = tenant.provisioning.attempt();
        match self.store.begin(&tenant.tenant_id, attempt, step, self.audit(Action::TenantStepBegun)).await.unwrap() {
            Begun::Run(tenant) => tenant,
            other => panic!("{step} has nothing to do: {other:?}"),
        }
    }

    pub(crate) async fn finish(&self, step: Step, outcome: Outcome, effects: Effects<'_>) -> Tenant {
        let audit = self.audit(Action::TenantStepSucceeded);
        match self.store.finish(step, outcome, effects, audit).await.unwrap() {
            Finished::Recorded(tenant) => tenant,
            other => panic!("{step} was not recorded: {other:?}"),
        }
    }

    /// Runs every step before `step`, with no effects, and begins that one.
    pub(crate) async fn up_to(&self, mut tenant: Tenant, step: Step) -> Tenant {
        for earlier in Step::ALL.iter().copied().take_while(|earlier| *earlier != step) {
            tenant = self.begin(&tenant, earlier).await;
            tenant = self.finish(earlier, Outcome::Succeeded, Effects::of(&tenant)).await;
        }
        self.begin(&tenant, step).await
    }
}

/// The usual signup under another name, and another address.
pub(crate) fn named(name: &str) -> Signup {
    Signup {
        subdomain: Subdomain::parse(name).unwrap(),
        admin_email: EmailAddress::parse(&format!("admin@{name}.example")).unwrap(),
        plan: Plan::Starter,
        ..testkit::demo_signup()
    }
}

async fn create_table(client: &Client, name: &str) {
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let text = |name| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let create = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let create = create.key_schema(key("pk", KeyType::Hash)).key_schema(key("sk", KeyType::Range));
    create.attribute_definitions(text("pk")).attribute_definitions(text("sk")).send().await.unwrap();
}
