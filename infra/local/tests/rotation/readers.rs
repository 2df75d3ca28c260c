//! Readers of keys: one read for a crowd, at once for a key that is new, seldom for one that is made up, and none at all is
//! needed while Secrets Manager is out of reach.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use local::aws::faults::Rule;
use serde_json::json;

use crate::world::{DATA, REFRESH, SIGNING, Tokens, World};

const WHOAMI: &str = "/api/v1/auth/whoami";
const CROWD: usize = 50;

/// How often the function has called, since this was last asked.
async fn calls(world: &World, service: &str, action: &str, during: impl Future<Output = ()>, function: &str) -> u64 {
    let before = world.stack.gateway.counters().snapshot();
    during.await;
    let since = world.stack.gateway.counters().snapshot().since(&before);
    since.total(Some(function), Some(service), Some(action)).calls
}

/// Well-formed, by a key that does not exist.
fn made_up(kid: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid});
    format!("{}.{}.{}", part(header), part(json!({"exp": 4_000_000_000_u32})), URL_SAFE_NO_PAD.encode([7; 64]))
}

/// Everybody at once.
async fn crowd(world: &World, token: impl Fn(usize) -> String, expected: u16) {
    let tokens: Vec<String> = (0..CROWD).map(token).collect();
    let answers = futures::future::join_all(tokens.iter().map(|token| world.get(WHOAMI, token))).await;
    assert!(answers.iter().all(|(status, _)| *status == expected), "{:?}", answers[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_with_a_new_key_makes_one_read_and_all_are_let_in() {
    let (world, tokens) = World::inhabited().await;
    assert!(world.accepts(&tokens.access).await);
    world.stack.secrets.rotate(SIGNING).await.unwrap();
    world.advance(SignedDuration::from_mins(95));
    let new = world.refresh(&tokens).await;
    assert_ne!(new.kid(), tokens.kid());
    let shown = crowd(&world, |_| new.access.clone(), 200);
    assert_eq!(calls(&world, "dynamodb", "Query", shown, "auth-whoami").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_keys_cost_a_read_in_ten_seconds() {
    let (world, tokens) = World::inhabited().await;
    assert!(world.accepts(&tokens.access).await);
    for _ in 0..3 {
        world.advance(SignedDuration::from_secs(10));
        let shown = crowd(&world, |n| made_up(&format!("{n:08x}")), 401);
        assert_eq!(calls(&world, "dynamodb", "Query", shown, "auth-whoami").await, 1);
    }
    // So for the MAC keys: a refresh token that names a key of nobody's.
    let tokens = world.refresh(&tokens).await;
    let forged = tokens.refresh.replacen(kid_of(&tokens), "ffffffff", 1);
    assert_ne!(forged, tokens.refresh);
    world.advance(SignedDuration::from_secs(10));
    let shown = async {
        let body = json!({"refresh_token": forged});
        let all = futures::future::join_all((0..CROWD).map(|_| world.post("/api/v1/auth/refresh", "", &body))).await;
        assert!(all.iter().all(|(status, _)| *status == 401));
    };
    assert_eq!(calls(&world, "secretsmanager", "GetSecretValue", shown, "auth-refresh").await, 1);
    world.refresh(&tokens).await;
}

/// The key that a refresh token names.
fn kid_of(tokens: &Tokens) -> &str {
    tokens.refresh.split('.').next().unwrap().rsplit('_').next().unwrap()
}

/// A reader whose copy is from before a rotation, and who was out of reach of Secrets Manager until just now.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_reader_lacks_is_fetched_at_once() {
    let (world, tokens) = World::inhabited().await;
    let tokens = world.refresh(&tokens).await;
    world.stack.secrets.rotate(REFRESH).await.unwrap();
    let out_of_reach = Rule::error(400, "AccessDeniedException").on_service("secretsmanager").from("auth-refresh");
    world.stack.gateway.faults().add(out_of_reach);
    world.advance(SignedDuration::from_mins(95));
    // This reader goes on with the ring that it has ...
    let tokens = world.refresh(&tokens).await;
    let by_the_new_key = world.log_in().await;
    assert_ne!(kid_of(&by_the_new_key), kid_of(&tokens));
    world.stack.gateway.faults().clear();
    world.advance(SignedDuration::from_secs(10));
    // ... until somebody shows it a key that is not in there.
    world.refresh(&by_the_new_key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_secrets_manager_stops_nobody() {
    let (world, tokens) = World::inhabited().await;
    let path = "/api/v1/vault/kept";
    let put = http::Request::put(path).header("content-type", "application/json");
    let (status, _) = world.send(put, &tokens.access, json!({"value": "a value"}).to_string().into()).await;
    assert_eq!(status, 200);
    assert_eq!(world.get(path, &tokens.access).await.0, 200);
    let mut tokens = world.refresh(&tokens).await;
    for secret in [SIGNING, REFRESH, DATA] {
        world.stack.secrets.rotate(secret).await.unwrap();
    }
    world.advance(SignedDuration::from_mins(6));
    tokens = world.refresh(&tokens).await;
    world.log_in().await;
    world.get(path, &tokens.access).await;
    // Every function has the new rings. Now every call fails, through the change of the keys and for hours after it.
    world.stack.gateway.faults().add(Rule::error(400, "AccessDeniedException").on_service("secretsmanager"));
    for _ in 0..24 {
        world.advance(SignedDuration::from_mins(15));
        tokens = world.refresh(&tokens).await;
        assert!(world.accepts(&tokens.access).await);
        assert_eq!(world.get(path, &tokens.access).await.0, 200);
        assert!(world.accepts(&world.log_in().await.access).await);
    }
    assert!(world.stack.gateway.faults().fired() > 24, "it was asked all the while");
}
