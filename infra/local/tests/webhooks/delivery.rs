//! From a rotation to somebody's server: signed, once where it is taken, again where it is not.

use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};
use serde_json::{Value, json};

use crate::{
    hook::Hook,
    house::{House, Made},
    world::{PASSWORD, owner},
};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn r42_a_rotation_of_the_tenants_secrets_is_told_to_its_webhook_without_a_value() {
    let mut house = House::open().await;
    let hook = Hook::open().await;
    let made = house.made(&hook.url).await;
    // The job that rotates the pool's secrets finds them due.
    house.world.advance(DAY * 91);
    house.world.stack.invoke("rotate-pool-secrets", json!({})).await.unwrap();
    let message = house.world.until("the message", async || hook.taken().first().cloned()).await;
    assert!(message.is_signed_with(&made.secret));
    assert_eq!(message.header("content-type"), "application/json");
    let told = message.json();
    let data = json!({"tenant_id": house.tenant, "version": "2", "correlation_id": told["data"]["correlation_id"]});
    assert_eq!(told, json!({"type": "secret.rotated", "timestamp": told["timestamp"], "data": data}));
    house.ada = house.world.log_in(&owner("lantern"), PASSWORD).await;
    let noted = async || house.last(&made.id).await["succeeded"].as_bool();
    assert!(house.world.until("the note", noted).await);
    assert_eq!(house.last(&made.id).await["message"], message.id());
    assert!(house.world.stack.queues.messages("DeadLetters").is_empty());
}

/// Until the note of this many tries is there; each has its own time.
async fn tried(house: &House, webhook: &str, hook: &Hook, times: usize) -> Value {
    let look = async || {
        let last = house.last(webhook).await;
        let at = house.world.stack.clock.now().to_string();
        (hook.taken().len() == times && last["at"] == at).then_some(last)
    };
    house.world.until("a try", look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn r42_who_does_not_take_a_message_gets_it_again_and_who_has_it_does_not() {
    let house = House::open().await;
    let (good, bad) = (Hook::open().await, Hook::leading_to("http://127.0.0.1:9/").await);
    let (taken, refused) = (house.made(&good.url).await, house.made(&bad.url).await);
    bad.answer(500);
    house.tell("2").await;
    assert_eq!(tried(&house, &refused.id, &bad, 1).await["status"], 500);
    tried(&house, &taken.id, &good, 1).await;
    // A redirect is not followed, and is no success.
    bad.answer(302);
    house.world.advance(MINUTE);
    assert_eq!(tried(&house, &refused.id, &bad, 2).await["status"], 302);
    house.world.advance(MINUTE * 2);
    assert_eq!(tried(&house, &refused.id, &bad, 3).await["succeeded"], false);
    let letter = async || house.world.stack.queues.messages("DeadLetters").first().cloned();
    let letter = house.world.until("the dead letter", letter).await;
    assert_eq!(letter["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(letter["requestPayload"]["detail"]["tenant_id"], house.tenant);
    let tries = bad.taken();
    assert!(tries.iter().all(|again| again.id() == tries[0].id() && again.is_signed_with(&refused.secret)));
    assert_ne!(tries[0].header("webhook-timestamp"), tries[1].header("webhook-timestamp"));
    assert_eq!(good.taken().len(), 1, "who has it is not sent it again");
    assert_eq!(good.taken()[0].id(), tries[0].id());

    // The bus repeats itself: whoever has the message is not sent it, the other takes it now.
    bad.answer(200);
    house.world.advance(SECOND);
    house.tell("2").await;
    assert_eq!(tried(&house, &refused.id, &bad, 4).await["succeeded"], true);
    // The next rotation is another message.
    house.world.advance(SECOND);
    house.tell("3").await;
    assert_eq!(tried(&house, &refused.id, &bad, 5).await["status"], 200);
    assert_ne!(bad.taken()[4].id(), tries[0].id());
    assert_eq!(house.world.stack.queues.messages("DeadLetters").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn r42_nobody_inside_is_called_whatever_is_stored() {
    let house = House::with(&[]).await;
    let hook = Hook::open().await;
    let made = house.made("https://hooks.example.com/").await;
    let sk = format!("WEBHOOK#{}", made.id);
    let update = json!({
        "TableName": "innkeeper-local-core",
        "Key": {"pk": {"S": format!("T#{}", house.tenant)}, "sk": {"S": sk}},
        "UpdateExpression": "SET #url = :url", "ExpressionAttributeNames": {"#url": "url"},
        "ExpressionAttributeValues": {":url": {"S": hook.url}},
    });
    house.world.stack.dynamodb.run("UpdateItem", update).unwrap();
    house.tell("2").await;
    let noted = async || house.last(&made.id).await["succeeded"].as_bool();
    assert!(!house.world.until("the note", noted).await);
    assert_eq!(house.last(&made.id).await["status"], Value::Null);
    assert!(hook.taken().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn r42_for_a_day_both_secrets_sign() {
    let house = House::open().await;
    let hook = Hook::open().await;
    let first = house.made(&hook.url).await;
    let second = Made::of(&house.rotate(&first.id).await.expect(200));
    assert_eq!(first.id, second.id);
    assert_ne!(first.secret, second.secret);
    house.tell("2").await;
    let message = house.world.until("a message", async || hook.taken().first().cloned()).await;
    assert!(message.is_signed_with(&first.secret) && message.is_signed_with(&second.secret));
    let third = Made::of(&house.rotate(&first.id).await.expect(200));
    assert_eq!(house.items("VAULT-VALUE#~WEBHOOK#").len(), 2, "the secret in use and the one before it");
    house.tell("3").await;
    let message = house.world.until("a message", async || hook.taken().get(1).cloned()).await;
    assert!(!message.is_signed_with(&first.secret));
    assert!(message.is_signed_with(&second.secret) && message.is_signed_with(&third.secret));
    house.world.advance(DAY);
    house.tell("4").await;
    let message = house.world.until("a message", async || hook.taken().get(2).cloned()).await;
    assert!(!message.is_signed_with(&second.secret) && message.is_signed_with(&third.secret));
}

/// What the function says that is held up, before it reads a secret, until `meanwhile` is done.
async fn told_late(house: &House, meanwhile: impl Future<Output = ()>) -> Value {
    let (stack, faults) = (&house.world.stack, house.world.stack.gateway.faults());
    faults.add(Rule::new(Fault::Delay(SECOND)).on("dynamodb", "BatchGetItem").from("webhooks-deliver").nth(1));
    let detail = json!({
        "tenant_id": house.tenant, "version": "2", "rotated_at": stack.clock.now().to_string(), "correlation_id": "a-rotation",
    });
    let meanwhile = async {
        house.world.until("the read", async || (faults.fired() == 1).then_some(())).await;
        meanwhile.await;
        house.world.advance(SECOND);
    };
    tokio::join!(stack.invoke("webhooks-deliver", json!({"detail": detail})), meanwhile).0.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r42_a_webhook_that_is_deleted_before_its_message_is_signed_hears_nothing() {
    let house = House::open().await;
    let hook = Hook::open().await;
    let made = house.made(&hook.url).await;
    let told = told_late(&house, async { drop(house.delete(&made.id).await.expect(204)) }).await;
    assert_eq!((told, hook.taken().len()), (json!({"delivered": 0}), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn r42_a_webhook_whose_secrets_are_new_before_its_message_is_signed_gets_it_signed_with_those() {
    let house = House::open().await;
    let hook = Hook::open().await;
    let first = house.made(&hook.url).await;
    let mut last = None;
    let told = told_late(&house, async {
        for _ in 0..2 {
            last = Some(Made::of(&house.rotate(&first.id).await.expect(200)));
        }
    });
    assert_eq!(told.await, json!({"delivered": 1}));
    let taken = hook.taken();
    assert!(taken.len() == 1 && taken[0].is_signed_with(&last.unwrap().secret));
}
