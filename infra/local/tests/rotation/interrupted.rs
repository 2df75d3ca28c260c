//! A rotation that dies before or after any of its calls, is repeated or reordered leaves a valid secret, and ends.

use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::world::{DATA, REFRESH, SIGNING, World, function_of};

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// One process after the other on the same data; says at how many calls it died.
async fn die_at_every_call(secret: &str, fault: &Fault) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let mut now = "2026-03-01T09:00:00Z".parse().unwrap();
    for call in 1.. {
        let world = World::on(Some(folder.path()), now).await;
        let keys = world.keys(secret).await;
        let current = world.labelled(secret, "AWSCURRENT").await;
        let died = std::sync::Arc::new(Notify::new());
        let hook = died.clone();
        world.stack.gateway.faults().on_crash(move || hook.notify_one());
        world.stack.gateway.faults().add(Rule::new(fault.clone()).from(&function_of(secret)).nth(call));
        let ended = tokio::select! {
            ended = world.stack.secrets.rotate(secret) => Some(ended),
            () = died.notified() => None,
        };
        drop(world);
        if let Some(ended) = ended {
            ended.unwrap();
            return call - 1;
        }

        let world = World::on(Some(folder.path()), now).await;
        world.keys(secret).await;
        let moved = world.labelled(secret, "AWSCURRENT").await != current;
        for (name, ended) in world.stack.secrets.rotate_due().await.unwrap() {
            ended.unwrap_or_else(|error| panic!("{name} after a death at call {call}: {error}"));
        }
        assert_ne!(world.labelled(secret, "AWSCURRENT").await, current, "call {call}");
        assert_eq!(world.labelled(secret, "AWSPENDING").await, None, "call {call}");
        let current = world.labelled(secret, "AWSCURRENT").await.unwrap();
        let told = world.stack.events.events().iter().any(|event| event.detail["version"] == current);
        assert!(told, "nobody was told of {current} after a death at call {call}");
        assert_eq!(world.keys(secret).await, keys + 1, "call {call}, current already: {moved}");
        // Long enough for the ring to forget what has ended.
        now += SignedDuration::from_hours(24);
    }
    unreachable!("a rotation has an end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_before_any_call_costs_nothing() {
    for secret in [SIGNING, REFRESH, DATA] {
        println!("{secret}: died before each of {} calls", die_at_every_call(secret, &Fault::CrashBefore).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_after_any_call_costs_nothing() {
    for secret in [SIGNING, REFRESH, DATA] {
        println!("{secret}: died after each of {} calls", die_at_every_call(secret, &Fault::CrashAfter).await);
    }
}

/// A rotation that Secrets Manager has begun, and nothing done for it: its function hangs, and nobody waits for it.
async fn begun(world: &World, secret: &str) -> String {
    let hangs = Fault::Delay(SignedDuration::from_hours(10_000));
    world.stack.gateway.faults().add(Rule::new(hangs).from(&function_of(secret)));
    let pending = async || world.labelled(secret, "AWSPENDING").await;
    let token = tokio::select! {
        ended = world.stack.secrets.rotate(secret) => panic!("{ended:?}"),
        token = world.until("the begin of the rotation", pending) => token,
    };
    world.stack.gateway.faults().clear();
    token
}

fn call(step: &str, secret: &str, token: &str) -> Value {
    json!({"Step": step, "SecretId": secret, "ClientRequestToken": token, "RotationToken": "of this rotation"})
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_in_any_order_and_number_leave_a_valid_secret() {
    // Longer sequences are gone through in `secrets::rotation`.
    for (secret, length) in [(SIGNING, 3), (REFRESH, 2), (DATA, 2)] {
        let world = World::open().await;
        let function = function_of(secret);
        for sequence in 0..4_usize.pow(length) {
            let (token, before) = (begun(&world, secret).await, world.labelled(secret, "AWSCURRENT").await);
            let keys = world.keys(secret).await;
            let steps = (0..length).map(|n| STEPS[sequence / 4_usize.pow(n) % 4]);
            for step in steps.chain(STEPS) {
                let _ = world.stack.invoke(&function, call(step, secret, &token)).await;
                let current = world.labelled(secret, "AWSCURRENT").await;
                assert!(current == before || current.as_deref() == Some(&token));
                assert!((keys..=keys + 1).contains(&world.keys(secret).await));
            }
            assert_eq!(world.labelled(secret, "AWSCURRENT").await, Some(token));
            world.stack.secrets.rotate(secret).await.unwrap();
            assert_eq!(world.labelled(secret, "AWSPENDING").await, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_came_too_late_is_given_up() {
    let world = World::open().await;
    let token = begun(&world, SIGNING).await;
    let function = function_of(SIGNING);
    let answer = world.stack.invoke(&function, call("createSecret", SIGNING, &token)).await.unwrap();
    assert_eq!(answer, json!({"step": "createSecret", "outcome": "done"}));
    let answer = world.stack.invoke(&function, call("createSecret", SIGNING, &token)).await.unwrap();
    assert_eq!(answer["outcome"], "done_before");
    // Whoever took its public key from a cache of six minutes would not know it when it signs.
    world.advance(SignedDuration::from_mins(81));
    let late = world.stack.invoke(&function, call("setSecret", SIGNING, &token)).await.unwrap_err();
    assert!(late.to_string().contains("rotation_overtaken"), "{late}");
    assert_eq!(world.labelled(SIGNING, "AWSPENDING").await, None);
    assert_eq!(world.keys(SIGNING).await, 1);
    world.stack.secrets.rotate(SIGNING).await.unwrap();
    assert_eq!(world.keys(SIGNING).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_step_is_refused() {
    let world = World::open().await;
    for event in [json!({}), json!({"Step": "dropSecret"}), call("createSecret", SIGNING, "unknown"), json!("x")] {
        assert!(world.stack.invoke("rotate-signing-keys", event).await.is_err());
    }
    // Each may touch its own secret only.
    let refused = world.stack.invoke("rotate-data-keys", call("createSecret", SIGNING, "t")).await.unwrap_err();
    assert!(refused.to_string().contains("out of reach"), "{refused}");
    let refused = world.stack.invoke("rotate-data-keys", json!({"emergency": {"retire_kid": "k"}})).await.unwrap_err();
    assert!(refused.to_string().contains("no_emergency"), "{refused}");
}
