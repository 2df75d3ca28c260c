//! A silo tenant's own table, and the probe that proves the way to a tenant's data.
//!
//! Nothing here waits: each call looks once and says how things stand, and the state machine asks again.

use aws_sdk_dynamodb::{
    operation::{create_table::CreateTableError, delete_table::DeleteTableError, describe_table::DescribeTableError},
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoverySpecification,
        ScalarAttributeType, SseSpecification, SseType, TableDescription, TableStatus, Tag,
    },
};
use domain::TenantId;

use crate::{Store, StoreError, item::s, keys::Key};

/// How a silo table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableState {
    /// Not there.
    Absent,
    /// Being created, changed or deleted.
    Pending,
    /// Ready for use.
    Active,
}

/// Where a tenant's data is, for the probe.
#[derive(Debug, Clone, Copy)]
pub enum DataPath<'a> {
    /// In the shared table.
    Pool,
    /// In a table of its own.
    Silo(&'a str),
}

/// The name of the table that an attempt makes. The attempt is in it, so that an undo cannot reach another attempt's table,
/// and a retry does not wait for the deletion of the last one.
#[must_use]
pub fn silo_table_name(prefix: &str, tenant: &TenantId, attempt: u32) -> String {
    format!("{prefix}-{tenant}-{attempt}")
}

impl Store {
    /// Asks for the table, encrypted under the KMS key of this ARN. That it exists is fine: the name says that it is this
    /// attempt's. It is protected against deletion, because a customer's data hangs on it.
    pub async fn create_silo_table(&self, name: &str, tenant: &TenantId, key_arn: &str) -> Result<(), StoreError> {
        let create = self
            .client
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .deletion_protection_enabled(true)
            .sse_specification(
                SseSpecification::builder().enabled(true).sse_type(SseType::Kms).kms_master_key_id(key_arn).build(),
            )
            .set_attribute_definitions(Some(vec![attribute("pk")?, attribute("sk")?]))
            .set_key_schema(Some(vec![key("pk", KeyType::Hash)?, key("sk", KeyType::Range)?]))
            .tags(Tag::builder().key("innkeeper:tenant").value(tenant.to_string()).build()?);
        match Box::pin(create.send()).await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(CreateTableError::ResourceInUseException(_)) => Ok(()),
                _ => Err(error.into()),
            },
        }
    }

    /// How the table stands at this moment.
    pub async fn silo_table(&self, name: &str) -> Result<TableState, StoreError> {
        Ok(match self.describe(name).await?.and_then(|table| table.table_status) {
            None => TableState::Absent,
            Some(TableStatus::Active) => TableState::Active,
            Some(_) => TableState::Pending,
        })
    }

    /// Turns point-in-time recovery on; turning it on twice is fine. Retryable while the table is new.
    pub async fn enable_recovery(&self, name: &str) -> Result<(), StoreError> {
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build()?;
        let update = self.client.update_continuous_backups().table_name(name).point_in_time_recovery_specification(on);
        Box::pin(update.send()).await?;
        Ok(())
    }

    /// Takes one step towards the table's end: lifts the protection, or deletes. [`TableState::Absent`] when it is gone;
    /// otherwise ask again.
    pub async fn delete_silo_table(&self, name: &str) -> Result<TableState, StoreError> {
        let Some(table) = self.describe(name).await? else { return Ok(TableState::Absent) };
        match table.table_status {
            Some(TableStatus::Active) => {}
            _ => return Ok(TableState::Pending),
        }
        if table.deletion_protection_enabled == Some(true) {
            let lift = self.client.update_table().table_name(name).deletion_protection_enabled(false);
            Box::pin(lift.send()).await?;
        }
        match Box::pin(self.client.delete_table().table_name(name).send()).await {
            Ok(_) => self.silo_table(name).await,
            Err(error) => match error.as_service_error() {
                Some(DeleteTableError::ResourceNotFoundException(_)) => Ok(TableState::Absent),
                _ => Err(error.into()),
            },
        }
    }

    /// Writes an item where the tenant's data goes, reads it back and removes it. Fails with `NotFound` when what was
    /// written is not what was read.
    pub async fn probe(&self, tenant: &TenantId, path: DataPath<'_>, nonce: &str) -> Result<(), StoreError> {
        let table = match path {
            DataPath::Pool => &self.tables.core,
            DataPath::Silo(name) => name,
        };
        let key = Key::in_tenant(tenant, "PROBE");
        let put = self.client.put_item().table_name(table).set_item(Some(key.attributes())).item("nonce", s(nonce));
        Box::pin(put.send()).await?;
        let get = self.client.get_item().table_name(table).set_key(Some(key.attributes())).consistent_read(true);
        let found = Box::pin(get.send()).await?.item;
        let delete = self.client.delete_item().table_name(table).set_key(Some(key.attributes()));
        Box::pin(delete.send()).await?;
        match found.as_ref().and_then(|item| item.get("nonce")) {
            Some(read) if *read == s(nonce) => Ok(()),
            _ => Err(StoreError::NotFound("probe item")),
        }
    }

    async fn describe(&self, name: &str) -> Result<Option<TableDescription>, StoreError> {
        match Box::pin(self.client.describe_table().table_name(name).send()).await {
            Ok(described) => Ok(described.table),
            Err(error) => match error.as_service_error() {
                Some(DescribeTableError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }
}

fn attribute(name: &str) -> Result<AttributeDefinition, StoreError> {
    Ok(AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()?)
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, StoreError> {
    Ok(KeySchemaElement::builder().attribute_name(name).key_type(kind).build()?)
}
