//! Transactions and counts that go past the SDK, and what makes them the SDK's.

use std::collections::BTreeSet;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use domain::{
    Action, Actor, AuditEntry, CorrelationId, Facts, IdentityId, SessionId, TenantId,
    refresh::{Channel, Client, Family},
    throttle::{Count, Rule},
};
use serde_json::json;
use store::{Audit, Counted, LastExport, Limits};
use testkit::SeededEntropy;

use crate::{
    door::limits,
    script::{End, Script, THROTTLED, body, refused, said},
    stand_in::{NOW, StandIn},
};

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
    let direct = by_sdk.clone().directly_over(Some(SharedHttpConnector::new(script.clone())), &config);
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
    let limits = limits.directly_over(Some(SharedHttpConnector::new(script.clone())), &config);
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
