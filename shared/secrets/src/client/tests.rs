//! Each answer of Secrets Manager that matters, and what is made of it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::SecretError;
use crate::stand_in::{Answer, StandIn, refusal, value};

const STRONG: &str = "yJ6hQ0sT2vW8xZ4bD1fG3kL5mN7pR9cE";
const TOKEN: &str = "attempt-0000000000000000000000000001";

fn always(answer: Answer) -> StandIn {
    StandIn::new(move |_, _| answer.clone())
}

#[tokio::test]
async fn the_current_version_is_read() {
    let aws = always(value(STRONG));
    assert_eq!(aws.secrets().current("s").await.unwrap().expose_secret(), STRONG);
    assert_eq!(aws.last("GetSecretValue"), json!({ "SecretId": "s" }));
}

#[tokio::test]
async fn what_can_be_guessed_is_refused() {
    for weak in ["", "changeme", r#"{"initial":"changeme"}"#, "{}", r#"{"password":"short","user":"x"}"#] {
        let error = always(value(weak)).secrets().current("s").await.unwrap_err();
        assert!(matches!(error, SecretError::Weak { .. }), "{weak}: {error}");
    }
    let (half, rest) = STRONG.split_at(STRONG.len() / 2);
    let with_a_quote = format!(r#"{{"initial":"{half}\"{rest}\\"}}"#);
    for strong in [format!(r#"{{"initial":"{STRONG}"}}"#), with_a_quote, format!("{{{STRONG}"), format!("\"{STRONG}")] {
        assert!(always(value(&strong)).secrets().current("s").await.is_ok(), "{strong}");
    }
}

#[tokio::test]
async fn an_error_says_whether_to_try_again_and_shows_no_value() {
    for (answer, retryable) in [
        (refusal("ResourceNotFoundException"), false),
        (refusal("InvalidRequestException"), false),
        (refusal("AccessDeniedException"), false),
        (refusal("DecryptionFailure"), false),
        (refusal("ThrottlingException"), true),
        (refusal("InternalServiceError"), true),
        (Some((200, json!(STRONG))), true),
        (None, true),
    ] {
        let error = always(answer.clone()).secrets().current("innkeeper/dev/x").await.unwrap_err();
        assert_eq!(error.is_retryable(), retryable, "{answer:?}: {error:?}");
        assert!(error.to_string().contains("innkeeper/dev/x"));
        assert!(!format!("{error:?}").contains(STRONG));
    }
}

fn taken(version: &'static str) -> StandIn {
    StandIn::new(move |action, _| match action {
        "CreateSecret" => refusal("ResourceExistsException"),
        _ => Some((200, json!({ "ARN": "arn:s", "Name": "s", "VersionIdsToStages": { version: ["AWSCURRENT"] } }))),
    })
}

async fn create(aws: &StandIn) -> Result<String, SecretError> {
    aws.secrets().create("s", TOKEN, "arn:key", &SecretString::from(STRONG)).await.map(|arn| arn.to_string())
}

#[tokio::test]
async fn a_new_secret_is_made_once() {
    let aws = always(Some((200, json!({ "ARN": "arn:s", "Name": "s" }))));
    assert_eq!(create(&aws).await.unwrap(), "arn:s");
    let asked = json!({ "Name": "s", "ClientRequestToken": TOKEN, "KmsKeyId": "arn:key", "SecretString": STRONG });
    assert_eq!(aws.last("CreateSecret"), asked);
}

#[tokio::test]
async fn what_the_same_attempt_made_stays() {
    let aws = taken(TOKEN);
    assert_eq!(create(&aws).await.unwrap(), "arn:s");
    assert_eq!(aws.actions(), ["CreateSecret", "DescribeSecret"]);
}

#[tokio::test]
async fn somebody_elses_secret_is_left_alone() {
    let aws = taken("other");
    assert!(matches!(create(&aws).await, Err(SecretError::Exists { .. })));
    assert_eq!(aws.actions(), ["CreateSecret", "DescribeSecret"]);
}

#[tokio::test]
async fn a_secret_that_is_still_being_deleted_is_waited_for() {
    let aws = StandIn::new(|action, _| match action {
        "CreateSecret" => refusal("InvalidRequestException"),
        _ => refusal("ResourceNotFoundException"),
    });
    assert!(create(&aws).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_schedule_that_is_still_being_tried_is_set_later() {
    let ordered = async |answer| always(answer).secrets().rotate_every("s", "arn:f", 90).await;
    assert!(ordered(refusal("InvalidRequestException")).await.unwrap_err().is_retryable());
    assert!(!ordered(refusal("InvalidParameterException")).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    let aws = always(Some((200, json!({ "ARN": "arn:s" }))));
    aws.secrets().delete("s").await.unwrap();
    assert_eq!(aws.last("DeleteSecret"), json!({ "SecretId": "s", "ForceDeleteWithoutRecovery": true }));
    always(refusal("ResourceNotFoundException")).secrets().delete("s").await.unwrap();
    assert!(always(refusal("InternalServiceError")).secrets().delete("s").await.unwrap_err().is_retryable());
}
