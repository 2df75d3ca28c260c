//! The lease under which a tenant's schema is migrated, with a fencing token.
//!
//! A lease can run out under a holder that is only slow. The fence, one higher with every acquisition, is checked by the
//! write that the lease is for, so that the slow one is refused there (Kleppmann, "How to do distributed locking", 2016).
//! A lease is a lock and no fact about the tenant, so it is the one change that has no audit entry.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::ReturnValue};
use domain::TenantId;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::{
    Store, StoreError,
    item::{n, read, s},
    keys::Key,
    transact::{Expr, Write},
};

/// A lease that was acquired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub holder: String,
    /// Which acquisition this is.
    pub fence: u64,
}

#[derive(Deserialize)]
struct Held {
    fence: u64,
}

impl Store {
    /// Takes the tenant's lease, for the holder that has it already too (with a new fence). None while another has it.
    pub async fn acquire_lease(
        &self,
        tenant: &TenantId,
        holder: &str,
        now: Timestamp,
        term: SignedDuration,
    ) -> Result<Option<Lease>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(key(tenant).attributes()))
            .update_expression("SET holder = :holder, expires_at = :until ADD fence :one")
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now OR holder = :holder")
            .expression_attribute_values(":holder", s(holder))
            .expression_attribute_values(":until", n((now + term).as_second()))
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew);
        match Box::pin(update.send()).await {
            Ok(updated) => {
                let held: Held = read("lease", updated.attributes.unwrap_or_default())?;
                Ok(Some(Lease { holder: holder.to_owned(), fence: held.fence }))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }
}

fn key(tenant: &TenantId) -> Key {
    Key::in_tenant(tenant, "LEASE")
}

/// Gives the lease back, and refuses the transaction as a conflict of the `lease` if it is no longer this one. The item
/// stays, since the fence must never count from one again.
pub(crate) fn release(tenant: &TenantId, lease: &Lease) -> Write {
    let ours = Expr::new("fence = :fence AND holder = :holder")
        .value(":fence", n(lease.fence))
        .value(":holder", s(&lease.holder))
        .value(":past", n(0));
    Write::update("lease", key(tenant), "SET expires_at = :past", ours)
}

/// Deletes the lease of a tenant that has nothing left to migrate.
pub(crate) fn drop(tenant: &TenantId) -> Write {
    Write::delete("lease", key(tenant))
}
