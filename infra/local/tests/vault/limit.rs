//! How many names a vault takes.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn r22_a_vault_takes_a_thousand_names_and_says_so() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "first", "value").await;
    let mut count = world.item(&owner, "COUNT#VAULT");
    assert_eq!(count["names"], json!({"N": "1"}));
    count["names"] = json!({"N": "999"});
    world.plant(count);
    world.write(&owner, "last", "value").await;

    let refused = world.put(&owner, "one-more", json!({"value": "x"})).await;
    let problem = refused.problem(409, "vault_full");
    assert!(problem["detail"].as_str().unwrap().contains("1000"), "{problem}");
    assert!(world.value(&owner, "one-more").await.is_none());
    assert_eq!(world.write(&owner, "last", "next").await, 2, "what is there may change");
    world.delete(&owner, "first").await.expect(204);
    world.write(&owner, "one-more", "value").await;
    assert_eq!(world.item(&owner, "COUNT#VAULT")["names"], json!({"N": "1000"}));
}

#[tokio::test]
async fn r22_a_name_from_before_the_count_can_be_deleted() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    world.write(&owner, "old", "value").await;
    let count = world.item(&owner, "COUNT#VAULT");
    let gone = json!({"TableName": "innkeeper-local-core", "Key": {"pk": count["pk"], "sk": count["sk"]}});
    world.api.stack.dynamodb.run("DeleteItem", gone).unwrap();
    world.delete(&owner, "old").await.expect(204);
    assert!(world.value(&owner, "old").await.is_none());
}
