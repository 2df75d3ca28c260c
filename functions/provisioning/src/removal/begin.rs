//! BeginRemoval: the point of no return, 30 days after the order. Says that nothing is due where the tenant was restored.

use domain::{Action, Step};
use lambda::{Env, FromEnv, StartError, Task};
use serde::Serialize;
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

/// Whether the removal goes on.
#[derive(Serialize)]
pub struct Due {
    due: bool,
}

/// The state.
pub struct BeginRemoval;

impl Task for BeginRemoval {
    type Deps = Deps;
    type Input = StepInput;
    type Output = Due;
    const NAME: &'static str = "BeginRemoval";

    async fn run(deps: &Deps, input: StepInput) -> Result<Due, StepError> {
        let audit = deps.journal.audit(&input, Action::TenantRemovalBegun);
        let begun = deps.journal.store.begin_removal(&input.tenant_id, input.attempt, &audit).await;
        Ok(Due { due: begun.map_err(unavailable)? })
    }
}
