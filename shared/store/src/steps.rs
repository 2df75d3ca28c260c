//! How a step of provisioning is recorded: begun, and finished together with what it made or took back.
//!
//! Every move of the record is a write under the version and attempt that it was read at, so that of two deliveries of
//! one step the second finds what the first did, and a late one of an older attempt finds that it is too late.

use domain::{CorrelationId, Failure, IllegalMove, Provisioning, Step, StepStatus, TenantId, TenantStatus};
use jiff::Timestamp;

use crate::{
    Audit, Effects, OutboxEntry, Store, StoreError, Tenant, outbox, tenants,
    transact::{Ended, Reason, Write, refusal},
};

/// How often a move is tried again on a record that somebody else moved meanwhile.
pub(crate) const RACES: usize = 4;

/// Whether a step has something to do.
#[derive(Debug)]
pub enum Begun {
    /// It has; the tenant is as it is now.
    Run(Tenant),
    /// It succeeded before.
    Done(Tenant),
    /// The tenant is in another attempt.
    Stale(Tenant),
}

/// How a step ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It did its work. Of Activate this makes the tenant READY.
    Succeeded,
    /// It did not, and the tenant is ready without it.
    Warned(String),
    /// What it had made is taken away.
    Undone,
    /// What it had made could not be taken away.
    Orphaned(String),
    /// The attempt is over, for this reason.
    Failed(Failure),
}

/// Whether the outcome was written.
#[derive(Debug)]
pub enum Finished {
    /// By this call, with its effects.
    Recorded(Tenant),
    /// By an earlier delivery, or there was nothing to undo. The effects of this call were not written.
    Already(Tenant),
    /// The tenant is in another attempt. The effects were not written.
    Stale(Tenant),
}

/// What became of a request for another attempt.
#[derive(Debug)]
pub enum Retried {
    /// The attempt is promised in the outbox.
    Requested {
        /// The attempt.
        attempt: u32,
    },
    /// The tenant has not failed.
    NotFailed(TenantStatus),
}

impl Outcome {
    fn is_recorded(&self, record: &Provisioning, step: Step) -> bool {
        match self {
            Self::Succeeded => record.step_status(step) == StepStatus::Succeeded,
            // A delivery whose answer came too late may have done the work after all.
            Self::Warned(_) => matches!(record.step_status(step), StepStatus::Warning | StepStatus::Succeeded),
            Self::Orphaned(_) => record.step_status(step) == StepStatus::Warning,
            Self::Undone => !record.needs_undo(step, record.attempt()),
            Self::Failed(_) => record.status() == TenantStatus::Failed,
        }
    }

    fn apply(&self, record: Provisioning, step: Step, now: Timestamp) -> Result<Provisioning, IllegalMove> {
        let attempt = record.attempt();
        match self {
            Self::Succeeded if step == Step::Activate => record.ready(attempt, now),
            Self::Succeeded => record.succeed(step, attempt, now),
            Self::Warned(message) => record.warn(step, attempt, message, now),
            Self::Undone => record.undone(step, attempt, now),
            Self::Orphaned(detail) => record.orphaned(step, attempt, detail, now),
            Self::Failed(failure) => record.fail(attempt, failure.clone(), now),
        }
    }
}

impl Store {
    /// Records that the workflow was started. A step that was quicker, or a second start, makes this a no-op.
    pub async fn queued(&self, tenant: &TenantId, attempt: u32, audit: Audit) -> Result<(), StoreError> {
        let current = self.require(tenant).await?;
        let Ok(next) = current.provisioning.clone().queued(attempt, audit.entry.at) else { return Ok(()) };
        self.advance(&current, next, Vec::new(), None, &audit.about(&current.tenant_id, current.plan)).await?;
        Ok(())
    }

    /// Records that a step is being run, and with the first step that the promise in the outbox is kept.
    ///
    /// Fails with [`StoreError::IllegalMove`] when it is not the step's turn.
    pub async fn begin(&self, tenant: &TenantId, attempt: u32, step: Step, audit: Audit) -> Result<Begun, StoreError> {
        for _ in 0..RACES {
            let current = self.require(tenant).await?;
            if current.provisioning.attempt() != attempt {
                return Ok(Begun::Stale(current));
            }
            if current.provisioning.is_step_done(step, attempt) {
                return Ok(Begun::Done(current));
            }
            let next = current.provisioning.clone().begin(step, attempt, audit.entry.at)?;
            let kept = (step == Step::ValidateRequest).then(|| outbox::done(tenant, attempt));
            let audit = audit.clone().about(&current.tenant_id, current.plan);
            if let Some(begun) = self.advance(&current, next, kept.into_iter().collect(), None, &audit).await? {
                return Ok(Begun::Run(begun));
            }
        }
        Err(StoreError::busy("the tenant's record is contended"))
    }

    /// Writes effects in the middle of a step: what must be known before the world is changed, such as the name of a
    /// table that is about to be created. Refused as a conflict of the `tenant` if its record has moved since it was read.
    pub async fn apply(&self, effects: Effects<'_>, audit: Audit) -> Result<Tenant, StoreError> {
        let tenant = effects.tenant();
        let (next, audit) = (tenant.provisioning.clone(), audit.about(&tenant.tenant_id, tenant.plan));
        let owners = effects.owners;
        let moved = self.advance(tenant, next, effects.into_writes()?, owners, &audit).await?;
        moved.ok_or(StoreError::Conflict("tenant"))
    }

    /// Records how a step ended, with its effects, in one transaction: both are written, or neither.
    ///
    /// Fails with [`StoreError::IllegalMove`] when the tenant has moved on to where the outcome makes no sense, and with
    /// [`StoreError::Conflict`] where an effect is refused.
    pub async fn finish(
        &self,
        step: Step,
        outcome: Outcome,
        effects: Effects<'_>,
        audit: Audit,
    ) -> Result<Finished, StoreError> {
        let (mut current, owners) = (effects.tenant().clone(), effects.owners);
        let (attempt, writes) = (current.provisioning.attempt(), effects.into_writes()?);
        let audit = audit.about(&current.tenant_id, current.plan);
        for _ in 0..RACES {
            if current.provisioning.attempt() != attempt {
                return Ok(Finished::Stale(current));
            }
            if outcome.is_recorded(&current.provisioning, step) {
                return Ok(Finished::Already(current));
            }
            let next = outcome.apply(current.provisioning.clone(), step, audit.entry.at)?;
            if let Some(finished) = self.advance(&current, next, writes.clone(), owners, &audit).await? {
                return Ok(Finished::Recorded(finished));
            }
            current = self.require(&current.tenant_id).await?;
        }
        Err(StoreError::busy("the tenant's record is contended"))
    }

    /// Promises another attempt for a tenant that failed, under the request's correlation id.
    pub async fn retry(&self, tenant: &TenantId, request: &CorrelationId, audit: Audit) -> Result<Retried, StoreError> {
        for _ in 0..RACES {
            let current = self.require(tenant).await?;
            let now = audit.entry.at;
            let Ok(next) = current.provisioning.clone().retry(request.clone(), now) else {
                return Ok(Retried::NotFailed(current.provisioning.status()));
            };
            let promise = OutboxEntry {
                tenant_id: tenant.clone(),
                attempt: next.attempt(),
                correlation_id: request.clone(),
                created_at: now,
            };
            let audit = audit.clone().about(&current.tenant_id, current.plan);
            let attempt = next.attempt();
            if self.advance(&current, next, vec![promise.promise()?], None, &audit).await?.is_some() {
                return Ok(Retried::Requested { attempt });
            }
        }
        Err(StoreError::busy("the tenant's record is contended"))
    }

    pub(crate) async fn require(&self, tenant: &TenantId) -> Result<Tenant, StoreError> {
        self.tenant(tenant).await?.ok_or(StoreError::NotFound("tenant"))
    }

    /// Moves the record with everything that belongs to the move. None when the record has moved since it was read.
    pub(crate) async fn advance(
        &self,
        current: &Tenant,
        next: Provisioning,
        effects: Vec<Write>,
        owners: Option<u32>,
        audit: &Audit,
    ) -> Result<Option<Tenant>, StoreError> {
        let mut writes = vec![current.advance(&next, owners)?];
        writes.extend(effects);
        if next.status() != current.provisioning.status() {
            writes.push(tenants::listed(current, next.status())?);
        }
        let salt = format!("{}#{}", current.tenant_id, current.version);
        loop {
            let reasons = match self.transact(&writes, audit, &salt).await? {
                Ended::Committed => return Ok(Some(current.clone().advanced(next, owners))),
                Ended::Cancelled(reasons) => reasons,
            };
            if matches!(reasons.first(), Some(Reason::Condition(_) | Reason::Race)) {
                return Ok(None);
            }
            let needed = without_refused_options(&writes, &reasons);
            if needed.len() == writes.len() {
                return Err(refusal(&writes, &reasons));
            }
            writes = needed;
        }
    }
}

/// The writes that are left when those are dropped which need not be done where their condition is refused.
fn without_refused_options(writes: &[Write], reasons: &[Reason]) -> Vec<Write> {
    let refused = |index: usize| matches!(reasons.get(index), Some(Reason::Condition(_)));
    let needed = |(index, write): &(usize, &Write)| !(write.optional && refused(*index));
    writes.iter().enumerate().filter(needed).map(|(_, write)| write.clone()).collect()
}
