//! RunMigrations: brings the tenant's schema to the current version, under a lease with a fencing token. Forward only.

use domain::Step as Which;
use jiff::SignedDuration;
use lambda::{Env, FromEnv, StartError, Step};
use serde_json::Value;
use store::{Effects, Schema};
use workflow::{StepError, StepInput};

use crate::journal::{Journal, unavailable};

/// The schema version that this code reads and writes. A migration is written here with the change that needs it; every
/// tenant is born at the current version, so there is none to run for version 1.
pub const CURRENT: u32 = 1;
/// Longer than the state's timeout, so that a holder that still runs is never overtaken by its own retry.
const TERM: SignedDuration = SignedDuration::from_secs(90);

/// The journal.
pub struct Deps {
    journal: Journal,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Which::RunMigrations)? })
    }
}

/// The step.
pub struct RunMigrations;

impl Step for RunMigrations {
    type Deps = Deps;
    const NAME: &'static str = "RunMigrations";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        let store = &deps.journal.store;
        // A retry of this attempt is the same holder and takes its own lease over, with a higher fence.
        let holder = format!("provisioning-{}", input.attempt);
        let lease =
            store.acquire_lease(&tenant.tenant_id, &holder, deps.journal.now(), TERM).await.map_err(unavailable)?;
        let Some(lease) = lease else { return Err(StepError::not_yet("another migration of this tenant runs")) };
        let found = store
            .made::<Schema>(&tenant.tenant_id)
            .await
            .map_err(unavailable)?
            .map_or(CURRENT, |made| made.record.version);
        if found > CURRENT {
            return Err(StepError::fail(
                "schema_too_new",
                format!("the tenant's schema is at {found}, this code at {CURRENT}"),
            ));
        }
        deps.journal.succeed(&input, Effects::of(&tenant).schema(CURRENT, &lease)).await
    }

    /// Forward only. The record of the schema goes with the database that it is of.
    async fn undo(_: &Deps, _: StepInput) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
