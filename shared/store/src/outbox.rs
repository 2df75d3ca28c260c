//! The outbox: executions that were promised in the transaction that accepted the request, and not yet begun.
//!
//! An entry is written with the tenant, and deleted by the transaction that begins the first step. What is left after
//! a while is a start that got lost; the sweeper starts the same execution name again.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{CorrelationId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{item, n, read, s},
    keys::{Key, outbox_partition},
    transact::Write,
};

/// An execution that has been promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// For which tenant.
    pub tenant_id: TenantId,
    /// For which attempt. With the tenant it names the execution.
    pub attempt: u32,
    /// The request that caused it.
    pub correlation_id: CorrelationId,
    /// When it was promised.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
}

impl OutboxEntry {
    pub(crate) fn promise(&self) -> Result<Write, StoreError> {
        let key = Key::outbox(&self.tenant_id, self.attempt);
        let stored = item("outbox entry", &key, self)?;
        Ok(Write::put("outbox entry", key, stored))
    }
}

/// Deletes the entry, or what is left of it: a second delivery finds nothing, and that is fine.
pub(crate) fn done(tenant: &TenantId, attempt: u32) -> Write {
    Write::delete("outbox entry", Key::outbox(tenant, attempt))
}

impl Store {
    /// The entries of one shard (`0..OUTBOX_SHARDS`) promised before `older_than`, in the order of their names. One page of a
    /// strongly consistent `Query` (1 MB, some thousand entries); the next sweep finds the rest.
    pub async fn due(&self, shard: u8, older_than: Timestamp) -> Result<Vec<OutboxEntry>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .filter_expression("created_at < :before")
            .expression_attribute_values(":pk", s(outbox_partition(shard)))
            .expression_attribute_values(":before", millis(older_than));
        let found = Box::pin(query.send()).await?;
        found.items.unwrap_or_default().into_iter().map(|item| read("outbox entry", item)).collect()
    }
}

fn millis(at: Timestamp) -> AttributeValue {
    n(at.as_millisecond())
}
