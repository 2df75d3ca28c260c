//! Limits that are counted with every call.

use futures::{StreamExt, stream};
use jiff::SignedDuration;
use serde_json::json;

use crate::{stack, world::World};

/// Counted before the body is read, so that a test need not have the tenants.
async fn ask(world: &World, caller: &crate::world::Caller) -> u16 {
    world.post(caller, "/api/v1/tenants", &json!({})).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn r15_of_five_thousand_at_once_exactly_a_thousand_pass() {
    let world = stack(&[("SignupsPerMinute", "1000")]).await;
    let caller = world.somebody();
    let statuses: Vec<u16> = stream::iter(0..5_000).map(|_| ask(&world, &caller)).buffer_unordered(100).collect().await;
    let of = |status: u16| statuses.iter().filter(|it| **it == status).count();
    assert_eq!((of(422), of(429)), (1_000, 4_000));
    world.advance(SignedDuration::from_secs(59));
    assert_eq!(ask(&world, &caller).await, 429);
    world.advance(SignedDuration::from_secs(1));
    assert_eq!(ask(&world, &caller).await, 422);
}

#[tokio::test]
async fn r15_three_signups_a_minute_and_client() {
    let world = stack(&[]).await;
    let caller = world.somebody();
    for left in (0..3).rev() {
        let answer = world.post(&caller, "/api/v1/tenants", &json!({})).await;
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""signup";q=3;w=60"#));
        assert_eq!(answer.header("ratelimit"), Some(format!(r#""signup";r={left};t=60"#).as_str()));
        answer.problem(422, "invalid_fields");
    }
    world.advance(SignedDuration::from_secs(20));
    let refused = world.post(&caller, "/api/v1/tenants", &json!({})).await;
    assert_eq!(
        (refused.header("retry-after"), refused.header("ratelimit")),
        (Some("40"), Some(r#""signup";r=0;t=40"#))
    );
    refused.problem(429, "too_many_tries");
    assert_eq!(ask(&world, &world.somebody()).await, 422);
    world.advance(SignedDuration::from_secs(40));
    assert_eq!(ask(&world, &caller).await, 422);
}
