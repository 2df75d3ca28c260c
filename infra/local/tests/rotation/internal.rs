//! The secret of operational calls: nobody who has it is refused over a rotation, and nobody else is let in.

use jiff::SignedDuration;
use local::aws::faults::Rule;
use serde_json::{Value, json};

use crate::world::World;

const INTERNAL: &str = "innkeeper/local/internal-secret";

/// What a caller reads and sends.
pub(crate) async fn current(world: &World) -> String {
    let value = world.stack.secrets.run("GetSecretValue", json!({"SecretId": INTERNAL})).await.unwrap();
    let value: Value = serde_json::from_str(value["SecretString"].as_str().unwrap()).unwrap();
    value["current"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_nobody_gets_in_without_it() {
    let world = World::open().await;
    let secret = current(&world).await;
    let shorter = &secret[..63];
    for wrong in [None, Some(""), Some("x"), Some(shorter), Some("0123456789012345678901234567890123456789")] {
        let (status, body) = world.health(wrong).await;
        assert_eq!((status, &body["code"]), (403, &json!("internal_secret_refused")), "{wrong:?}");
        assert!(!body.to_string().contains(&secret));
    }
    let (status, body) = world.health(Some(&secret)).await;
    assert_eq!((status, &body["status"]), (200, &json!("ok")), "{body}");
    assert_eq!(body["outbox"], json!({"entries": 0, "oldest_seconds": null}));
    assert_eq!(body["rotations"], json!({"scheduled": world.stack.template.rotations.len(), "overdue": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_where_there_is_none_nobody_gets_in() {
    let world = World::open().await;
    let secret = current(&world).await;
    assert_eq!(world.health(Some(&secret)).await.0, 200);
    let gone = json!({"SecretId": INTERNAL, "ForceDeleteWithoutRecovery": true});
    world.stack.secrets.run("DeleteSecret", gone).await.unwrap();
    world.advance(SignedDuration::from_mins(6));
    assert_eq!(world.health(Some(&secret)).await.0, 500);
    assert_eq!(world.health(None).await.0, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_a_rotation_refuses_nobody_and_the_one_before_the_last_is_over() {
    let world = World::open().await;
    let mut known = vec![current(&world).await];
    assert_eq!(world.health(Some(&known[0])).await.0, 200);
    for round in 0..20 {
        if round % 2 == 1 {
            let fault = Rule::error(400, "ThrottlingException").from("rotate-internal-secret").nth(1 + round / 2);
            world.stack.gateway.faults().add(fault);
        }
        let ended = world.stack.secrets.rotate(INTERNAL).await;
        world.stack.gateway.faults().clear();
        if ended.is_err() {
            assert_eq!(world.health(known.last().map(String::as_str)).await.0, 200, "a rotation that failed");
            world.stack.secrets.rotate(INTERNAL).await.unwrap();
        }
        known.push(current(&world).await);
        // Functions may read a secret again ten seconds after they last did.
        world.advance(SignedDuration::from_secs(10));
        let (last, before) = (&known[known.len() - 1], &known[known.len() - 2]);
        assert_ne!(last, before);
        assert_eq!(world.health(Some(last)).await.0, 200, "round {round}: the new one");
        assert_eq!(world.health(Some(before)).await.0, 200, "round {round}: the one before");
        if let Some(over) = known.len().checked_sub(3) {
            world.advance(SignedDuration::from_secs(10));
            assert_eq!(world.health(Some(&known[over])).await.0, 403, "round {round}: the one before that");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r31_what_is_wrong_is_said_with_figures() {
    let world = World::open().await;
    let secret = current(&world).await;
    let item = json!({"pk": {"S": "OUTBOX#3"}, "sk": {"S": "tenant-lost-00000001#1"}, "tenant_id": {"S": "tenant-lost-00000001"},
        "attempt": {"N": "1"}, "correlation_id": {"S": "req_lost0001"},
        "created_at": {"N": (world.now() - SignedDuration::from_mins(7)).as_millisecond().to_string()}});
    let put = |item: Value| {
        let put = json!({"TableName": "innkeeper-local-core", "Item": item});
        world.stack.dynamodb.run("PutItem", put).unwrap();
    };
    put(item);
    let (_, body) = world.health(Some(&secret)).await;
    assert_eq!((&body["status"], &body["degraded"]), (&json!("degraded"), &json!(["outbox"])), "{body}");
    assert_eq!(body["outbox"], json!({"entries": 1, "oldest_seconds": 420}));

    put(
        json!({"pk": {"S": "ORPHANS"}, "sk": {"S": "tenant-lost-00000001#1#SeedAdmin"}, "tenant_id": {"S": "tenant-lost-00000001"},
        "attempt": {"N": "1"}, "step": {"S": "SeedAdmin"}, "detail": {"S": "it"}, "at": {"S": world.now().to_string()}}),
    );
    let denied = Rule::error(400, "AccessDeniedException").on("secretsmanager", "DescribeSecret");
    world.stack.gateway.faults().add(denied);
    world.advance(SignedDuration::from_hours(32 * 24));
    let (_, body) = world.health(Some(&secret)).await;
    let degraded = body["degraded"].as_array().unwrap();
    assert!(degraded.contains(&json!("orphans")) && degraded.contains(&json!("rotations")), "{body}");
    assert_eq!(body["rotations"]["overdue"].as_array().unwrap().len(), world.stack.template.rotations.len());
}
