//! Activate: READY. From here on the tenant's people can sign in.

use domain::Step as Which;
use lambda::{Env, FromEnv, StartError, Step};
use serde_json::Value;
use store::Effects;
use workflow::{StepError, StepInput};

use crate::journal::Journal;

/// The journal.
pub struct Deps {
    journal: Journal,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Which::Activate)? })
    }
}

/// The step.
pub struct Activate;

impl Step for Activate {
    type Deps = Deps;
    const NAME: &'static str = "Activate";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        deps.journal.succeed(&input, Effects::of(&tenant)).await
    }

    /// Nothing that comes after it is undone with the tenant, so neither is this.
    async fn undo(_: &Deps, _: StepInput) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
