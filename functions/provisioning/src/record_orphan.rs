//! RecordOrphan: what an undo could not take back is written down and alarmed, never forgotten.

use domain::{Action, Step as Which};
use lambda::{Env, FromEnv, StartError, Step};
use serde_json::Value;
use store::{Effects, Outcome};
use workflow::{StepError, StepInput};

use crate::{journal::Journal, record_failure::told};

/// The journal.
pub struct Deps {
    journal: Journal,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Which::ValidateRequest)? })
    }
}

/// The step.
pub struct RecordOrphan;

impl Step for RecordOrphan {
    type Deps = Deps;
    const NAME: &'static str = "RecordOrphan";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let step = input.step.ok_or_else(|| StepError::fail("malformed_input", "the input names no step"))?;
        let tenant = deps.journal.tenant(&input).await?;
        // Never begun, as where its function does not even start, or undone after all: nothing is left.
        if !tenant.provisioning.needs_undo(step, input.attempt) {
            return Ok(Value::Null);
        }
        let detail = input.failure.as_ref().map_or_else(String::new, |caught| told(caught).detail);
        let effects = Effects::of(&tenant).orphan(step, &detail, deps.journal.now());
        let recorded = deps
            .journal
            .of(step)
            .finish(&input, Outcome::Orphaned(detail), effects, Action::TenantStepOrphaned)
            .await?;
        // The template's metric filter counts this field.
        tracing::error!(alarm = "orphan", tenant_id = %input.tenant_id, attempt = input.attempt, step = step.name(), "something of a failed tenant is left");
        Ok(recorded)
    }

    /// A record is not taken back.
    async fn undo(_: &Deps, _: StepInput) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
