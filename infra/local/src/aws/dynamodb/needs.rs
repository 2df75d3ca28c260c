//! What a DynamoDB request needs of IAM (Service Authorization Reference, "Actions for Amazon DynamoDB").

use std::collections::BTreeSet;

use serde_json::Value;

use super::DynamoDb;

impl DynamoDb {
    /// The (action, ARN) pairs of a request, each once.
    pub(super) fn needs(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        let table = |body: &Value| self.table_arn(body["TableName"].as_str().unwrap_or_default());
        let needs: BTreeSet<(&str, String)> = match action {
            "ListTables" => [(action, "*".to_owned())].into(),
            "Query" | "Scan" => [(action, self.source(body))].into(),
            "BatchGetItem" | "BatchWriteItem" => {
                let tables = body["RequestItems"].as_object().into_iter().flat_map(|items| items.keys());
                tables.map(|name| (action, self.table_arn(name))).collect()
            }
            "TransactGetItems" | "TransactWriteItems" => {
                let items = body["TransactItems"].as_array().into_iter().flatten();
                let parts = items.filter_map(Value::as_object).flatten();
                parts.filter_map(|(kind, part)| Some((item_action(kind)?, table(part)))).collect()
            }
            "CreateTable" if body["Tags"].is_array() => [action, "TagResource"].map(|it| (it, table(body))).into(),
            _ => [(action, table(body))].into(),
        };
        needs.into_iter().map(|(action, arn)| (format!("dynamodb:{action}"), arn)).collect()
    }

    /// The table that a query reads, or its index.
    fn source(&self, body: &Value) -> String {
        let table = self.table_arn(body["TableName"].as_str().unwrap_or_default());
        match body["IndexName"].as_str() {
            Some(index) => format!("{table}/index/{index}"),
            None => table,
        }
    }
}

/// The permission behind one part of a transaction.
fn item_action(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Get" => "GetItem",
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        "Delete" => "DeleteItem",
        "ConditionCheck" => "ConditionCheckItem",
        _ => return None,
    })
}
