//! The sweeper: every minute it starts the executions whose start was lost, and the removals that are due. Usually it finds
//! nothing: one Query per shard, and one for the removals.

use std::sync::Arc;

use domain::Clock;
use jiff::{SignedDuration, Timestamp};
use lambda::{Env, FromEnv, Job, StartError};
use serde_json::{Value, json};
use store::{DueRemoval, OUTBOX_SHARDS, OutboxEntry, Store};
use workflow::{Executions, Started, StepError, StepInput};

use crate::journal::unavailable;

/// Younger entries are somebody's who is starting them right now.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);

const SECONDS_A_DAY: i64 = 86_400;

/// The outbox and Step Functions.
pub struct Deps {
    store: Store,
    executions: Executions,
    removals: Executions,
    clock: Arc<dyn Clock>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let executions = Executions::new(&env.sdk, env.required("PROVISIONING_MACHINE")?);
        let removals = Executions::new(&env.sdk, env.required("DEPROVISIONING_MACHINE")?);
        Ok(Self { store: env.store()?, executions, removals, clock: env.clock.clone() })
    }
}

/// The job.
pub struct Sweep;

impl Job for Sweep {
    type Deps = Deps;
    const NAME: &'static str = "sweep";

    async fn run(deps: &Deps) -> Result<Value, StepError> {
        let before =
            deps.clock.now().checked_sub(PATIENCE).map_err(|e| StepError::retry("the clock is out of range", e))?;
        let (mut started, mut failed) = (0, 0);
        for shard in 0..OUTBOX_SHARDS {
            for entry in deps.store.due(shard, before).await.map_err(unavailable)? {
                if start(deps, entry).await { started += 1 } else { failed += 1 }
            }
        }
        let now = deps.clock.now();
        for removal in deps.store.due_removals(now).await.map_err(unavailable)? {
            if !remove(deps, removal, now).await {
                failed += 1;
            }
        }
        if started + failed > 0 {
            // The template's metric filter counts this field: a start that got lost, or that fails, is worth a look.
            tracing::warn!(alarm = "sweeper", started, failed, "the sweeper found work");
        }
        Ok(json!({"started": started, "failed": failed}))
    }
}

/// Whether the execution runs now, or did before. One entry's failure does not keep the others waiting.
async fn start(deps: &Deps, entry: OutboxEntry) -> bool {
    let input = StepInput::first(entry.tenant_id.clone(), entry.attempt, entry.correlation_id.clone());
    match deps.executions.start(&entry.tenant_id, entry.attempt, &input).await {
        Ok(Started::Now | Started::Before) => true,
        Err(error) => {
            tracing::warn!(tenant_id = %entry.tenant_id, attempt = entry.attempt, request_id = %entry.correlation_id, %error, "not started");
            false
        }
    }
}

/// One run a day, until there is nothing left to do: a run that failed is begun again, and a second start of the same day is
/// none; false where it does not run, and did not. Days are counted from when the removal is due, so that midnight gives no run
/// a twin.
async fn remove(deps: &Deps, removal: DueRemoval, now: Timestamp) -> bool {
    let DueRemoval { tenant_id, attempt, due, request } = removal;
    let day = now.duration_since(due).as_secs() / SECONDS_A_DAY;
    let input = StepInput::first(tenant_id.clone(), attempt, request);
    match deps.removals.start_named(&format!("{tenant_id}-remove-{day}"), &input).await {
        Ok(Started::Now) => tracing::info!(%tenant_id, request_id = %input.correlation_id, "the removal begins"),
        Ok(Started::Before) => {}
        Err(error) => {
            tracing::warn!(%tenant_id, request_id = %input.correlation_id, %error, "not started");
            return false;
        }
    }
    true
}
