//! Reads, transactions and counts that go past the SDK, and what makes them the SDK's.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, future},
};
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
use domain::{
    Action, Actor, AuditEntry, CorrelationId, Facts, IdentityId, SessionId, Subdomain, TenantId,
    refresh::{Channel, Client, Family},
    throttle::{Count, Rule},
};
use serde_json::{Value, json};
use store::{Audit, Availability, Counted, LastExport, Limits, Store, StoreError, Tables};
use testkit::SeededEntropy;

use crate::{
    door::limits,
    stand_in::{NOW, StandIn},
};

const EXPIRED: &str = r#"{"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "expired"}"#;
const THROTTLED: &str = r#"{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow down"}"#;

/// How a call ends.
enum End {
    Answer(u16, String),
    /// Connected, and never heard of again.
    Silence,
    Lost,
}

/// DynamoDB by the script; what it was asked is kept.
#[derive(Clone)]
struct Script {
    ends: Arc<Mutex<VecDeque<End>>>,
    asked: Arc<Mutex<Vec<HttpRequest>>>,
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
    fn new(ends: impl IntoIterator<Item = End>) -> Self {
        Self { ends: Arc::new(Mutex::new(ends.into_iter().collect())), asked: Arc::default() }
    }

    fn config(&self) -> aws_types::sdk_config::Builder {
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

    fn store(&self, config: &SdkConfig) -> Store {
        let tables = Tables { core: "core".into(), audit: "audit".into() };
        Store::new(config, tables).directly_over(SharedHttpConnector::new(self.clone()), config)
    }

    fn by_sdk(&self, config: &SdkConfig) -> Store {
        Store::new(config, Tables { core: "core".into(), audit: "audit".into() })
    }

    /// How `demo` is found to be, and the calls that it took.
    async fn asked(&self, store: &Store) -> (Result<Availability, StoreError>, usize) {
        let found = store.subdomain(&Subdomain::parse("demo").unwrap()).await;
        (found, std::mem::take(&mut *self.asked.lock().unwrap()).len())
    }

    fn headers(&self, name: &str) -> Vec<String> {
        let requests = self.asked.lock().unwrap();
        requests.iter().map(|request| request.headers().get(name).unwrap_or_default().to_owned()).collect()
    }
}

fn now() -> SystemTime {
    NOW.into()
}

fn credentials(number: u32, expiry: Option<SystemTime>) -> Credentials {
    Credentials::new(format!("ASIA{number}"), "secret", Some(format!("session {number}")), expiry, "test")
}

fn taken() -> End {
    let claim = json!({"tenant": {"S": "tenant-demo-0123abcd"}, "tombstone": {"BOOL": false}});
    End::Answer(200, json!({ "Item": claim }).to_string())
}

fn done() -> End {
    End::Answer(200, "{}".to_owned())
}

fn person() -> IdentityId {
    IdentityId::parse(&format!("usr_{}", "1".repeat(32))).unwrap()
}

fn session() -> SessionId {
    SessionId::parse(&format!("ses_{}", "2".repeat(32))).unwrap()
}

fn family() -> Family {
    Family::start(&Client::new(Channel::Body, "curl/8"), NOW, limits())
}

fn audit() -> Audit {
    let (before, after) = (Facts::new(), Facts::new().with("identity_id", &person()));
    let correlation_id = CorrelationId::new(&SeededEntropy::new(1));
    AuditEntry {
        actor: Actor::Anonymous,
        action: Action::SessionEnded,
        tenant: None,
        correlation_id,
        before,
        after,
        at: NOW,
    }
    .into()
}

fn refused(status: u16, body: &str) -> End {
    End::Answer(status, body.to_owned())
}

/// Address, headers and body, without what the SDK leaves out where nobody says otherwise.
fn said(request: &HttpRequest) -> (String, Vec<Option<String>>, Value) {
    let headers = ["content-type", "x-amz-target", "x-amz-date", "x-amz-security-token"];
    let headers = headers.map(|name| request.headers().get(name).map(str::to_owned)).to_vec();
    let mut body = body(request);
    body.as_object_mut().unwrap().retain(|_, value| *value != json!(false));
    (request.uri().to_owned(), headers, body)
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().bytes().unwrap()).unwrap()
}

#[tokio::test]
async fn an_everyday_read_is_one_request_as_the_sdk_would_send_it() {
    let script = Script::new([taken(), taken()]);
    let config = script.config().build();
    for store in [script.store(&config), script.by_sdk(&config)] {
        let found = store.subdomain(&Subdomain::parse("demo").unwrap()).await.unwrap();
        assert_eq!(found, Availability::Taken);
    }
    let requests = script.asked.lock().unwrap();
    assert_eq!(said(&requests[0]), said(&requests[1]));
}

#[tokio::test]
async fn a_transaction_is_one_request_as_the_sdk_would_send_it() {
    let tenant = StandIn::start().await.tenant("demo").await;
    let export = LastExport { parts: Vec::new(), next: None };
    let script = Script::new((0..6).map(|_| done()));
    let config = script.config().build();
    for store in [script.store(&config), script.by_sdk(&config)] {
        // Put and ConditionCheck, Update, and Delete: with names and values, and without.
        assert!(store.note_export(&tenant, &export, &audit()).await.unwrap());
        assert!(store.rotate(&person(), &session(), &family(), &audit()).await.unwrap());
        assert!(store.end_session(&person(), &session(), &audit()).await.unwrap());
    }
    let requests = script.asked.lock().unwrap();
    let (direct, by_sdk) = requests.split_at(requests.len() / 2);
    let mut tokens = BTreeSet::new();
    for (ours, theirs) in direct.iter().zip(by_sdk) {
        let [mut ours, mut theirs] = [said(ours), said(theirs)];
        for said in [&mut ours, &mut theirs] {
            let token = said.2.as_object_mut().unwrap().remove("ClientRequestToken");
            tokens.extend(token.map(|token| token.as_str().unwrap().to_owned()));
        }
        assert_eq!(ours, theirs);
    }
    assert!(tokens.iter().all(|token| token.len() == 32), "{tokens:?}");
    assert_eq!(tokens.len(), 6, "each has a token of its own");
}

#[tokio::test]
async fn a_session_that_is_being_refreshed_ends_all_the_same_or_not_in_silence() {
    let conflict = || {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        let reasons = json!([{"Code": "TransactionConflict"}, {"Code": "None"}]);
        refused(400, &json!({"__type": kind, "Message": "cancelled", "CancellationReasons": reasons}).to_string())
    };
    let script = Script::new([conflict(), done()]);
    let store = script.store(&script.config().build());
    assert!(store.end_session(&person(), &session(), &audit()).await.unwrap());
    let script = Script::new((0..4).map(|_| conflict()));
    let store = script.store(&script.config().build());
    assert!(store.end_session(&person(), &session(), &audit()).await.unwrap_err().is_retryable());
    let script = Script::new((0..4).map(|_| conflict()));
    let store = script.store(&script.config().build());
    let tenant = TenantId::parse("tenant-demo-0123abcd").unwrap();
    assert!(store.switch_tenant(&person(), &session(), &tenant, &audit()).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_count_is_one_request_as_the_sdk_would_send_it() {
    let held = json!({"pk": {"S": "x"}, "t0": {"N": "0"}});
    let script = Script::new((0..6).map(|_| refused(200, &json!({ "Attributes": held }).to_string())));
    let config = script.config().build();
    let by_sdk = Limits::new(&config, "limits".into());
    let direct = by_sdk.clone().directly_over(SharedHttpConnector::new(script.clone()), &config);
    let what = Counted::new("proof", "203.0.113.7");
    for limits in [&direct, &by_sdk] {
        let counted = limits.count(&what, &Rule::PROOF, NOW).await.unwrap();
        assert!(matches!(counted, Count::Within { .. }), "{counted:?}");
        limits.give_back(&what, &Rule::PROOF, NOW).await.unwrap();
        limits.count(&what, &Rule { most: 1_000, ..Rule::PROOF }, NOW).await.unwrap();
    }
    let requests = script.asked.lock().unwrap();
    for number in 0..3 {
        assert_eq!(said(&requests[number]), said(&requests[number + 3]));
    }
}

#[tokio::test]
async fn a_refused_condition_of_a_count_is_an_answer() {
    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    let held = json!({"pk": {"S": "x"}, "t0": {"N": NOW.as_millisecond().to_string()}});
    let body = json!({"__type": kind, "message": "The conditional request failed", "Item": held}).to_string();
    let script = Script::new([refused(400, &body)]);
    let config = script.config().build();
    let limits = Limits::new(&config, "limits".into());
    let limits = limits.directly_over(SharedHttpConnector::new(script.clone()), &config);
    let rule = Rule { block: None, ..Rule::PROOF };
    let counted = limits.count(&Counted::new("proof", "203.0.113.7"), &rule, NOW).await.unwrap();
    assert_eq!(counted, Count::Beyond { until: NOW + rule.within, blocked: false });
    assert_eq!(script.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_transaction_without_an_answer_is_sent_again_with_its_token() {
    let ends: [fn() -> End; 5] = [
        || refused(400, THROTTLED),
        || refused(400, r#"{"__type": "com.amazonaws.dynamodb.v20120810#TransactionInProgressException"}"#),
        || refused(500, "{}"),
        || End::Lost,
        || End::Silence,
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let script = Script::new([end(), refused(500, "{}"), done()]);
        let ended = script.store(&script.config().build()).end_session(&person(), &session(), &audit()).await;
        assert!(ended.unwrap(), "{number}");
        let requests = script.asked.lock().unwrap();
        let tokens: BTreeSet<_> = requests.iter().map(|it| body(it)["ClientRequestToken"].to_string()).collect();
        assert_eq!((requests.len(), tokens.len()), (3, 1), "{number}");
    }
}

#[tokio::test]
async fn a_cancellation_is_an_answer_and_says_what_it_says_to_the_sdk() {
    let held = json!({"pk": {"S": "x"}, "sk": {"S": "y"}, "sealed": {"B": "AAEC"}, "names": {"SS": ["a"]}});
    let cases = [
        json!([{"Code": "ConditionalCheckFailed", "Item": held, "Message": "no"}, {"Code": "None"}]),
        json!([{"Code": "None"}, {"Code": "TransactionConflict", "Message": "busy"}]),
        json!([{"Code": "None"}, {"Code": "ThrottlingError"}]),
        json!([{"Code": "ValidationError", "Message": "too large"}, {"Code": "None"}]),
    ];
    for reasons in cases {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        let body = json!({"__type": kind, "Message": "cancelled", "CancellationReasons": reasons}).to_string();
        let script = Script::new((0..2).map(|_| refused(400, &body)));
        let config = script.config().build();
        let mut ends = Vec::new();
        for store in [script.store(&config), script.by_sdk(&config)] {
            ends.push(format!("{:?}", store.rotate(&person(), &session(), &family(), &audit()).await));
        }
        assert_eq!(ends[0], ends[1], "{reasons}");
        assert_eq!(script.asked.lock().unwrap().len(), 2, "each asked once: {reasons}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_the_sdks_to_deal_with() {
    let ends: [fn() -> End; 6] = [
        || refused(400, THROTTLED),
        || refused(400, EXPIRED),
        || refused(500, "{}"),
        || refused(200, "<html>"),
        || End::Lost,
        || End::Silence,
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let script = Script::new([end(), taken()]);
        let (found, calls) = script.asked(&script.store(&script.config().build())).await;
        assert_eq!((found.unwrap(), calls), (Availability::Taken, 2), "{number}");
    }
}

#[tokio::test]
async fn the_sdk_retries_and_gives_up_as_ever() {
    let script = Script::new((0..3).map(|_| refused(400, THROTTLED)).chain([taken()]));
    let (found, calls) = script.asked(&script.store(&script.config().build())).await;
    assert_eq!((found.unwrap(), calls), (Availability::Taken, 4));

    let script = Script::new((0..4).map(|_| refused(400, THROTTLED)));
    let (found, calls) = script.asked(&script.store(&script.config().build())).await;
    assert!(found.unwrap_err().is_retryable());
    assert_eq!(calls, 4, "one of ours, three of the SDK's");

    let script = Script::new((0..2).map(|_| refused(400, r#"{"__type": "AccessDeniedException"}"#)));
    let (found, calls) = script.asked(&script.store(&script.config().build())).await;
    assert!(!found.unwrap_err().is_retryable());
    assert_eq!(calls, 2);
}

#[tokio::test]
async fn keys_left_unread_are_read_by_the_sdk() {
    let unread = json!({"core": {"Keys": [{"pk": {"S": "x"}, "sk": {"S": "y"}}]}});
    let script = Script::new([
        refused(200, &json!({"Responses": {"core": []}, "UnprocessedKeys": unread}).to_string()),
        refused(200, &json!({"Responses": {"core": []}, "UnprocessedKeys": {}}).to_string()),
    ]);
    let tenant = TenantId::parse("tenant-demo-0123abcd").unwrap();
    let name = domain::VaultName::parse("smtp").unwrap();
    script.store(&script.config().build()).vault_value(&tenant, &name).await.unwrap();
    assert_eq!(script.headers("x-amz-target"), ["DynamoDB_20120810.BatchGetItem"; 2]);
}

/// Gives credentials that end in so many seconds, each time others.
#[derive(Debug)]
struct Issuing(u64, AtomicU32);

impl ProvideCredentials for Issuing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.1.fetch_add(1, Ordering::SeqCst);
        future::ProvideCredentials::ready(Ok(credentials(number, Some(now() + Duration::from_secs(self.0)))))
    }
}

#[tokio::test]
async fn credentials_are_used_until_shortly_before_they_expire() {
    for (seconds, tokens) in [(11, ["session 0", "session 0"]), (10, ["session 0", "session 1"])] {
        let script = Script::new([taken(), taken()]);
        let provider = SharedCredentialsProvider::new(Issuing(seconds, AtomicU32::new(0)));
        let store = script.store(&script.config().credentials_provider(provider).build());
        for _ in 0..2 {
            store.subdomain(&Subdomain::parse("demo").unwrap()).await.unwrap();
        }
        assert_eq!(script.headers("x-amz-security-token"), tokens, "{seconds}");
    }
}

#[tokio::test]
async fn endpoints_that_only_the_sdk_can_find_are_left_to_it() {
    let unusual: [fn(aws_types::sdk_config::Builder) -> aws_types::sdk_config::Builder; 4] = [
        |config| config.region(Region::new("cn-north-1")),
        |config| config.use_fips(true),
        |config| config.use_dual_stack(true),
        |config| config.endpoint_url("http://localhost:4566/dynamodb"),
    ];
    for unusual in unusual {
        let script = Script::new([taken()]);
        let store = script.store(&unusual(script.config()).build());
        store.subdomain(&Subdomain::parse("demo").unwrap()).await.unwrap();
        assert!(script.headers("amz-sdk-invocation-id").iter().all(|id| !id.is_empty()), "the SDK asked");
    }
    let script = Script::new([taken()]);
    let store = script.store(&script.config().endpoint_url("http://localhost:4566").build());
    store.subdomain(&Subdomain::parse("demo").unwrap()).await.unwrap();
    assert_eq!(script.headers("amz-sdk-invocation-id"), [""]);
    assert_eq!(script.headers("host"), ["localhost:4566"]);
}
