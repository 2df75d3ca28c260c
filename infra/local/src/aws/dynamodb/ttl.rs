//! Expiry by the stack's time. dynoxide's own sweep goes by the wall clock, which a scaled or frozen stack leaves behind.

use serde_json::{Value, json};

use super::DynamoDb;
use crate::aws::AwsError;

/// DynamoDB leaves alone what would have expired more than five years ago.
const TOO_OLD_SECONDS: i64 = 5 * 365 * 24 * 3_600;

impl DynamoDb {
    /// Deletes the items whose time to live has passed, and says how many. Blocks while it reads whole tables.
    pub fn sweep_ttl(&self) -> Result<usize, AwsError> {
        let mut swept = 0;
        let mut page = json!({});
        loop {
            let answer = self.run("ListTables", page)?;
            for table in answer["TableNames"].as_array().into_iter().flatten() {
                swept += self.sweep_table(table)?;
            }
            match &answer["LastEvaluatedTableName"] {
                Value::Null => return Ok(swept),
                last => page = json!({"ExclusiveStartTableName": last}),
            }
        }
    }

    fn sweep_table(&self, table: &Value) -> Result<usize, AwsError> {
        let ttl = self.run("DescribeTimeToLive", json!({"TableName": table}))?;
        let attribute = &ttl["TimeToLiveDescription"]["AttributeName"];
        if attribute.is_null() {
            return Ok(0);
        }
        let description = self.run("DescribeTable", json!({"TableName": table}))?;
        let keys = description["Table"]["KeySchema"].as_array().into_iter().flatten();
        let keys: Vec<&str> = keys.filter_map(|key| key["AttributeName"].as_str()).collect();
        let now = self.clock.now().as_second();
        let expired = json!({
            "names": {"#ttl": attribute},
            "values": {":now": {"N": now.to_string()}, ":old": {"N": (now - TOO_OLD_SECONDS).to_string()}},
            "condition": "#ttl < :now AND #ttl > :old",
        });
        self.sweep_pages(table, &keys, &expired)
    }

    fn sweep_pages(&self, table: &Value, keys: &[&str], expired: &Value) -> Result<usize, AwsError> {
        let mut swept = 0;
        let mut start = Value::Null;
        loop {
            let page = self.run(
                "Scan",
                json!({
                    "TableName": table,
                    "FilterExpression": expired["condition"],
                    "ExpressionAttributeNames": expired["names"],
                    "ExpressionAttributeValues": expired["values"],
                    "ExclusiveStartKey": start,
                }),
            )?;
            for item in page["Items"].as_array().into_iter().flatten() {
                swept += usize::from(self.expire(table, keys, item, expired)?);
            }
            match &page["LastEvaluatedKey"] {
                Value::Null => return Ok(swept),
                last => start = last.clone(),
            }
        }
    }

    /// Deletes one item, unless its time to live was renewed since it was read.
    fn expire(&self, table: &Value, keys: &[&str], item: &Value, expired: &Value) -> Result<bool, AwsError> {
        let key: Value = keys.iter().map(|name| ((*name).to_owned(), item[*name].clone())).collect();
        let deleted = self.run(
            "DeleteItem",
            json!({
                "TableName": table,
                "Key": key,
                "ConditionExpression": expired["condition"],
                "ExpressionAttributeNames": expired["names"],
                "ExpressionAttributeValues": expired["values"],
            }),
        );
        match deleted {
            Ok(_) => Ok(true),
            Err(error) if error.code == "ConditionalCheckFailedException" => Ok(false),
            Err(error) => Err(error),
        }
    }
}
