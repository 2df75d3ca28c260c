//! What an undo could not take back: kept with the tenant, and in one list that the alarm watches.

use domain::{Step, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{item, read, s},
    keys::{Key, ORPHANS},
    transact::Write,
};

/// Something that was made and is still there, though the tenant is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// For which tenant it was made.
    pub tenant_id: TenantId,
    /// By which attempt.
    pub attempt: u32,
    /// By which step.
    pub step: Step,
    /// What it is and why it is still there, for the operator.
    pub detail: String,
    /// Since when.
    pub at: Timestamp,
}

pub(crate) fn record(orphan: &Orphan) -> Result<[Write; 2], StoreError> {
    let Orphan { tenant_id, attempt, step, .. } = orphan;
    let (here, index) = (Key::orphan(tenant_id, *attempt, *step), Key::orphan_index(tenant_id, *attempt, *step));
    Ok([
        Write::put("orphan", here.clone(), item("orphan", &here, orphan)?),
        Write::put("orphan index", index.clone(), item("orphan", &index, orphan)?),
    ])
}

impl Store {
    /// Every orphan of the platform: one page, eventually consistent. More than a page is no better an alarm.
    pub async fn orphans(&self) -> Result<Vec<Orphan>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(ORPHANS));
        let found = Box::pin(query.send()).await?;
        found.items.unwrap_or_default().into_iter().map(|item| read("orphan", item)).collect()
    }
}
