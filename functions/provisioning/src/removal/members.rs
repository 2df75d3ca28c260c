//! RemoveMembers: everybody's sessions in the tenant and their memberships, and the people who belong nowhere else. This is also
//! how SeedAdmin is taken back. Some members at a time: four reads and two transactions each.

use domain::{Action, Step};
use lambda::{Env, FromEnv, StartError, Task};
use store::Effects;
use workflow::{StepError, StepInput};

use super::{Said, in_removal};
use crate::journal::{Journal, unavailable};

/// Well within the function's time.
const AT_ONCE: usize = 50;

/// The journal.
pub struct Deps {
    journal: Journal,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Step::SeedAdmin)? })
    }
}

/// The state.
pub struct RemoveMembers;

impl Task for RemoveMembers {
    type Deps = Deps;
    type Input = StepInput;
    type Output = Said;
    const NAME: &'static str = "RemoveMembers";

    async fn run(deps: &Deps, input: StepInput) -> Result<Said, StepError> {
        let Some(tenant) = in_removal(&deps.journal, &input).await? else { return Ok(Said { more: false }) };
        let store = &deps.journal.store;
        let members = store.members(&tenant.tenant_id).await.map_err(unavailable)?;
        let audit = deps.journal.audit(&input, Action::MembershipRemoved);
        for member in members.iter().take(AT_ONCE) {
            store.remove_member(member, &audit).await.map_err(unavailable)?;
        }
        if members.len() > AT_ONCE {
            return Ok(Said { more: true });
        }
        deps.journal.undone(&input, Effects::of(&tenant)).await?;
        Ok(Said { more: false })
    }
}
