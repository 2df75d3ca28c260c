//! What a call with a key costs, and what the routes cost.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{ALL, World};

/// The calls of a function beside those that are listed, in order, with their units.
async fn spent(world: &World, function: &str, call: impl Future<Output = ()>) -> (String, f64, f64) {
    let before = world.usage();
    call.await;
    let used = world.usage().since(&before);
    let mut calls: Vec<String> = Vec::new();
    for (_, _, action, count) in used.lines().filter(|(name, ..)| *name == function) {
        calls.extend((0..count.calls).map(|_| action.to_owned()));
    }
    let total = used.total(Some(function), None, None);
    (calls.join(" + "), total.read_units, total.write_units)
}

fn price(calls: &str, read: f64, write: f64) -> (String, f64, f64) {
    (calls.to_owned(), read, write)
}

#[tokio::test]
async fn r18_a_call_costs_one_read_and_a_write_for_the_first_of_an_hour() {
    let world = World::open().await;
    let mut owner = world.owner("own").await;
    let key = world.mint(&owner, &ALL).await;
    let knock = || async { assert_eq!(world.knock(&key.text).await, 200) };
    world.api.get("/api/v1/vault", &owner.token).await.expect(200);
    let first = spent(&world, "vault-manage", knock()).await;
    assert_eq!(first, price("BatchGetItem + Query + UpdateItem", 3.0, 1.0), "two items, an empty list, a note");
    for _ in 0..20 {
        world.advance(SignedDuration::from_secs(179));
        assert_eq!(spent(&world, "vault-manage", knock()).await, price("BatchGetItem + Query", 3.0, 0.0));
    }
    let at = world.api.stack.clock.now() - SignedDuration::from_secs(20 * 179);
    world.again(&mut owner).await;
    assert_eq!(world.shown(&owner, key.id()).await.expect(200)["last_used_at"], json!(at));
    world.advance(SignedDuration::from_secs(20));
    assert_eq!(spent(&world, "vault-manage", knock()).await.2, 1.0, "the first of the next hour");

    // Another function has not heard of it, and asks; the note of the hour stands.
    let noted = world.shown(&owner, key.id()).await.expect(200)["last_used_at"].clone();
    world.advance(SignedDuration::from_secs(60));
    world.api.get("/api/v1/vault/none", &key.text).await.problem(404, "not_found");
    assert_eq!(world.shown(&owner, key.id()).await.expect(200)["last_used_at"], noted);
}

#[tokio::test]
async fn r18_a_use_that_cannot_be_noted_is_no_less_a_use_and_a_refusal_is_none() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let (open, shut) = (world.mint(&owner, &ALL).await, world.mint(&owner, &["audit.read"]).await);
    let fault = local::aws::faults::Rule::error(500, "InternalServerError").on("dynamodb", "UpdateItem");
    world.api.stack.gateway.faults().add(fault);
    assert_eq!([world.knock(&open.text).await, world.knock(&shut.text).await], [200, 403]);
    world.api.stack.gateway.faults().clear();
    for key in [open, shut] {
        assert_eq!(world.shown(&owner, key.id()).await.expect(200)["last_used_at"], Value::Null);
    }
}

#[tokio::test]
async fn r18_every_route_costs_what_the_table_says() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let function = "keys-manage";
    world.list(&owner, "").await.expect(200);
    // The door's own: session, membership, tenant, generation; and the second factor where a recent proof is asked for.
    let (door, proof) = (4.0, 5.0);
    let key = world.mint(&owner, &["vault.read"]).await;
    let mint = spent(&world, function, async { drop(world.mint(&owner, &["vault.read"]).await) }).await;
    assert_eq!(mint, price("BatchGetItem + TransactWriteItems", proof, 8.0));
    let list = spent(&world, function, async { drop(world.list(&owner, "").await.expect(200)) }).await;
    assert_eq!(list, price("BatchGetItem + BatchGetItem + Query", door + 1.0 + 1.0, 0.0));
    let look = spent(&world, function, async { drop(world.shown(&owner, key.id()).await.expect(200)) }).await;
    assert_eq!(look, price("BatchGetItem + BatchGetItem + GetItem", door + 1.0 + 0.5, 0.0));
    let rotate = async { drop(world.rotate(&owner, key.id(), &Value::Null).await.expect(200)) };
    let rotate = spent(&world, function, rotate).await;
    assert_eq!(rotate, price("BatchGetItem + BatchGetItem + GetItem + TransactWriteItems", proof + 1.5, 4.0));
    let revoke = spent(&world, function, async { drop(world.revoke(&owner, key.id()).await.expect(204)) }).await;
    assert_eq!(revoke, price("BatchGetItem + TransactWriteItems", door, 8.0));
}

#[tokio::test]
async fn r18_the_function_needs_all_that_it_may_do() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &ALL).await;
    world.list(&owner, "").await.expect(200);
    world.rotate(&owner, key.id(), &Value::Null).await.expect(200);
    world.knock(&key.text).await;
    world.revoke(&owner, key.id()).await.expect(204);
    let unused = world.api.stack.principals.unused();
    // Of the limits' table, which tests/limits shows to be needed.
    let counts = "may dynamodb:UpdateItem";
    let ours: Vec<&String> =
        unused.iter().filter(|line| line.contains(" KeysManage") && !line.ends_with(counts)).collect();
    assert!(ours.is_empty(), "{ours:?}");
}
