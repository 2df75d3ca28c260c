//! SeedAdmin: the person who signed up becomes the tenant's owner. An address that belongs to somebody already gives
//! that person a membership and touches none of their credentials.

use std::sync::Arc;

use domain::{Entropy, IdentityId, MembershipStatus, Role, Step as Which};
use lambda::{Env, FromEnv, StartError, Step};
use serde_json::Value;
use store::{Effects, Identity, Membership, Tenant};
use workflow::{StepError, StepInput};

use crate::journal::{Journal, unavailable};

/// The journal, and randomness for the new person's id.
pub struct Deps {
    journal: Journal,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Which::SeedAdmin)?, entropy: env.entropy.clone() })
    }
}

/// The step.
pub struct SeedAdmin;

impl Step for SeedAdmin {
    type Deps = Deps;
    const NAME: &'static str = "SeedAdmin";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        let known = deps.journal.store.identity_by_email(&tenant.admin_email).await.map_err(unavailable)?;
        let effects = Effects::of(&tenant);
        let effects = match known {
            Some(identity_id) => effects.join(&owner(deps, &tenant, identity_id)),
            None => {
                let identity = person(deps, &tenant);
                let membership = owner(deps, &tenant, identity.identity_id.clone());
                effects.create_identity(&identity, &membership)
            }
        };
        // Where the address was claimed between the read and the write, the retry finds its owner.
        deps.journal.succeed(&input, effects).await
    }

    async fn undo(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin_undo(&input).await? else { return Ok(Value::Null) };
        let mut effects = Effects::of(&tenant);
        for membership in deps.journal.store.members(&tenant.tenant_id).await.map_err(unavailable)? {
            if let Some(identity) = deps.journal.store.identity(&membership.identity_id).await.map_err(unavailable)? {
                effects = effects.leave(&membership, &identity);
            }
        }
        deps.journal.undone(&input, effects).await
    }
}

fn person(deps: &Deps, tenant: &Tenant) -> Identity {
    Identity {
        identity_id: IdentityId::new(&*deps.entropy),
        email: tenant.admin_email.clone(),
        name: tenant.admin_name.clone(),
        password_phc: None,
        email_verified: false,
        memberships: 1,
        made_by: None,
        created_at: deps.journal.now(),
    }
}

fn owner(deps: &Deps, tenant: &Tenant, identity_id: IdentityId) -> Membership {
    Membership {
        tenant_id: tenant.tenant_id.clone(),
        identity_id,
        role: Role::Owner,
        status: MembershipStatus::Active,
        created_at: deps.journal.now(),
        attempt: tenant.provisioning.attempt(),
        via: "signup".into(),
        version: 1,
    }
}
