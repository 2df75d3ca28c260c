//! Point-in-time recovery as a flag: it can be switched and read, so that a silo's step can prove that it is on. Nothing
//! is recorded and nothing can be restored.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use serde_json::{Value, json};

use super::DynamoDb;
use crate::aws::persist::PersistError;
use crate::aws::{AwsError, Persist};

const KIND: &str = "dynamodb.recoverable";

pub(super) fn load(persist: &Persist) -> Result<BTreeSet<String>, PersistError> {
    Ok(persist.load(KIND)?.into_iter().map(|(table, _)| table).collect())
}

impl DynamoDb {
    pub(super) fn update_backups(&self, body: &Value) -> Result<Value, AwsError> {
        let name = self.existing(body)?;
        let wanted = body["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"].as_bool();
        let wanted = wanted
            .ok_or_else(|| AwsError::refused("ValidationException", "PointInTimeRecoveryEnabled must not be null"))?;
        if wanted {
            self.persist.put(KIND, &name, &json!(true))?;
            self.recoverable.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        } else {
            self.forget_backups(&name)?;
        }
        self.describe_backups(body)
    }

    pub(super) fn describe_backups(&self, body: &Value) -> Result<Value, AwsError> {
        let name = self.existing(body)?;
        let on = self.recoverable.lock().unwrap_or_else(PoisonError::into_inner).contains(&name);
        let status = if on { "ENABLED" } else { "DISABLED" };
        Ok(json!({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
        }}))
    }

    pub(super) fn forget_backups(&self, table: &str) -> Result<(), AwsError> {
        self.persist.delete(KIND, table)?;
        self.recoverable.lock().unwrap_or_else(PoisonError::into_inner).remove(table);
        Ok(())
    }

    fn existing(&self, body: &Value) -> Result<String, AwsError> {
        let name = body["TableName"].as_str().unwrap_or_default();
        self.run("DescribeTable", json!({"TableName": name})).map_err(|error| match &*error.code {
            "ResourceNotFoundException" => {
                AwsError::refused("TableNotFoundException", format!("Table not found: {name}"))
            }
            _ => error,
        })?;
        Ok(name.to_owned())
    }
}
