//! PurgeItems: what else is in the tenant's partition, its vault above all. A Query for each megabyte, a transaction for each 24
//! items.

use domain::{Action, Step};
use lambda::{Env, FromEnv, StartError, Task};
use workflow::{StepError, StepInput};

use super::{Said, in_removal};
use crate::journal::{Journal, unavailable};

/// The journal.
pub struct Deps {
    journal: Journal,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Step::CreateDatabase)? })
    }
}

/// The state.
pub struct PurgeItems;

impl Task for PurgeItems {
    type Deps = Deps;
    type Input = StepInput;
    type Output = Said;
    const NAME: &'static str = "PurgeItems";

    async fn run(deps: &Deps, input: StepInput) -> Result<Said, StepError> {
        let Some(tenant) = in_removal(&deps.journal, &input).await? else { return Ok(Said { more: false }) };
        let audit = deps.journal.audit(&input, Action::TenantPurged);
        let more = deps.journal.store.purge(&tenant.tenant_id, &audit).await.map_err(unavailable)?;
        Ok(Said { more })
    }
}
