//! DynamoDB through the SDK: tables, errors with their members, IAM needs, expiry.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, KeySchemaElement, KeyType, KeysAndAttributes,
    PointInTimeRecoverySpecification, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    ScalarAttributeType, TableStatus, TransactWriteItem,
};
use jiff::SignedDuration;
use serde_json::json;

use crate::aws::testing::World;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn create_only(pk: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name("table")
        .item("pk", text(pk))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

#[tokio::test]
async fn a_silo_table_is_active_at_once_with_arns_of_our_own_and_recoverable() {
    let dir = tempfile::tempdir().unwrap();
    {
        let world = World::on(Some(dir.path()));
        let client = Client::new(&world.config());
        let pk = AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash);
        let create = client.create_table().table_name("tenant-a").billing_mode(BillingMode::PayPerRequest);
        create.attribute_definitions(pk.build().unwrap()).key_schema(key.build().unwrap()).send().await.unwrap();
        let table = client.describe_table().table_name("tenant-a").send().await.unwrap().table.unwrap();
        assert_eq!(table.table_status, Some(TableStatus::Active));
        assert_eq!(table.table_arn.unwrap(), "arn:aws:dynamodb:eu-central-1:123456789012:table/tenant-a");
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build().unwrap();
        client
            .update_continuous_backups()
            .table_name("tenant-a")
            .point_in_time_recovery_specification(on)
            .send()
            .await
            .unwrap();
    }
    let world = World::on(Some(dir.path()));
    let client = Client::new(&world.config());
    let status = async || {
        let described = client
            .describe_continuous_backups()
            .table_name("tenant-a")
            .send()
            .await
            .map_err(|e| e.code().unwrap().to_owned())?;
        let backups = described.continuous_backups_description.unwrap().point_in_time_recovery_description.unwrap();
        Ok::<_, String>(backups.point_in_time_recovery_status.unwrap().as_str().to_owned())
    };
    assert_eq!(status().await.unwrap(), "ENABLED");
    client.delete_table().table_name("tenant-a").send().await.unwrap();
    assert_eq!(status().await.unwrap_err(), "TableNotFoundException");
}

#[tokio::test]
async fn a_cancelled_transaction_gives_its_reasons() {
    let world = World::new();
    world.table();
    let client = Client::new(&world.config());
    client.transact_write_items().transact_items(create_only("a")).send().await.unwrap();
    let cancelled =
        client.transact_write_items().transact_items(create_only("b")).transact_items(create_only("a")).send().await;
    let cancelled = cancelled.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        reasons,
    ) = cancelled
    else {
        panic!("{cancelled:?}")
    };
    let codes: Vec<_> = reasons.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(reasons.cancellation_reasons()[1].item().unwrap()["pk"], text("a"));
    let b = client.get_item().table_name("table").key("pk", text("b")).send().await.unwrap();
    assert_eq!(b.item, None);
}

#[test]
fn a_transaction_sent_again_is_done_once_for_ten_minutes() {
    let world = World::new();
    world.table();
    let send = |token: &str, pk: &str| {
        let put =
            json!({"TableName": "table", "Item": {"pk": {"S": pk}}, "ConditionExpression": "attribute_not_exists(pk)"});
        let body = json!({"ClientRequestToken": token, "TransactItems": [{"Put": put}]});
        world.dynamodb.run("TransactWriteItems", body).map(drop).map_err(|refused| refused.code.into_owned())
    };
    let refused = |code: &str| Err(code.to_owned());
    assert_eq!((send("one", "a"), send("one", "a")), (Ok(()), Ok(())));
    assert_eq!(send("one", "b"), refused("IdempotentParameterMismatchException"));
    assert_eq!(send("two", "a"), refused("TransactionCanceledException"));
    assert_eq!(send("two", "b"), Ok(()), "what failed is not remembered");
    world.clock.advance(SignedDuration::from_secs(599));
    assert_eq!(send("one", "a"), Ok(()));
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(send("one", "a"), refused("TransactionCanceledException"));
    assert_eq!(send(&"x".repeat(37), "c"), refused("ValidationException"));
}

#[tokio::test]
async fn a_failed_condition_gives_the_item() {
    let world = World::new();
    world.table();
    let client = Client::new(&world.config());
    let put = || {
        let put = client
            .put_item()
            .table_name("table")
            .item("pk", text("a"))
            .condition_expression("attribute_not_exists(pk)");
        put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).send()
    };
    put().await.unwrap();
    let failed = put().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) = failed else {
        panic!("{failed:?}")
    };
    assert_eq!(failed.item().unwrap()["pk"], text("a"));
}

#[tokio::test]
async fn what_is_wrong_is_said_with_the_services_codes() {
    let world = World::new();
    world.table();
    let client = Client::new(&world.config());
    let missing = client.get_item().table_name("absent").key("pk", text("a")).send().await.unwrap_err();
    assert_eq!(missing.code(), Some("ResourceNotFoundException"));
    let untyped =
        client.put_item().table_name("table").item("pk", AttributeValue::N("1".into())).send().await.unwrap_err();
    assert_eq!(untyped.code(), Some("ValidationException"));
    let keyless = client.query().table_name("table").send().await.unwrap_err();
    assert_eq!(keyless.code(), Some("ValidationException"));
}

#[tokio::test]
async fn consumed_capacity_is_answered_only_when_asked_for() {
    let world = World::new();
    world.table();
    let client = Client::new(&world.config());
    let put = client.put_item().table_name("table").item("pk", text("a"));
    assert!(put.clone().send().await.unwrap().consumed_capacity.is_none());
    let asked = put.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
    assert_eq!(asked.consumed_capacity.unwrap().capacity_units, Some(1.0));
    let keys = KeysAndAttributes::builder().keys(HashMap::from([("pk".to_owned(), text("a"))])).build().unwrap();
    client.batch_get_item().request_items("table", keys).send().await.unwrap();
    client.transact_write_items().transact_items(create_only("b")).send().await.unwrap();
    let total = world.gateway.counters().snapshot().total(Some("signup-create"), Some("dynamodb"), None);
    assert_eq!((total.calls, total.read_units, total.write_units), (4, 0.5, 4.0));
}

#[test]
fn each_request_needs_what_aws_asks_for() {
    let world = World::new();
    let table = "arn:aws:dynamodb:eu-central-1:123456789012:table/";
    let cases = [
        ("GetItem", json!({"TableName": "a"}), vec![("GetItem", "a")]),
        ("GetItem", json!({"TableName": format!("{table}a")}), vec![("GetItem", "a")]),
        ("Query", json!({"TableName": "a", "IndexName": "i"}), vec![("Query", "a/index/i")]),
        (
            "BatchGetItem",
            json!({"RequestItems": {"a": {}, "b": {}}}),
            vec![("BatchGetItem", "a"), ("BatchGetItem", "b")],
        ),
        (
            "TransactWriteItems",
            json!({"TransactItems": [
                {"Put": {"TableName": "a"}}, {"Update": {"TableName": "a"}}, {"Put": {"TableName": "audit"}},
                {"Put": {"TableName": "a"}}, {"Delete": {"TableName": "b"}}, {"ConditionCheck": {"TableName": "b"}},
            ]}),
            vec![
                ("ConditionCheckItem", "b"),
                ("DeleteItem", "b"),
                ("PutItem", "a"),
                ("PutItem", "audit"),
                ("UpdateItem", "a"),
            ],
        ),
        ("TransactGetItems", json!({"TransactItems": [{"Get": {"TableName": "a"}}]}), vec![("GetItem", "a")]),
    ];
    for (action, body, expected) in cases {
        let expected: Vec<_> =
            expected.into_iter().map(|(a, t)| (format!("dynamodb:{a}"), format!("{table}{t}"))).collect();
        assert_eq!(world.dynamodb.needs(action, &body), expected, "{action} {body}");
    }
    assert_eq!(world.dynamodb.needs("ListTables", &json!({})), [("dynamodb:ListTables".to_owned(), "*".to_owned())]);
}

#[tokio::test]
async fn a_condition_check_needs_its_own_permission() {
    let world = World::new();
    world.table();
    world.rules.denied.lock().unwrap().insert("dynamodb:ConditionCheckItem".into());
    let check =
        ConditionCheck::builder().table_name("table").key("pk", text("x")).condition_expression("attribute_exists(pk)");
    let check = TransactWriteItem::builder().condition_check(check.build().unwrap()).build();
    let client = Client::new(&world.config());
    let denied = client.transact_write_items().transact_items(create_only("a")).transact_items(check).send().await;
    assert_eq!(denied.unwrap_err().code(), Some("AccessDeniedException"));
}

#[test]
fn items_expire_by_the_stacks_time() {
    let world = World::new();
    world.table();
    let now = world.clock.now().as_second();
    for (pk, ttl) in [
        ("soon", json!({"N": (now + 60).to_string()})),
        ("later", json!({"N": (now + 600).to_string()})),
        ("no number", json!({"S": "1"})),
    ] {
        world.dynamodb.run("PutItem", json!({"TableName": "table", "Item": {"pk": {"S": pk}, "ttl": ttl}})).unwrap();
    }
    assert_eq!(world.dynamodb.sweep_ttl().unwrap(), 0);
    world.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(world.dynamodb.sweep_ttl().unwrap(), 1);
    assert_eq!(world.dynamodb.run("Scan", json!({"TableName": "table"})).unwrap()["Count"], 2);
}
