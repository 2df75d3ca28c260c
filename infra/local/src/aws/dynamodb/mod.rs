//! DynamoDB, by `dynoxide` in this process.
//!
//! Requests go to dynoxide's typed API, not to its HTTP router (which is private and wants a socket). Calls run on the
//! thread that makes them: one takes 50 to 250 µs, most of it under the lock of its [connection](connections), so moving it
//! to the blocking pool would add two thread hops to each and gain nothing but threads that queue for the same lock. The
//! lock is never held across an await, so its holder always runs. Only [`sweep_ttl`](DynamoDb::sweep_ttl) reads whole tables: run it on the
//! blocking pool.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Clock;
use dynoxide::DynoxideError;
use futures::future::{BoxFuture, FutureExt, ready};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::counters::{Count, Counters};
use super::{ACCOUNT, AwsError, Caller, Persist, Service};
use connections::Connections;
use tokens::Tokens;

mod backups;
mod connections;
mod failure;
mod needs;
mod tokens;
mod ttl;

/// Actions on items; the other ones are on tables.
const READS: [&str; 5] = ["GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"];
const WRITES: [&str; 5] = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"];

/// The DynamoDB API over one database file, or over memory.
pub struct DynamoDb {
    connections: Connections,
    region: String,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    persist: Arc<Persist>,
    /// The tables with point-in-time recovery.
    recoverable: Mutex<BTreeSet<String>>,
    tokens: Mutex<Tokens>,
}

impl DynamoDb {
    /// Opens the database at `path`, or an empty one in memory.
    pub fn open(
        path: Option<&Path>,
        region: impl Into<String>,
        clock: Arc<dyn Clock>,
        counters: Arc<Counters>,
        persist: Arc<Persist>,
    ) -> Result<Self, AwsError> {
        let connections = Connections::open(path).map_err(failure::of)?;
        let recoverable = Mutex::new(backups::load(&persist)?);
        let tokens = Mutex::default();
        Ok(Self { connections, region: region.into(), clock, counters, persist, recoverable, tokens })
    }

    /// Runs one action without IAM, faults or counts: for the stack itself, which creates the template's tables.
    pub fn run(&self, action: &str, body: Value) -> Result<Value, AwsError> {
        let db = self.connections.writer();
        match action {
            "CreateTable" => self.table(typed(action, body, |it| db.create_table(it))),
            "DescribeTable" => self.table(typed(action, body, |it| db.describe_table(it))),
            "UpdateTable" => self.changed(self.table(typed(action, body, |it| db.update_table(it)))),
            "DeleteTable" => self.changed(self.delete_table(body)),
            "ListTables" => typed(action, body, |it| db.list_tables(it)),
            "UpdateTimeToLive" => typed(action, body, |it| db.update_time_to_live(it)),
            "DescribeTimeToLive" => typed(action, body, |it| db.describe_time_to_live(it)),
            "UpdateContinuousBackups" => self.update_backups(&body),
            "DescribeContinuousBackups" => self.describe_backups(&body),
            "GetItem" => typed(action, body, |it| self.connections.reader().get_item(it)),
            "PutItem" => typed(action, body, |it| db.put_item(it)),
            "UpdateItem" => typed(action, body, |it| db.update_item(it)),
            "DeleteItem" => typed(action, body, |it| db.delete_item(it)),
            "Query" => typed(action, body, |it| self.connections.reader().query(it)),
            "Scan" => typed(action, body, |it| self.connections.reader().scan(it)),
            "BatchGetItem" => typed(action, body, |it| self.connections.reader().batch_get_item(it)),
            "BatchWriteItem" => typed(action, body, |it| db.batch_write_item(it)),
            "TransactWriteItems" => {
                // Held over the run, so that the same transaction twice at once is done once. dynoxide does one at a time anyway.
                let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                tokens.once(self.clock.now(), body, |body| typed(action, body, |it| db.transact_write_items(it)))
            }
            "TransactGetItems" => typed(action, body, |it| db.transact_get_items(it)),
            _ => Err(AwsError::unknown(format!("dynamodb:{action}"))),
        }
    }

    /// Runs one action on items, and counts what it would cost whether the caller asks for the figure or not.
    fn metered(&self, caller: &Caller, action: &str, mut body: Value) -> Result<Value, AwsError> {
        let write = WRITES.contains(&action);
        if !write && !READS.contains(&action) {
            return self.run(action, body);
        }
        let asked = matches!(body["ReturnConsumedCapacity"].as_str(), Some(mode) if mode != "NONE");
        if !asked && let Some(body) = body.as_object_mut() {
            body.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        }
        let mut answer = self.run(action, body)?;
        let units = units(&answer["ConsumedCapacity"]);
        let count = match write {
            true => Count { write_units: units, ..Count::default() },
            false => Count { read_units: units, ..Count::default() },
        };
        self.counters.add(&caller.function, "dynamodb", action, count);
        if !asked && let Some(answer) = answer.as_object_mut() {
            answer.remove("ConsumedCapacity");
        }
        Ok(answer)
    }

    fn delete_table(&self, body: Value) -> Result<Value, AwsError> {
        let name = body["TableName"].as_str().unwrap_or_default().to_owned();
        let answer = self.table(typed("DeleteTable", body, |it| self.connections.writer().delete_table(it)))?;
        self.forget_backups(&name)?;
        Ok(answer)
    }

    /// A changed table, which reads see as it is now.
    fn changed(&self, answer: Result<Value, AwsError>) -> Result<Value, AwsError> {
        self.connections.tables_changed().map_err(failure::of)?;
        answer
    }

    /// A table's description, with ARNs of our region and account in place of dynoxide's own.
    fn table(&self, answer: Result<Value, AwsError>) -> Result<Value, AwsError> {
        use dynoxide::streams::{LOCAL_ACCOUNT, LOCAL_REGION};
        let theirs = format!("arn:aws:dynamodb:{LOCAL_REGION}:{LOCAL_ACCOUNT}:");
        let ours = format!("arn:aws:dynamodb:{}:{ACCOUNT}:", self.region);
        answer.map(|mut answer| {
            rename(&mut answer, &theirs, &ours);
            answer
        })
    }

    /// The ARN of a table given by name or by ARN.
    fn table_arn(&self, table: &str) -> String {
        match table.starts_with("arn:") {
            true => table.to_owned(),
            false => format!("arn:aws:dynamodb:{}:{ACCOUNT}:table/{table}", self.region),
        }
    }
}

impl Service for DynamoDb {
    fn call<'a>(&'a self, caller: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        ready(self.metered(caller, action, body)).boxed()
    }

    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        self.needs(action, body)
    }
}

fn typed<Q: DeserializeOwned, R: Serialize>(
    action: &str,
    body: Value,
    run: impl FnOnce(Q) -> Result<R, DynoxideError>,
) -> Result<Value, AwsError> {
    let request = serde_json::from_value(body).map_err(|error| failure::unreadable(&error.to_string()));
    let answer = request.and_then(run).map_err(|error| failure::of_action(action, error))?;
    serde_json::to_value(answer).map_err(AwsError::internal)
}

/// The sum over one `ConsumedCapacity`, or over a batch's list of them.
fn units(consumed: &Value) -> f64 {
    let entries = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
    entries.iter().filter_map(|entry| entry["CapacityUnits"].as_f64()).sum()
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text.starts_with(from) => text.replace_range(..from.len(), to),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        Value::Object(members) => members.values_mut().for_each(|member| rename(member, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
