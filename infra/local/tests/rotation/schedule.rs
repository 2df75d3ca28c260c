//! Rotation by the template's schedule.

use jiff::SignedDuration;
use serde_json::Value;

use crate::world::{DATA, REFRESH, SIGNING, World, function_of};

fn next(described: &Value) -> f64 {
    described["NextRotationDate"].as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ring_has_its_function_and_its_thirty_days() {
    let world = World::open().await;
    for secret in [SIGNING, REFRESH, DATA] {
        let described = world.describe(secret).await;
        assert_eq!(described["RotationEnabled"], true);
        let function = described["RotationLambdaARN"].as_str().unwrap();
        assert!(function.ends_with(&format!("innkeeper-local-{}", function_of(secret))), "{function}");
        let in_days = (next(&described) - world.now().as_second() as f64) / 86_400.0;
        assert!((in_days - 30.0).abs() < 0.001, "{in_days}");
        assert_eq!(world.keys(secret).await, 1, "a new stack rotates nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_stacks_schedules_pass_their_test_before_anybody_signs() {
    let world = World::open().await;
    for secret in [SIGNING, REFRESH, DATA] {
        world.stack.secrets.try_out(secret).await.unwrap();
        assert_eq!(world.labelled(secret, "AWSPENDING").await, None, "{secret}");
        assert_eq!(world.keys(secret).await, 1, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_rotated_by_the_stack_itself() {
    let world = World::open().await;
    world.advance(SignedDuration::from_hours(30 * 24));
    for secret in [SIGNING, REFRESH, DATA] {
        let two = async || {
            // Slower than a function may be: its time is the stack's.
            world.advance(SignedDuration::from_secs(2));
            (world.keys(secret).await == 2).then_some(())
        };
        world.until(secret, two).await;
        let settled = async || world.labelled(secret, "AWSPENDING").await.is_none().then_some(());
        world.until("the end of the rotation", settled).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_does_not_put_it_off() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Some(folder.path()), "2026-03-01T09:00:00Z".parse().unwrap()).await;
    let (before, now) = (next(&world.describe(SIGNING).await), world.now());
    drop(world);
    let world = World::on(Some(folder.path()), now + SignedDuration::from_hours(20 * 24)).await;
    assert!((next(&world.describe(SIGNING).await) - before).abs() < 0.001);
}
