//! Many at once: one rotation wins, and the secret of whoever lost opens nothing.

use futures::future::join_all;
use serde_json::Value;

use crate::world::{Minted, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r18_of_many_rotations_at_once_each_answer_is_the_key_or_a_conflict() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &["vault.manage"]).await;
    let mut last = key.text.clone();
    for _ in 0..5 {
        let answers = join_all((0..6).map(|_| world.rotate(&owner, key.id(), &Value::Null))).await;
        assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status)));
        let won: Vec<Minted> = answers.iter().filter(|a| a.status == 200).map(|a| Minted::of(a.expect(200))).collect();
        assert!(!won.is_empty());
        // Who came later than another and still won has made that other one the former secret; all others have ended.
        let mut open = Vec::new();
        for minted in &won {
            if world.knock(&minted.text).await == 200 {
                open.push(minted.text.clone());
            }
        }
        let before = world.knock(&last).await == 200;
        assert_eq!(open.len() + usize::from(before), 2, "the current secret and the one before it");
        last = open.last().unwrap().clone();
    }
    let versions = world.items(&owner, "API-KEY#")[0]["version"]["N"].as_str().unwrap().parse::<usize>().unwrap();
    assert_eq!(world.audited(&owner, "api_key.rotated").len(), versions - 1, "one entry for each rotation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r18_a_key_that_is_revoked_while_it_is_rotated_is_gone() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    for _ in 0..8 {
        let key = world.mint(&owner, &["vault.manage"]).await;
        let rotations = join_all((0..2).map(|_| world.rotate(&owner, key.id(), &Value::Null)));
        let (rotated, revoked) = tokio::join!(rotations, world.revoke(&owner, key.id()));
        revoked.expect(204);
        assert!(rotated.iter().all(|answer| [200, 404, 409].contains(&answer.status)));
        assert_eq!(world.knock(&key.text).await, 401);
        for answer in rotated.iter().filter(|answer| answer.status == 200) {
            assert_eq!(world.knock(&Minted::of(answer.expect(200)).text).await, 401);
        }
        assert!(world.items(&owner, "API-KEY#").is_empty());
    }
}
