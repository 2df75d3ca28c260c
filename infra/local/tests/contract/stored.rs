//! The store as it was at one moment, to go back to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::Api;

/// Items by their key as JSON, of each table that calls change.
#[derive(Default)]
pub(crate) struct Stored([(&'static str, BTreeMap<String, Value>); 2]);

impl Stored {
    pub(crate) fn of(api: &Api) -> Self {
        Self(["core", "limits"].map(|table| (table, by_key(&api.items(table)))))
    }

    /// Undoes what a call did to the store.
    pub(crate) fn set_back(&self, api: &Api) {
        let run = |operation, input: Value| api.stack.dynamodb.run(operation, input).unwrap();
        for (table, stored) in &self.0 {
            let (now, name) = (by_key(&api.items(table)), format!("innkeeper-local-{table}"));
            for key in now.keys().filter(|key| !stored.contains_key(*key)) {
                let key: Value = serde_json::from_str(key).unwrap();
                run("DeleteItem", json!({"TableName": name, "Key": key}));
            }
            for (_, item) in stored.iter().filter(|(key, item)| now.get(*key) != Some(item)) {
                run("PutItem", json!({"TableName": name, "Item": item}));
            }
        }
    }
}

fn by_key(items: &[Value]) -> BTreeMap<String, Value> {
    let key = |item: &Value| match item.get("sk") {
        Some(sk) => json!({"pk": item["pk"], "sk": sk}).to_string(),
        None => json!({"pk": item["pk"]}).to_string(),
    };
    items.iter().map(|item| (key(item), item.clone())).collect()
}
