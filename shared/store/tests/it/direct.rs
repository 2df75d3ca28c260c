//! Reads that go past the SDK, and what makes them the SDK's.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_dynamodb::config::Region;
use domain::{Subdomain, TenantId};
use serde_json::json;
use store::Availability;

use crate::script::{End, Script, THROTTLED, credentials, now, refused, said, taken};

const EXPIRED: &str = r#"{"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "expired"}"#;

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
