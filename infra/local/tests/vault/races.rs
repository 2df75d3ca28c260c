//! Many at once: no version is lost, no number is given twice.

use std::collections::BTreeSet;

use futures::future::join_all;
use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r22_of_many_who_follow_one_version_one_wins() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    for round in 0..5 {
        let puts = (0..8).map(|n| world.put(&owner, "a", json!({"value": format!("{round}.{n}"), "version": round})));
        let answers = join_all(puts).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        let lost = answers.iter().filter(|answer| answer.status == 409).count();
        assert_eq!((won, lost), (1, 7), "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        assert_eq!(world.get(&owner, "a").await.expect(200)["version"], round + 1);
    }
    assert_eq!(world.audited(&owner).iter().filter(|e| e["action"]["S"] == "vault.written").count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r22_of_many_who_name_no_version_each_gets_its_own() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let writes = (0..8).map(|n| world.put(&owner, "a", json!({"value": format!("value {n}")})));
    let answers = join_all(writes).await;
    let versions: BTreeSet<u64> =
        answers.iter().map(|answer| answer.expect(200)["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, (1..=8).collect());
    assert_eq!(world.keys(&owner).len(), 1 + 8);
    for version in versions {
        world.rollback(&owner, "a", json!({"rollback_to": version})).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r22_deletion_among_writes_leaves_all_or_nothing() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let mut used = 0;
    for _ in 0..10 {
        let writes = join_all((0..4).map(|n| world.put(&owner, "a", json!({"value": format!("{n}")}))));
        let deletes = join_all((0..3).map(|_| world.delete(&owner, "a")));
        let reads = join_all((0..4).map(|_| world.get(&owner, "a")));
        let (writes, deletes, reads) = tokio::join!(writes, deletes, reads);
        for answer in reads {
            assert!([200, 404].contains(&answer.status), "a read is of one version or of none: {}", answer.status);
        }
        assert!(deletes.iter().all(|answer| [204, 404].contains(&answer.status)));
        let numbers: Vec<u64> = writes.iter().map(|answer| answer.expect(200)["version"].as_u64().unwrap()).collect();
        assert!(numbers.iter().all(|number| *number > used), "{numbers:?} after {used}");
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        used = numbers.into_iter().max().unwrap();
        let keys = world.keys(&owner);
        let entries = keys.iter().filter(|key| *key == "VAULT#a").count();
        let values = keys.iter().filter(|key| *key == "VAULT-VALUE#a").count();
        let marks = keys.iter().filter(|key| *key == "VAULT-USED#a").count();
        assert!(
            (entries, values, marks) == (1, 1, 0) || (entries, values, marks, keys.len()) == (0, 0, 1, 1),
            "{keys:?}"
        );
    }
}

/// As a re-seal does between the read and the write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r21_of_a_value_that_is_sealed_anew_meanwhile_the_new_seal_is_kept() {
    const ANEW: &str = "c2VhbGVkIGFuZXc=";
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "a", "first").await;
    let (clock, faults) = (&world.api.stack.clock, world.api.stack.gateway.faults());
    clock.freeze();
    let wait = SignedDuration::from_secs(1);
    faults.add(Rule::new(Fault::Delay(wait)).on("dynamodb", "TransactWriteItems").from("vault-manage").nth(1));
    let reseal = async {
        while faults.fired() == 0 {
            tokio::task::yield_now().await;
        }
        let mut value = world.item(&owner, "VAULT-VALUE#a");
        value["sealed"] = json!({"B": ANEW});
        world.plant(value);
        clock.advance(wait);
    };
    let (written, ()) = tokio::join!(world.write(&owner, "a", "second"), reseal);
    assert_eq!(written, 2);
    assert_eq!(world.item(&owner, "VAULT-VALUE#a#0000000001")["sealed"]["B"], ANEW);
    assert_eq!(world.value(&owner, "a").await.as_deref(), Some("second"));
}
