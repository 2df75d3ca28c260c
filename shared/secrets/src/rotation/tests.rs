//! Every order of calls, each cut short at every point: whatever was done to a secret, its current value is whole, and
//! the next proper rotation succeeds.

mod model;

use std::collections::HashSet;

use testkit::MockClock;

use super::*;
use model::{A, Act, B, Model, World};

/// Longer sequences than any real one; by then nothing new turns up but further replacements.
const DEPTH: usize = 6;

const STEPS: [RotationStep; 4] = [RotationStep::Create, RotationStep::Set, RotationStep::Test, RotationStep::Finish];

fn acts() -> Vec<Act> {
    let steps = STEPS.into_iter().flat_map(|step| [A, B].map(|token| Act::Step(step, token)));
    steps.chain([Act::Begin(A), Act::Begin(B), Act::Replace]).collect()
}

/// All states that `act` can leave: done, and cut short before and after each of its effects.
async fn ends(world: &World, from: &Model, act: Act) -> Vec<Model> {
    let mut ends = Vec::new();
    for after in [false, true] {
        for call in 1.. {
            world.begin_anew(from.clone(), Some((call, after)));
            let _ = world.run(act).await;
            let died = world.died();
            ends.push(world.model());
            if !died {
                break;
            }
        }
    }
    ends
}

#[tokio::test]
async fn whatever_is_repeated_skipped_reordered_or_interrupted_the_secret_is_valid() {
    let mut seen: HashSet<Model> = HashSet::from([Model::new()]);
    let mut edge: Vec<Model> = seen.iter().cloned().collect();
    let mut transitions = 0;
    let world = World::healthy(Model::new());
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for from in &edge {
            for act in acts() {
                for end in ends(&world, from, act).await {
                    transitions += 1;
                    end.assert_whole();
                    let end = end.normal();
                    if seen.insert(end.clone()) {
                        next.push(end);
                    }
                }
            }
        }
        edge = next;
    }
    let states = seen.len();
    for state in seen {
        world.begin_anew(state, None);
        assert_recovers(&world).await;
    }
    assert!(states > 30, "{states} states are too few to mean anything");
    println!("{states} states, {transitions} transitions, all valid, all recover");
}

/// Secrets Manager takes up what is pending, with the same version; where that was given up, it begins anew.
async fn assert_recovers(world: &World) {
    for _ in 0..2 {
        let token = world.take_up();
        let mut done = Ok(Outcome::Done);
        for step in STEPS {
            if done.is_ok() {
                done = world.run(Act::Step(step, token)).await;
            }
        }
        if done.is_ok() {
            world.clean_up(token);
            let end = world.model();
            end.assert_whole();
            assert_eq!((end.labelled(CURRENT), end.labelled(PENDING)), (Some(token.to_owned()), None));
            // Late repetitions change nothing.
            for step in STEPS {
                assert_eq!(world.run(Act::Step(step, token)).await.unwrap(), Outcome::DoneBefore);
            }
            assert!(world.model() == end);
            return;
        }
        assert!(matches!(done, Err(RotationError::Overtaken { .. })), "{done:?}");
        assert_eq!(world.model().labelled(PENDING), None);
    }
    panic!("two rotations in a row did not end");
}

#[tokio::test]
async fn a_call_that_does_not_fit_is_refused_and_changes_nothing() {
    let reserved = Model::new().reserved(A);
    for (model, act, why) in [
        (Model::new(), Act::Step(RotationStep::Create, A), Refusal::UnknownVersion),
        (Model::new().switched_off(), Act::Step(RotationStep::Create, A), Refusal::RotationIsOff),
        (reserved.clone(), Act::Step(RotationStep::Create, B), Refusal::UnknownVersion),
        (reserved.clone(), Act::Step(RotationStep::Set, A), Refusal::NotCreated),
        (reserved.clone(), Act::Step(RotationStep::Finish, A), Refusal::NotCreated),
        (Model::new().labelled_otherwise(A), Act::Step(RotationStep::Create, A), Refusal::NotStaged),
        (Model::new().without_current(A), Act::Step(RotationStep::Create, A), Refusal::NoCurrent),
    ] {
        let world = World::healthy(model.clone());
        let error = world.run(act).await.unwrap_err();
        assert!(matches!(&error, RotationError::Refused { why: found, .. } if *found == why), "{error}");
        assert!(!error.is_retryable());
        assert!(world.model() == model);
    }
}

#[tokio::test]
async fn a_schedule_can_be_checked_before_anything_is_rotated() {
    let world = World::healthy(Model::new().reserved(A));
    assert_eq!(world.run(Act::Step(RotationStep::Test, A)).await.unwrap(), Outcome::Done);
    assert!(world.model() == Model::new().reserved(A));
}

#[tokio::test]
async fn skipped_steps_are_missed_at_the_end() {
    let world = World::healthy(Model::new().reserved(A));
    world.run(Act::Step(RotationStep::Create, A)).await.unwrap();
    let error = world.run(Act::Step(RotationStep::Finish, A)).await.unwrap_err();
    assert!(matches!(error, RotationError::Work(_)), "{error}");
    assert_eq!(world.model().labelled(CURRENT).as_deref(), Some(model::FIRST));
}

#[tokio::test]
async fn the_rotation_token_is_handed_on() {
    let world = World::healthy(Model::new().reserved(A));
    let event =
        serde_json::json!({"Step": "createSecret", "SecretId": "s", "ClientRequestToken": A, "RotationToken": "t-1"});
    let call: Call = serde_json::from_value(event).unwrap();
    world.rotator().run(&world, &call).await.unwrap();
    assert_eq!(world.last("PutSecretValue")["RotationToken"], "t-1");
    world.run(Act::Replace).await.unwrap();
    assert_eq!(world.last("PutSecretValue")["RotationToken"], serde_json::Value::Null);
}

#[test]
fn what_is_no_call_is_not_read() {
    for event in [
        r#"{"Step":"dropSecret","SecretId":"s","ClientRequestToken":"t"}"#,
        r#"{"Step":"createSecret","SecretId":"s"}"#,
        r#"{"step":"createSecret","SecretId":"s","ClientRequestToken":"t"}"#,
    ] {
        assert!(serde_json::from_str::<Call>(event).is_err(), "{event}");
    }
}

/// For the model: what the tests believe about time and randomness.
fn rotator(secrets: Secrets, seed: u64) -> Rotator {
    Rotator::new(secrets, Arc::new(MockClock::new()), Arc::new(testkit::SeededEntropy::new(seed)))
}
