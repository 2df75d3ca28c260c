//! Closing, opening, giving up and restoring a tenant: moves of its record, and what is to be remembered of them.

use domain::{Actor, CorrelationId, IllegalMove, Provisioning, Reason, TenantId, TenantStatus};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Audit, Store, StoreError, Tenant, item::item, keys::Key, removals, steps::RACES, transact::Write};

/// For so long a tenant that is given up can be restored.
pub const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why a tenant is not open. An item of its own, so that the tenant's record stays small.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Of a tenant that is suspended, or was before it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// Of a tenant that is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
}

/// A suspension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Why.
    pub reason: Reason,
    /// By whom.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
}

/// A removal that has been ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Until then it can be taken back.
    pub due: Timestamp,
    /// How the tenant stood.
    pub was: TenantStatus,
    /// The request that ordered it.
    pub request: CorrelationId,
}

/// What became of a move.
#[derive(Debug)]
pub enum Moved {
    /// The tenant as it is now, and what is remembered of it.
    To(Box<Tenant>, Box<Lifecycle>),
    /// It stands so, which does not allow the move. Nothing was changed.
    No(TenantStatus),
}

/// A move: where the record goes, what is remembered, and what the list of removals is told.
struct Next {
    record: Provisioning,
    lifecycle: Lifecycle,
    list: Option<Write>,
}

impl Store {
    /// Why the tenant is not open: one strong read. Empty for one that is.
    pub async fn lifecycle(&self, id: &TenantId) -> Result<Lifecycle, StoreError> {
        Ok(self.record("lifecycle", &key(id)).await?.unwrap_or_default())
    }

    /// READY to SUSPENDED: the next request of everybody in it is refused. Two reads and one transaction, as the others.
    pub async fn suspend(&self, id: &TenantId, suspension: &Suspension, audit: &Audit) -> Result<Moved, StoreError> {
        self.moved(id, audit, |record, _| {
            let lifecycle = Lifecycle { suspension: Some(suspension.clone()), removal: None };
            Ok(Next { record: record.suspend(audit.entry.at)?, lifecycle, list: None })
        })
        .await
    }

    /// SUSPENDED to READY. Memberships are as they were: who was disabled alone stays so.
    pub async fn resume(&self, id: &TenantId, audit: &Audit) -> Result<Moved, StoreError> {
        self.moved(id, audit, |record, _| {
            Ok(Next { record: record.resume(audit.entry.at)?, lifecycle: Lifecycle::default(), list: None })
        })
        .await
    }

    /// READY, SUSPENDED or FAILED to DEPROVISIONING, and a removal on the list of those that will be due.
    pub async fn deprovision(&self, id: &TenantId, by: &Actor, audit: &Audit) -> Result<Moved, StoreError> {
        let at = audit.entry.at;
        let due = at.saturating_add(GRACE).unwrap_or(Timestamp::MAX);
        self.moved(id, audit, |record, before| {
            let request = audit.entry.correlation_id.clone();
            let removal = Removal { by: by.clone(), at, due, was: record.status(), request };
            let lifecycle = Lifecycle { removal: Some(removal), ..before };
            Ok(Next { record: record.deprovision(at)?, lifecycle, list: Some(removals::due(id, due)) })
        })
        .await
    }

    /// DEPROVISIONING to what was before, and the removal off the list. Refused once it has begun.
    pub async fn restore(&self, id: &TenantId, audit: &Audit) -> Result<Moved, StoreError> {
        self.moved(id, audit, |record, before| {
            // Without an order there is nothing to restore to, and the record refuses.
            let was = before.removal.as_ref().map_or(TenantStatus::Archived, |removal| removal.was);
            let list = before.removal.as_ref().map(|removal| removals::done(id, removal.due));
            let lifecycle = Lifecycle { removal: None, ..before };
            Ok(Next { record: record.restore(was, audit.entry.at)?, lifecycle, list })
        })
        .await
    }

    /// The move with all that belongs to it, in one transaction; again where somebody else moved the record meanwhile. What
    /// is remembered only changes together with the record, so the record's version holds for both.
    async fn moved(
        &self,
        id: &TenantId,
        audit: &Audit,
        step: impl Fn(Provisioning, Lifecycle) -> Result<Next, IllegalMove>,
    ) -> Result<Moved, StoreError> {
        for _ in 0..RACES {
            let current = self.require(id).await?;
            let before = self.lifecycle(id).await?;
            let status = current.provisioning.status();
            let Ok(Next { record, lifecycle, list }) = step(current.provisioning.clone(), before) else {
                return Ok(Moved::No(status));
            };
            let mut audit = audit.clone().about(id, current.plan);
            audit.entry.before = audit.entry.before.with("status", &status);
            audit.entry.after = audit.entry.after.with("status", &record.status());
            let effects = std::iter::once(lifecycle.remember(id)?).chain(list).collect();
            if let Some(moved) = self.advance(&current, record, effects, None, &audit).await? {
                return Ok(Moved::To(Box::new(moved), Box::new(lifecycle)));
            }
        }
        Err(StoreError::busy("the tenant's record is contended"))
    }
}

impl Lifecycle {
    fn remember(&self, tenant: &TenantId) -> Result<Write, StoreError> {
        if *self == Self::default() {
            return Ok(forget(tenant));
        }
        let key = key(tenant);
        Ok(Write::put("lifecycle", key.clone(), item("lifecycle", &key, self)?))
    }
}

/// Nothing is to be remembered any more.
pub(crate) fn forget(tenant: &TenantId) -> Write {
    Write::delete("lifecycle", key(tenant))
}

fn key(tenant: &TenantId) -> Key {
    Key::in_tenant(tenant, "LIFECYCLE")
}
