//! Whoever listens on the bus hears of every new value at least once, knows a repeat by its version, and sees no value.

use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};
use serde_json::{Value, json};

use crate::world::{DATA, REFRESH, SIGNING, World, function_of};

const INTERNAL: &str = "innkeeper/local/internal-secret";

/// The details of the events about a secret, oldest first.
async fn heard(world: &World, secret: &str) -> Vec<Value> {
    let arn = world.describe(secret).await["ARN"].clone();
    let events = world.stack.events.events().into_iter().rev().filter(|event| event.detail["secret"] == arn);
    let ours = |event: &local::aws::eventbridge::Event| {
        (event.source.as_str(), event.detail_type.as_str(), event.bus.as_str())
            == ("innkeeper", "secret.rotated", "innkeeper-local")
    };
    events.inspect(|event| assert!(ours(event), "{event:?}")).map(|event| event.detail).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rotation_is_told_once_and_without_a_value() {
    let world = World::open().await;
    for secret in [SIGNING, REFRESH, DATA] {
        world.stack.secrets.rotate(secret).await.unwrap();
        let version = world.labelled(secret, "AWSCURRENT").await.unwrap();
        let arn = world.describe(secret).await["ARN"].clone();
        let at = world.now().to_string();
        let said = json!({"secret": arn, "version": version, "correlation_id": version, "rotated_at": at});
        assert_eq!(heard(&world, secret).await, [said]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_did_not_take_is_told_again() {
    let world = World::open().await;
    for secret in [SIGNING, REFRESH, DATA] {
        let before = world.labelled(secret, "AWSCURRENT").await;
        let refused = Rule::error(400, "AccessDeniedException").on("events", "PutEvents").from(&function_of(secret));
        world.stack.gateway.faults().add(refused);
        world.stack.secrets.rotate(secret).await.unwrap_err();
        world.stack.gateway.faults().clear();
        let version = world.labelled(secret, "AWSCURRENT").await;
        assert_ne!(version, before, "the new value is current all the same");
        assert!(heard(&world, secret).await.is_empty());

        world.stack.secrets.rotate(secret).await.unwrap();
        assert_eq!(world.labelled(secret, "AWSCURRENT").await, version, "the rotation was taken up, not begun anew");
        let said = heard(&world, secret).await;
        assert_eq!((said.len(), said[0]["version"].as_str()), (1, version.as_deref()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_makes_a_repeat_of_the_same_version() {
    let world = World::open().await;
    world.stack.gateway.faults().add(Rule::new(Fault::Timeout).on("events", "PutEvents").nth(1));
    world.stack.secrets.rotate(REFRESH).await.unwrap();
    world.stack.gateway.faults().clear();
    let said = heard(&world, REFRESH).await;
    assert_eq!(said.len(), 2);
    assert_eq!(said[0]["version"], said[1]["version"]);
    world.advance(SignedDuration::from_hours(24));
    world.stack.secrets.rotate(REFRESH).await.unwrap();
    let said = heard(&world, REFRESH).await;
    assert_ne!(said[2]["version"], said[1]["version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_told_too() {
    let (world, tokens) = World::inhabited().await;
    let refused = Rule::error(400, "AccessDeniedException").on("events", "PutEvents");
    world.stack.gateway.faults().add(refused);
    world.emergency(&tokens.kid()).await.unwrap_err();
    world.stack.gateway.faults().clear();
    assert!(!world.accepts(&tokens.access).await, "whoever is not told, the key is refused");
    world.emergency(&tokens.kid()).await.unwrap();
    let version = world.labelled(SIGNING, "AWSCURRENT").await;
    let said = world.stack.events.events();
    assert_eq!((said.len(), said[0].detail["version"].as_str()), (1, version.as_deref()));
}

/// What the audit log says of new values of a secret, of the platform's or of a tenant's.
pub(crate) fn audited(world: &World, secret: &str) -> Vec<Value> {
    let log = world.stack.dynamodb.run("Scan", json!({"TableName": "innkeeper-local-audit"})).unwrap();
    let is_of =
        |entry: &&Value| entry["action"]["S"] == "secret.rotated" && entry["after"]["M"]["secret"]["S"] == secret;
    log["Items"].as_array().unwrap().iter().filter(is_of).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r24_each_rotation_is_in_the_audit_log() {
    let world = World::open().await;
    for secret in [SIGNING, REFRESH, DATA, INTERNAL] {
        world.stack.secrets.rotate(secret).await.unwrap();
        let version = world.labelled(secret, "AWSCURRENT").await.unwrap();
        let entries = audited(&world, secret);
        assert_eq!(entries.len(), 1, "{secret}");
        let entry = &entries[0];
        assert_eq!(
            (&entry["pk"]["S"], &entry["actor"]["S"]),
            (&json!("PLATFORM"), &json!(format!("function:{}", function_of(secret))))
        );
        assert_eq!(
            (&entry["after"]["M"]["version"]["S"], &entry["correlation_id"]["S"]),
            (&json!(version), &json!(version))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r24_what_the_audit_log_did_not_take_is_written_before_anybody_is_told() {
    let world = World::open().await;
    let refused = Rule::error(400, "AccessDeniedException").on("dynamodb", "PutItem").from(&function_of(DATA));
    world.stack.gateway.faults().add(refused);
    world.stack.secrets.rotate(DATA).await.unwrap_err();
    world.stack.gateway.faults().clear();
    assert!(heard(&world, DATA).await.is_empty());
    world.stack.secrets.rotate(DATA).await.unwrap();
    let entries = audited(&world, DATA);
    assert_eq!((entries.len(), heard(&world, DATA).await.len()), (1, 1));
}
