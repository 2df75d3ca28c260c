//! HealthCheck: reads back everything that was made, through the tenant's own path, before anybody is told READY.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use domain::{BaseDomain, Entropy, Isolation, Step as Which, TenantHost, bytes};
use lambda::{Env, FromEnv, StartError, Step};
use secrets::{Cached, DataKey, DataKeys, KeyRing, Sealed, Secrets, Unsealable, WrappedKey};
use serde_json::Value;
use store::{
    DataPath, Database, Effects, HostName, Made, Schema, SealedSecrets, Stack, StackState, StoreError, Tenant,
    TenantDataKey, TenantRecord, TenantSecrets,
};
use workflow::{StepError, StepInput};

use crate::{
    generate_secrets::secret_unavailable,
    journal::{Journal, unavailable},
    run_migrations::CURRENT,
};

/// The journal, and the same things that the steps before it used.
pub struct Deps {
    journal: Journal,
    secrets: Secrets,
    data_keys: Cached<KeyRing<DataKeys>>,
    base: BaseDomain,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secrets = Secrets::new(&env.sdk);
        let secret = env.required("DATA_KEYS_SECRET")?;
        let data_keys = Cached::new(secrets.clone(), secret, env.clock.clone(), KeyRing::parse);
        data_keys.get().await?;
        Ok(Self {
            journal: Journal::from_env(env, Which::HealthCheck)?,
            data_keys,
            secrets,
            base: env.parsed("BASE_DOMAIN")?,
            entropy: env.entropy.clone(),
        })
    }
}

/// The step.
pub struct HealthCheck;

impl Step for HealthCheck {
    type Deps = Deps;
    const NAME: &'static str = "HealthCheck";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        database(deps, &tenant).await?;
        secrets_open(deps, &tenant).await?;
        let stack = record::<Stack>(deps, &tenant).await?;
        healthy(stack.record.state == StackState::Deployed, "the stack is not deployed")?;
        let host = record::<HostName>(deps, &tenant).await?;
        healthy(
            host.record.host == TenantHost::new(tenant.subdomain.clone(), deps.base.clone()).to_string(),
            "the host name is another one",
        )?;
        let schema = record::<Schema>(deps, &tenant).await?;
        healthy(schema.record.version == CURRENT, "the schema is at another version")?;
        let members = deps.journal.store.members(&tenant.tenant_id).await.map_err(unavailable)?;
        healthy(members.iter().any(|m| m.role == domain::Role::Owner), "the tenant has no owner")?;
        deps.journal.succeed(&input, Effects::of(&tenant)).await
    }

    /// It makes nothing that stays.
    async fn undo(_: &Deps, _: StepInput) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}

/// Writes, reads and removes a probe where the tenant's data goes.
async fn database(deps: &Deps, tenant: &Tenant) -> Result<(), StepError> {
    let database = record::<Database>(deps, tenant).await?.record;
    let path = match database.kind {
        Isolation::Pool => DataPath::Pool,
        Isolation::Silo => DataPath::Silo(&database.table),
    };
    let nonce = HEXLOWER.encode(&bytes::<8>(&*deps.entropy));
    deps.journal.store.probe(&tenant.tenant_id, path, &nonce).await.map_err(|error| match error {
        StoreError::NotFound(_) => StepError::not_yet("the tenant's data path does not read what was written"),
        other => unavailable(other),
    })
}

async fn secrets_open(deps: &Deps, tenant: &Tenant) -> Result<(), StepError> {
    let wrapped = record::<TenantDataKey>(deps, tenant).await?.record.wrapped;
    let ring = deps.data_keys.get().await.map_err(secret_unavailable)?;
    let key = DataKey::unwrap(&WrappedKey(wrapped), &ring, &tenant.tenant_id, deps.journal.now());
    let all = match record::<TenantSecrets>(deps, tenant).await?.record {
        TenantSecrets::Silo { arn } => {
            deps.secrets.read(&arn).await.map_err(secret_unavailable)?;
            key.map(drop)
        }
        TenantSecrets::Pool(sealed) => key.and_then(|key| all_open(&key, tenant, &sealed)),
    };
    healthy(all.is_ok(), "the tenant's secrets do not open")
}

fn all_open(key: &DataKey, tenant: &Tenant, sealed: &SealedSecrets) -> Result<(), Unsealable> {
    let open = |name: &str, version, value: &[u8]| {
        key.open(&tenant.tenant_id, name, version, &Sealed(value.to_vec())).map(|_| Vec::new())
    };
    sealed.map(&open).map(drop)
}

/// A record of this attempt.
async fn record<R: TenantRecord>(deps: &Deps, tenant: &Tenant) -> Result<Made<R>, StepError> {
    let made = deps.journal.store.made::<R>(&tenant.tenant_id).await.map_err(unavailable)?;
    let made = made.filter(|made| made.attempt == tenant.provisioning.attempt());
    made.ok_or_else(|| StepError::not_yet(format!("the {} is missing", R::WHAT)))
}

/// Unhealthy is retried: what was just made may still be settling.
fn healthy(holds: bool, otherwise: &'static str) -> Result<(), StepError> {
    if holds { Ok(()) } else { Err(StepError::not_yet(otherwise)) }
}
