//! The compromise drill: a signing key is known to somebody else, and is retired now.

use jiff::SignedDuration;
use local::aws::faults::Rule;
use secrets::SigningKeys;
use serde_json::json;

use crate::world::{REFRESH, SIGNING, World};

#[tokio::test(flavor = "multi_thread")]
async fn from_the_next_request_on_its_tokens_are_refused_everywhere() {
    let (world, tokens) = World::inhabited().await;
    let kid = tokens.kid();
    assert!(world.accepts(&tokens.access).await);

    let done = world.emergency(&kid).await.unwrap();
    assert_eq!(done["ring_changed"], true);
    assert!(!world.accepts(&tokens.access).await);
    // Nobody is locked out: the sessions live, and their next tokens are of another key.
    let next = world.refresh(&tokens).await;
    assert_ne!(next.kid(), kid);
    assert!(world.accepts(&next.access).await);
    assert!(world.accepts(&world.log_in().await.access).await);
    world.advance(SignedDuration::from_mins(1));
    let jwks = world.jwks().await;
    assert!(jwks.contains(&next.kid()) && !jwks.contains(&kid));

    // Again is no more, and what does not exist changes nothing.
    assert_eq!(world.emergency(&kid).await.unwrap()["ring_changed"], false);
    assert!(world.emergency("00000000").await.unwrap_err().to_string().contains("unknown_key"));
    assert!(world.accepts(&next.access).await);
    world.stack.secrets.rotate(SIGNING).await.unwrap();
    assert!(world.accepts(&next.access).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_way_does_not_bring_the_key_back() {
    let (world, tokens) = World::inhabited().await;
    // It breaks off at its last call but one, with everything prepared.
    let fault = Rule::error(400, "AccessDeniedException").on("secretsmanager", "UpdateSecretVersionStage");
    world.stack.gateway.faults().add(fault);
    world.stack.secrets.rotate(SIGNING).await.unwrap_err();
    world.stack.gateway.faults().clear();
    assert!(world.labelled(SIGNING, "AWSPENDING").await.is_some());

    world.emergency(&tokens.kid()).await.unwrap();
    assert_eq!(world.labelled(SIGNING, "AWSPENDING").await, None);
    assert!(!world.accepts(&tokens.access).await);
    world.stack.secrets.rotate(SIGNING).await.unwrap();
    assert_eq!(world.labelled(SIGNING, "AWSPENDING").await, None);
    let mut next = world.refresh(&tokens).await;
    for _ in 0..20 {
        world.advance(SignedDuration::from_mins(10));
        next = world.refresh(&next).await;
        assert!(world.accepts(&next.access).await && !world.accepts(&tokens.access).await);
        assert_ne!(next.kid(), tokens.kid());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_has_not_begun_can_be_retired_too() {
    let (world, tokens) = World::inhabited().await;
    world.stack.secrets.rotate(SIGNING).await.unwrap();
    let ring = world.ring::<SigningKeys>(SIGNING).await;
    let next = ring.all().last().unwrap().id().to_string();
    assert_ne!(next, tokens.kid());
    world.emergency(&next).await.unwrap();
    assert!(world.accepts(&tokens.access).await, "the key in use is none the worse");
    let mut tokens = tokens;
    for _ in 0..20 {
        world.advance(SignedDuration::from_mins(10));
        tokens = world.refresh(&tokens).await;
        assert!(world.accepts(&tokens.access).await);
        assert_ne!(tokens.kid(), next);
    }
}

/// Whatever call of it fails, a second order brings it to its end; and from the first call that worked on, the key's
/// tokens are refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_that_broke_off_is_ordered_again() {
    let (world, tokens) = World::inhabited().await;
    let mut tokens = tokens;
    for call in 1.. {
        let kid = tokens.kid();
        let fault = Rule::error(400, "AccessDeniedException").from("rotate-signing-keys").nth(call);
        world.stack.gateway.faults().add(fault);
        let broke_off = world.emergency(&kid).await.is_err();
        let struck = world.stack.gateway.faults().fired() > 0;
        world.stack.gateway.faults().clear();
        let refused = !world.accepts(&tokens.access).await;
        assert_eq!(refused, call > 2 || !broke_off, "the list is read, then the key is retired: call {call}");
        world.emergency(&kid).await.unwrap();
        assert!(!world.accepts(&tokens.access).await);
        tokens = world.refresh(&tokens).await;
        assert!(world.accepts(&tokens.access).await, "call {call}");
        assert_eq!(world.labelled(SIGNING, "AWSPENDING").await, None);
        assert_eq!(world.labelled(SIGNING, "INNKEEPER-REPLACEMENT").await, None);
        // A read that fails is made once more, past the fault.
        if !struck {
            println!("broke off at each of {} calls", call - 1);
            return;
        }
    }
}

/// docs/secrets.md, "A MAC key": a ring with nothing of the old one in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mac_key_that_is_replaced_by_hand_ends_what_it_made() {
    let (world, tokens) = World::inhabited().await;
    let ring = json!({"initial": "Zr7kV2xQ9mB4tY8wN3cL6hJ1pD5fG0sAuEiToRlKjMvXbC"}).to_string();
    let put = json!({"SecretId": REFRESH, "SecretString": ring});
    world.stack.secrets.run("PutSecretValue", put).await.unwrap();
    world.advance(SignedDuration::from_mins(5));
    let (status, refused) = world.post("/api/v1/auth/refresh", "", &json!({"refresh_token": tokens.refresh})).await;
    assert_eq!((status, &refused["code"]), (401, &json!("invalid_refresh_token")));

    let tokens = world.log_in().await;
    let tokens = world.refresh(&tokens).await;
    world.stack.secrets.rotate(REFRESH).await.unwrap();
    assert!(world.accepts(&world.refresh(&tokens).await.access).await);
}
