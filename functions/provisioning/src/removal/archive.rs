//! Archive: the receipt, the tombstone on the name, ARCHIVED. Of the tenant nothing else is left but its audit log. Two reads and
//! one transaction.

use domain::{Action, Step};
use lambda::{Env, FromEnv, StartError, Task};
use workflow::{StepError, StepInput};

use crate::journal::{Journal, unavailable};

/// The journal.
pub struct Deps {
    journal: Journal,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Step::Activate)? })
    }
}

/// The state.
pub struct Archive;

impl Task for Archive {
    type Deps = Deps;
    type Input = StepInput;
    type Output = ();
    const NAME: &'static str = "Archive";

    async fn run(deps: &Deps, input: StepInput) -> Result<(), StepError> {
        let audit = deps.journal.audit(&input, Action::TenantArchived);
        deps.journal.store.archive(&input.tenant_id, input.attempt, &audit).await.map_err(unavailable)
    }
}
