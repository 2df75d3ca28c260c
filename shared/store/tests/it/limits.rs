//! R14: counts are exact, windows slide, and whoever goes on is blocked.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType::S as Text,
};
use domain::throttle::{Count, Rule};
use jiff::{SignedDuration, Timestamp};
use store::{Counted, Limits};

use crate::stand_in::{NOW, StandIn};

async fn limits(world: &StandIn) -> Limits {
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap();
    let text = AttributeDefinition::builder().attribute_name("pk").attribute_type(Text).build().unwrap();
    let create = world.client.create_table().table_name("limits").billing_mode(BillingMode::PayPerRequest);
    create.key_schema(key).attribute_definitions(text).send().await.unwrap();
    Limits::new(&world.config, "limits".into()).directly_over(Some(world.http()), &world.config)
}

fn at(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

fn client() -> Counted {
    Counted::new("proof", "203.0.113.7")
}

const MINUTE: i64 = 60;

async fn allowed(limits: &Limits, rule: &Rule, seconds: i64) -> bool {
    matches!(limits.count(&client(), rule, at(seconds)).await.unwrap(), Count::Within { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_span_of_the_window_has_more_than_the_rule_allows() {
    let world = StandIn::start().await;
    let limits = limits(&world).await;
    let rule = Rule { block: None, ..Rule::PROOF };
    // A try a minute and a half, for an hour: a fixed window would let through twice the number at its edge.
    let mut passed: Vec<i64> = Vec::new();
    for seconds in (0..60 * MINUTE).step_by(90) {
        if allowed(&limits, &rule, seconds).await {
            passed.push(seconds);
        }
    }
    assert!(passed.len() >= 18, "{passed:?}");
    for start in &passed {
        let inside = passed.iter().filter(|at| (*start..start + 15 * MINUTE).contains(*at)).count();
        assert!(inside <= 5, "{inside} from {start} on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_at_once_are_counted_one_by_one() {
    let world = StandIn::start().await;
    let limits = limits(&world).await;
    let tries = (0..200).map(|_| async { allowed(&limits, &Rule::PROOF, 0).await });
    let passed = futures::future::join_all(tries).await.into_iter().filter(|passed| *passed).count();
    assert_eq!(passed, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_on_is_blocked_for_fifteen_minutes_from_then() {
    let world = StandIn::start().await;
    let limits = limits(&world).await;
    let mut last = None;
    for second in 0..10 {
        last = Some(limits.count(&client(), &Rule::PROOF, at(second)).await.unwrap());
    }
    assert_eq!(last, Some(Count::Beyond { until: at(15 * MINUTE), blocked: false }), "five too many are borne");
    let eleventh = limits.count(&client(), &Rule::PROOF, at(10)).await.unwrap();
    assert_eq!(eleventh, Count::Beyond { until: at(15 * MINUTE + 10), blocked: true });
    let (blocked, calls) = world.calls_of(limits.count(&client(), &Rule::PROOF, at(11))).await;
    assert_eq!((blocked.unwrap(), calls.len()), (Count::Beyond { until: at(15 * MINUTE + 10), blocked: true }, 1));
    assert!(!allowed(&limits, &Rule::PROOF, 15 * MINUTE + 9).await);
    assert!(allowed(&limits, &Rule::PROOF, 15 * MINUTE + 10).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_tries_in_more_than_five_minutes_block_nobody() {
    let world = StandIn::start().await;
    let limits = limits(&world).await;
    for minute in 0..14 {
        allowed(&limits, &Rule::PROOF, minute * MINUTE).await;
    }
    assert!(allowed(&limits, &Rule::PROOF, 15 * MINUTE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_may_be_tried_again_and_no_more() {
    let world = StandIn::start().await;
    let limits = limits(&world).await;
    let rule = &Rule::PROOF;
    for _ in 0..3 {
        assert!(allowed(&limits, rule, 0).await);
    }
    for _ in 0..20 {
        assert!(allowed(&limits, rule, 1).await);
        limits.give_back(&client(), rule, at(1)).await.unwrap();
    }
    let next = limits.count(&client(), rule, at(2)).await.unwrap();
    assert_eq!(next, Count::Within { left: 1, more_at: at(15 * MINUTE) });
    assert!(allowed(&limits, rule, 3).await);
    assert!(!allowed(&limits, rule, 4).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_back_what_was_never_counted_makes_no_room() {
    let world = StandIn::start().await;
    let limits = limits(&world).await;
    limits.give_back(&client(), &Rule::PROOF, at(0)).await.unwrap();
    assert!(world.dump("limits").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_counted_alone_and_nobody_is_named() {
    let world = StandIn::start().await;
    let limits = limits(&world).await;
    for _ in 0..5 {
        assert!(allowed(&limits, &Rule::PROOF, 0).await);
    }
    let other = Counted::new("proof", "203.0.113.8");
    assert!(matches!(limits.count(&other, &Rule::PROOF, at(0)).await.unwrap(), Count::Within { left: 4, .. }));
    assert!(!format!("{:?}", world.dump("limits").await).contains("203.0.113"));
}
