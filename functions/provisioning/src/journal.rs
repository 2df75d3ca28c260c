//! The frame of every step: begin, and finish with what was made or taken back. Each is one read and one transaction.

use std::sync::Arc;

use domain::{Action, Actor, AuditEntry, Clock, Facts, Step};
use jiff::Timestamp;
use lambda::{Env, StartError};
use serde_json::Value;
use store::{Audit, Begun, Effects, Finished, Outcome, Store, StoreError, Tenant};
use workflow::{StepError, StepInput};

/// The record of one step's runs.
pub(crate) struct Journal {
    /// For what else the step reads and writes.
    pub store: Store,
    clock: Arc<dyn Clock>,
    step: Step,
}

impl Journal {
    /// The journal of a step.
    pub(crate) fn from_env(env: &Env, step: Step) -> Result<Self, StartError> {
        Ok(Self { store: env.store()?, clock: env.clock.clone(), step })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Records that the step runs. None when it was done before.
    pub(crate) async fn begin(&self, input: &StepInput) -> Result<Option<Tenant>, StepError> {
        let audit = self.audit(input, Action::TenantStepBegun);
        match self.store.begin(&input.tenant_id, input.attempt, self.step, audit).await.map_err(unavailable)? {
            Begun::Run(tenant) => Ok(Some(tenant)),
            Begun::Done(_) => Ok(None),
            Begun::Stale(_) => Err(stale()),
        }
    }

    /// The tenant, if this attempt began the step and nobody has undone it yet.
    pub(crate) async fn begin_undo(&self, input: &StepInput) -> Result<Option<Tenant>, StepError> {
        let tenant = self.tenant(input).await?;
        Ok(tenant.provisioning.needs_undo(self.step, input.attempt).then_some(tenant))
    }

    /// The tenant as it is now.
    pub(crate) async fn tenant(&self, input: &StepInput) -> Result<Tenant, StepError> {
        let tenant = self.store.tenant(&input.tenant_id).await.map_err(unavailable)?;
        let tenant = tenant.ok_or_else(|| StepError::fail("tenant_unknown", "there is no such tenant"))?;
        if tenant.provisioning.attempt() == input.attempt { Ok(tenant) } else { Err(stale()) }
    }

    /// Writes what must be known before the world outside is changed.
    pub(crate) async fn note(&self, input: &StepInput, effects: Effects<'_>) -> Result<Tenant, StepError> {
        self.store.apply(effects, self.audit(input, Action::TenantStepBegun)).await.map_err(unavailable)
    }

    /// Records success together with what was made.
    pub(crate) async fn succeed(&self, input: &StepInput, effects: Effects<'_>) -> Result<Value, StepError> {
        let action = if self.step == Step::Activate { Action::TenantActivated } else { Action::TenantStepSucceeded };
        self.finish(input, Outcome::Succeeded, effects, action).await
    }

    /// Records that nothing of the step is left.
    pub(crate) async fn undone(&self, input: &StepInput, effects: Effects<'_>) -> Result<Value, StepError> {
        self.finish(input, Outcome::Undone, effects, Action::TenantStepUndone).await
    }

    /// Records any outcome.
    pub(crate) async fn finish(
        &self,
        input: &StepInput,
        outcome: Outcome,
        effects: Effects<'_>,
        action: Action,
    ) -> Result<Value, StepError> {
        let finished = self.store.finish(self.step, outcome, effects, self.audit(input, action)).await;
        match finished.map_err(unavailable)? {
            Finished::Recorded(_) | Finished::Already(_) => Ok(Value::Null),
            Finished::Stale(_) => Err(stale()),
        }
    }

    /// The same for another step than the journal's own.
    pub(crate) fn of(&self, step: Step) -> Self {
        Self { store: self.store.clone(), clock: self.clock.clone(), step }
    }

    /// The entry for a change by this step.
    pub(crate) fn audit(&self, input: &StepInput, action: Action) -> Audit {
        let entry = AuditEntry {
            actor: Actor::Function("provisioning".into()),
            action,
            tenant: Some(input.tenant_id.clone()),
            correlation_id: input.correlation_id.clone(),
            before: Facts::new(),
            after: Facts::new().with("step", &self.step).with("attempt", &input.attempt),
            at: self.clock.now(),
        };
        entry.into()
    }
}

/// A store error as a step's. A move that the record does not allow is no use to try again.
pub(crate) fn unavailable(error: StoreError) -> StepError {
    match error {
        error @ StoreError::IllegalMove(_) => {
            StepError::because("illegal_move", "the tenant has moved on, and this step is not its turn", error)
        }
        error => lambda::unavailable(error),
    }
}

fn stale() -> StepError {
    StepError::fail("stale_attempt", "the tenant is in another attempt")
}
