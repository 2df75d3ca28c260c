//! ConfigureDomain: the tenant's host name, claimed for it alone. Its certificate is the wildcard of the base domain.

use domain::{BaseDomain, Step as Which, TenantHost};
use lambda::{Env, FromEnv, StartError, Step};
use serde_json::Value;
use store::Effects;
use workflow::{StepError, StepInput};

use crate::journal::Journal;

/// How the certificate of a subdomain of the base domain stands: the wildcard covers it.
const WILDCARD: &str = "wildcard";

/// The journal and the domain under which tenants live.
pub struct Deps {
    journal: Journal,
    base: BaseDomain,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Which::ConfigureDomain)?, base: env.parsed("BASE_DOMAIN")? })
    }
}

/// The step.
pub struct ConfigureDomain;

impl Step for ConfigureDomain {
    type Deps = Deps;
    const NAME: &'static str = "ConfigureDomain";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        let host = TenantHost::new(tenant.subdomain.clone(), deps.base.clone());
        deps.journal.succeed(&input, Effects::of(&tenant).host(&host, WILDCARD)).await
    }

    async fn undo(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin_undo(&input).await? else { return Ok(Value::Null) };
        let host = TenantHost::new(tenant.subdomain.clone(), deps.base.clone());
        deps.journal.undone(&input, Effects::of(&tenant).undo_host(&host)).await
    }
}
