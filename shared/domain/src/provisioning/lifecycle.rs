//! What becomes of a tenant after its provisioning: closed for a time, given up, given back, removed.

use jiff::Timestamp;

use super::{EventType, IllegalMove, Move, Phase, Provisioning, TenantStatus};

impl Provisioning {
    /// Closed for the time being: READY to SUSPENDED. A tenant that is on its way has to arrive first.
    pub fn suspend(self, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = self.status == TenantStatus::Ready;
        let mut next = self.allow(legal, Move::Suspend)?;
        next.status = TenantStatus::Suspended;
        Ok(next.told(EventType::Suspended, None, "", now))
    }

    /// Open again: SUSPENDED to READY.
    pub fn resume(self, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = self.status == TenantStatus::Suspended;
        let mut next = self.allow(legal, Move::Resume)?;
        next.status = TenantStatus::Ready;
        Ok(next.told(EventType::Resumed, None, "", now))
    }

    /// To be removed, and closed until then: READY, SUSPENDED or FAILED to DEPROVISIONING. Nothing is taken away yet.
    pub fn deprovision(self, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = matches!(self.status, TenantStatus::Ready | TenantStatus::Suspended | TenantStatus::Failed);
        let mut next = self.allow(legal, Move::Deprovision)?;
        next.status = TenantStatus::Deprovisioning;
        Ok(next.told(EventType::Deprovisioning, None, "", now))
    }

    /// Not to be removed after all: as it stood before, which `was` says. Only while nothing has been taken away.
    pub fn restore(self, was: TenantStatus, now: Timestamp) -> Result<Self, IllegalMove> {
        let known = matches!(was, TenantStatus::Ready | TenantStatus::Suspended | TenantStatus::Failed);
        let legal = self.status == TenantStatus::Deprovisioning && !self.is_being_removed() && known;
        let mut next = self.allow(legal, Move::Restore)?;
        next.status = was;
        Ok(next.told(EventType::Restored, None, "", now))
    }

    /// From here on it is taken away and cannot be restored.
    pub fn begin_removal(self, attempt: u32, now: Timestamp) -> Result<Self, IllegalMove> {
        let due = self.status == TenantStatus::Deprovisioning && !self.is_being_removed();
        let mut next = self.clone().allow(due && attempt == self.attempt, Move::BeginRemoval { attempt })?;
        next.phase = Phase::Removing;
        next.current_step = None;
        Ok(next.told(EventType::RemovalBegun, None, "", now))
    }

    /// Nothing is left of it but what has to be kept: DEPROVISIONING to ARCHIVED.
    pub fn archive(self, attempt: u32, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = self.is_being_removed() && attempt == self.attempt;
        let mut next = self.allow(legal, Move::Archive { attempt })?;
        next.status = TenantStatus::Archived;
        next.phase = Phase::Removed;
        next.current_step = None;
        next.error = None;
        Ok(next.told(EventType::Archived, None, "", now))
    }

    /// Whether the removal has begun and not ended: what was made is taken away, and nobody can stop it.
    pub fn is_being_removed(&self) -> bool {
        self.status == TenantStatus::Deprovisioning && self.phase == Phase::Removing
    }
}
