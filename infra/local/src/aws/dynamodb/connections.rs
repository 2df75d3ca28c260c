//! A connection that writes and one that reads, so that no read waits for a transaction.
//!
//! dynoxide does one thing at a time on each. Over a file SQLite's write-ahead log gives a reader the last commit without
//! making it wait. A database in memory has one connection, which both are then.

use std::{
    path::Path,
    sync::{PoisonError, RwLock},
};

use dynoxide::{Database, DynoxideError};

/// Both connections to one database.
pub(super) struct Connections {
    writer: Database,
    reader: RwLock<Database>,
    /// The file; `None` is memory.
    path: Option<String>,
}

impl Connections {
    /// Opens the database at `path`, or an empty one in memory.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, DynoxideError> {
        let path = path.map(|path| path.to_string_lossy().into_owned());
        let writer = match &path {
            Some(path) => Database::new(path)?,
            None => Database::memory()?,
        };
        let reader = match &path {
            Some(path) => Database::new(path)?,
            None => writer.clone(),
        };
        Ok(Self { writer, reader: RwLock::new(reader), path })
    }

    /// For what writes, for transactions, and for what is done to tables.
    pub(super) fn writer(&self) -> &Database {
        &self.writer
    }

    /// For what only reads items. It sees everything that was answered before.
    pub(super) fn reader(&self) -> Database {
        self.reader.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// After a table's change: a connection remembers what a table looks like, and hears only of its own changes.
    pub(super) fn tables_changed(&self) -> Result<(), DynoxideError> {
        if let Some(path) = &self.path {
            *self.reader.write().unwrap_or_else(PoisonError::into_inner) = Database::new(path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use serde_json::{Value, json};

    use crate::aws::{AwsError, testing::World};

    fn put(world: &World, key: &Value) -> Result<Value, AwsError> {
        world.dynamodb.run("PutItem", json!({"TableName": "table", "Item": {"pk": key}}))
    }

    fn get(world: &World, key: &Value) -> Result<Value, AwsError> {
        world.dynamodb.run("GetItem", json!({"TableName": "table", "Key": {"pk": key}}))
    }

    #[test]
    fn a_read_sees_every_write_that_was_answered() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::on(Some(dir.path()));
        world.table();
        for n in 0..100 {
            let key = json!({"S": n.to_string()});
            put(&world, &key).unwrap();
            assert_eq!(get(&world, &key).unwrap()["Item"]["pk"], key);
        }
    }

    #[test]
    fn a_read_does_not_wait_for_a_write() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::on(Some(dir.path()));
        world.table();
        let key = json!({"S": "written"});
        let somebody = rusqlite::Connection::open(dir.path().join("dynamodb.sqlite")).unwrap();
        somebody.execute_batch("BEGIN IMMEDIATE").unwrap();
        std::thread::scope(|scope| {
            let (begins, begun) = mpsc::channel();
            let (world, key) = (&world, &key);
            let writing = scope.spawn(move || {
                begins.send(()).unwrap();
                put(world, key)
            });
            begun.recv().unwrap();
            // The write waits for us. Would a read wait for it, the write would give up first.
            for _ in 0..1_000 {
                assert_eq!(get(world, key).unwrap()["Item"], Value::Null);
            }
            somebody.execute_batch("ROLLBACK").unwrap();
            writing.join().unwrap().unwrap();
        });
        assert_eq!(get(&world, &key).unwrap()["Item"]["pk"], key);
    }

    #[test]
    fn a_read_sees_a_table_as_it_is_now() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::on(Some(dir.path()));
        world.table();
        let key = json!({"S": "a"});
        put(&world, &key).unwrap();
        get(&world, &key).unwrap();

        let index = json!({
            "TableName": "table",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [{"Create": {
                "IndexName": "by-key", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }}],
        });
        world.dynamodb.run("UpdateTable", index).unwrap();
        let by_index = json!({
            "TableName": "table", "IndexName": "by-key", "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": key},
        });
        assert_eq!(world.dynamodb.run("Query", by_index).unwrap()["Count"], 1);

        world.dynamodb.run("DeleteTable", json!({"TableName": "table"})).unwrap();
        assert_eq!(get(&world, &key).unwrap_err().code, "ResourceNotFoundException");
    }
}
