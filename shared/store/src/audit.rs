//! The audit entry that every change carries into its transaction. The table is append-only: a put, never onto another.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::{AuditEntry, Plan, TenantId};

use crate::{
    Store, StoreError,
    item::{Item, item, n},
    keys::{Key, hex_digest, tenant_partition},
    transact::{Expr, Write},
};

/// Entries without a tenant's plan are kept as long as the longest plan keeps its own.
const LONGEST: Plan = Plan::Enterprise;

const DAY: i64 = 86_400;

/// An audit entry and how long it is kept.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Who did what to whom, under which request.
    pub entry: AuditEntry,
    plan: Plan,
}

impl From<AuditEntry> for Audit {
    fn from(entry: AuditEntry) -> Self {
        Self { entry, plan: LONGEST }
    }
}

impl Audit {
    /// Keeps the entry for as long as the plan promises; without this, for as long as the longest does. Calls that read
    /// or write the tenant's record do this themselves.
    #[must_use]
    pub fn kept_for(self, plan: Plan) -> Self {
        Self { plan, ..self }
    }

    /// An entry about that tenant, whatever the caller wrote there.
    pub(crate) fn about(mut self, tenant: &TenantId, plan: Plan) -> Self {
        self.entry.tenant = Some(tenant.clone());
        self.kept_for(plan)
    }

    /// `salt` tells apart two entries of the same content: the key of what was changed, with its version where it has one.
    pub(crate) fn write(&self, salt: &str) -> Result<Write, StoreError> {
        let key = self.key(salt);
        let stored = self.item(&key)?;
        Ok(Write::put("audit entry", key, stored).when(Expr::absent()))
    }

    fn item(&self, key: &Key) -> Result<Item, StoreError> {
        let mut stored = item("audit entry", key, &self.entry)?;
        let kept = i64::from(self.plan.limits().audit_retention_days) * DAY;
        stored.insert("ttl".to_owned(), n(self.entry.at.as_second() + kept));
        Ok(stored)
    }

    fn key(&self, salt: &str) -> Key {
        let digest = hex_digest(&[salt, &format!("{:?}", self.entry)].map(str::as_bytes));
        Key {
            pk: self.entry.tenant.as_ref().map_or_else(|| "PLATFORM".to_owned(), tenant_partition),
            sk: format!("{:.3}#{}", self.entry.at, &digest[..16]),
        }
    }
}

impl Store {
    /// Writes an entry about something that changed nothing, such as a look at a secret. Its key is a digest of the entry,
    /// so one that is there already is this one, whose first answer got lost.
    pub async fn note(&self, audit: &Audit, salt: &str) -> Result<(), StoreError> {
        let key = audit.key(salt);
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.audit)
            .set_item(Some(audit.item(&key)?))
            .condition_expression("attribute_not_exists(pk)");
        match Box::pin(put.send()).await {
            Err(error)
                if !error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }
}
