//! ValidateRequest: what the signup checked may have changed since, and a retry may come days later.

use domain::{Regions, Step as Which};
use lambda::{Env, FromEnv, StartError, Step};
use serde_json::Value;
use store::Effects;
use workflow::{StepError, StepInput};

use crate::journal::{Journal, unavailable};

/// The journal and the regions of today.
pub struct Deps {
    journal: Journal,
    regions: Regions,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Which::ValidateRequest)?, regions: env.parsed("REGIONS")? })
    }
}

/// The step.
pub struct ValidateRequest;

impl Step for ValidateRequest {
    type Deps = Deps;
    const NAME: &'static str = "ValidateRequest";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        if deps.regions.choose(tenant.region.as_str()).is_err() {
            return Err(StepError::fail(
                "region_unavailable",
                format!("the region {} is not offered any more", tenant.region),
            ));
        }
        let owner = deps.journal.store.subdomain_owner(&tenant.subdomain).await.map_err(unavailable)?;
        if owner.as_ref() != Some(&tenant.tenant_id) {
            return Err(StepError::fail("subdomain_lost", "the subdomain is not this tenant's"));
        }
        deps.journal.succeed(&input, Effects::of(&tenant)).await
    }

    /// It makes nothing.
    async fn undo(_: &Deps, _: StepInput) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
