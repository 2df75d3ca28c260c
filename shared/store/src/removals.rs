//! The list of ordered removals, in the order in which they are due. An entry is the promise of a removal: it is written with
//! the order, and goes with the restoration or with the archive, so a start that got lost is made up for.

use domain::TenantId;
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    item::s,
    keys::{Key, REMOVALS},
    transact::Write,
};

/// Removals that one call answers with; the next sweep finds the rest.
const AT_ONCE: i32 = 100;

pub(crate) fn due(tenant: &TenantId, due: Timestamp) -> Write {
    let key = Key::removal(tenant, due);
    Write::put("removal", key.clone(), key.attributes())
}

pub(crate) fn done(tenant: &TenantId, due: Timestamp) -> Write {
    Write::delete("removal", Key::removal(tenant, due))
}

impl Store {
    /// The tenants whose removal is due: one strongly consistent Query that reads only those.
    pub async fn due_removals(&self, now: Timestamp) -> Result<Vec<TenantId>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk < :after")
            .expression_attribute_values(":pk", s(REMOVALS))
            .expression_attribute_values(":after", s(format!("{:011}", now.as_second() + 1)))
            .limit(AT_ONCE);
        let found = Box::pin(query.send()).await?.items.unwrap_or_default();
        let tenant = |key: Key| key.sk.split_once('#').and_then(|(_, tenant)| TenantId::parse(tenant).ok());
        Ok(found.iter().filter_map(Key::of).filter_map(tenant).collect())
    }
}
