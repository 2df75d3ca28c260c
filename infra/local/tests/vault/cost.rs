//! What each route costs, as the access pattern table of the store says.

use serde_json::json;

use crate::world::{Owner, World};

/// What a call of a function costs.
#[derive(Debug, PartialEq)]
struct Price {
    calls: String,
    read: f64,
    write: f64,
}

fn price(calls: &str, read: f64, write: f64) -> Price {
    Price { calls: calls.to_owned(), read, write }
}

/// What the function pays for, the door's one `BatchGetItem` included. Schedules run beside it.
async fn spent(world: &World, function: &str, call: impl Future<Output = ()>) -> Price {
    let before = world.usage();
    call.await;
    let used = world.usage().since(&before);
    let mut calls: Vec<String> = Vec::new();
    for (_, service, action, count) in used.lines().filter(|(name, ..)| *name == function) {
        assert_eq!(service, "dynamodb", "{action}");
        calls.extend((0..count.calls).map(|_| action.to_owned()));
    }
    let total = used.total(Some(function), None, None);
    price(&calls.join(" + "), total.read_units, total.write_units)
}

struct Shop<'a> {
    world: &'a World,
    owner: &'a Owner,
    /// The door's own read units.
    door: f64,
}

impl Shop<'_> {
    async fn costs(&self, what: &str, function: &str, call: impl Future<Output = ()>, expected: Price) {
        let spent = spent(self.world, function, call).await;
        let own =
            Price { calls: spent.calls.replacen("BatchGetItem + ", "", 1), read: spent.read - self.door, ..spent };
        println!("{what:<24} {:<46} {:>3} RCU {:>4} WCU", own.calls, own.read, own.write);
        assert_eq!(own, expected, "{what}");
    }

    async fn put(&self, size: usize) {
        self.world.put(self.owner, "a", json!({"value": "x".repeat(size)})).await.expect(200);
    }

    async fn get(&self) {
        self.world.get(self.owner, "a").await.expect(200);
    }
}

#[tokio::test]
async fn r22_every_route_costs_what_the_table_says() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let (reads, manages) = ("vault-read", "vault-manage");
    // Started, with the keys read.
    world.get(&owner, "none").await.problem(404, "not_found");
    world.list(&owner, "").await.expect(200);
    let no_name =
        spent(&world, reads, async { drop(world.get(&owner, "no//name").await.problem(404, "not_found")) }).await;
    assert_eq!((&*no_name.calls, no_name.write), ("BatchGetItem", 0.0), "what is no name is looked for nowhere");
    let shop = Shop { world: &world, owner: &owner, door: no_name.read };

    let change = "BatchGetItem + TransactWriteItems";
    shop.costs("first version", manages, shop.put(32), price(change, 4.0, 12.0)).await;
    shop.costs("next version", manages, shop.put(32), price(change, 4.0, 10.0)).await;
    for _ in 0..8 {
        shop.put(32).await;
    }
    shop.costs("eleventh version", manages, shop.put(32), price(change, 4.0, 12.0)).await;
    shop.costs("read", reads, shop.get(), price("BatchGetItem + PutItem", 2.0, 1.0)).await;
    let back = async { drop(world.rollback(&owner, "a", json!({"rollback_to": 5})).await.expect(200)) };
    let change_back = price("BatchGetItem + GetItem + TransactWriteItems", 5.0, 12.0);
    shop.costs("rollback", manages, back, change_back).await;
    let list = async { drop(world.list(&owner, "").await.expect(200)) };
    shop.costs("list of one", manages, list, price("Query", 1.0, 0.0)).await;

    let large = 64 * 1024;
    shop.costs("64 KiB after a small one", manages, shop.put(large), price(change, 4.0, 140.0)).await;
    shop.costs("64 KiB after 64 KiB", manages, shop.put(large), price(change, 20.0, 268.0)).await;
    shop.costs("read 64 KiB", reads, shop.get(), price("BatchGetItem + PutItem", 18.0, 1.0)).await;
    let delete = async { drop(world.delete(&owner, "a").await.expect(204)) };
    shop.costs("delete, two of 64 KiB", manages, delete, price("GetItem + TransactWriteItems", 1.0, 284.0)).await;
}
