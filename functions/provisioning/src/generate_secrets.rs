//! GenerateSecrets: a data key, under which the tenant's vault is sealed, and 32 random bytes each for jwt, encryption,
//! cookie and webhook. In the pool they are sealed in the store under that key too; a silo has a secret of its own in
//! Secrets Manager.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use domain::{Entropy, Isolation, Step as Which};
use lambda::{Env, FromEnv, StartError, Step};
use secrets::{
    Cached, DataKey, DataKeys, KeyRing, SecretError, Secrets, SiloSecrets, TENANT_SECRETS_LIVE, tenant_secret,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{Effects, SealedSecrets, Tenant, TenantDataKey, TenantSecrets};
use workflow::{StepError, StepInput};

use crate::journal::Journal;

/// The journal, Secrets Manager, the ring that wraps data keys, and randomness.
pub struct Deps {
    journal: Journal,
    secrets: Secrets,
    data_keys: Cached<KeyRing<DataKeys>>,
    prefix: String,
    /// The KMS key under which a silo's secret lies.
    key_arn: String,
    /// The function that rotates a silo's secret.
    rotation: String,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secrets = Secrets::new(&env.sdk);
        let data_keys =
            Cached::new(secrets.clone(), env.required("DATA_KEYS_SECRET")?, env.clock.clone(), KeyRing::parse);
        data_keys.get().await?;
        Ok(Self {
            journal: Journal::from_env(env, Which::GenerateSecrets)?,
            secrets,
            data_keys,
            prefix: env.required("TENANT_SECRET_PREFIX")?.to_owned(),
            key_arn: env.required("ENCRYPTION_KEY")?.to_owned(),
            rotation: env.required("TENANT_ROTATION_FUNCTION")?.to_owned(),
            entropy: env.entropy.clone(),
        })
    }
}

/// The step.
pub struct GenerateSecrets;

impl Step for GenerateSecrets {
    type Deps = Deps;
    const NAME: &'static str = "GenerateSecrets";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        let effects = match tenant.plan.isolation() {
            Isolation::Pool => pool(deps, &tenant).await?,
            Isolation::Silo => silo(deps, &input, &tenant).await?,
        };
        deps.journal.succeed(&input, effects).await
    }

    async fn undo(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin_undo(&input).await? else { return Ok(Value::Null) };
        if tenant.plan.isolation() == Isolation::Silo {
            deps.secrets.delete(&secret_name(&deps.prefix, &input)).await.map_err(secret_unavailable)?;
        }
        deps.journal.undone(&input, Effects::of(&tenant).undo::<TenantSecrets>().undo_data_key()).await
    }
}

async fn pool<'a>(deps: &Deps, tenant: &'a Tenant) -> Result<Effects<'a>, StepError> {
    let (key, data_key) = data_key(deps, tenant).await?;
    let (id, entropy) = (&tenant.tenant_id, &*deps.entropy);
    let first = SealedSecrets::FIRST;
    let seal = |name| key.seal(id, name, first, tenant_secret(entropy).as_slice(), entropy).map(|sealed| sealed.0);
    let sealed = SealedSecrets::make(first, deps.journal.now(), seal);
    let sealed = sealed.map_err(|e| StepError::retry("the tenant's secrets were not sealed", e))?;
    Ok(Effects::of(tenant).data_key(&data_key).keep(&TenantSecrets::Pool(sealed)))
}

async fn data_key(deps: &Deps, tenant: &Tenant) -> Result<(DataKey, TenantDataKey), StepError> {
    let ring = deps.data_keys.get().await.map_err(secret_unavailable)?;
    let key = DataKey::generate(&*deps.entropy);
    let wrapped = key.wrap(&ring, &tenant.tenant_id, deps.journal.now(), &*deps.entropy).map_err(secret_unavailable)?;
    let key_id = wrapped.key_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
    Ok((key, TenantDataKey { key_id, wrapped: wrapped.0, previous: None }))
}

/// The name holds the attempt and the request token is derived from it: a second run finds the first's secret, in use
/// or not, and leaves it.
async fn silo<'a>(deps: &Deps, input: &StepInput, tenant: &'a Tenant) -> Result<Effects<'a>, StepError> {
    let name = secret_name(&deps.prefix, input);
    let token = HEXLOWER.encode(&Sha256::digest(name.as_bytes()));
    let value = SiloSecrets::generate(&*deps.entropy);
    let arn = deps.secrets.create(&name, &token, &deps.key_arn, &value).await.map_err(secret_unavailable)?;
    let days = TENANT_SECRETS_LIVE.as_hours() / 24;
    deps.secrets.rotate_every(&name, &deps.rotation, days).await.map_err(secret_unavailable)?;
    let (_, data_key) = data_key(deps, tenant).await?;
    Ok(Effects::of(tenant).data_key(&data_key).keep(&TenantSecrets::Silo { arn: arn.as_str().to_owned() }))
}

/// `innkeeper/{stage}/tenant/{id}-{attempt}`
fn secret_name(prefix: &str, input: &StepInput) -> String {
    format!("{prefix}{}-{}", input.tenant_id, input.attempt)
}

pub(crate) fn secret_unavailable(error: SecretError) -> StepError {
    if error.is_retryable() {
        return StepError::retry("Secrets Manager is busy", error);
    }
    StepError::Fail {
        code: "secret_refused",
        detail: "the tenant's secrets cannot be made".into(),
        retryable: true,
        source: Some(Box::new(error)),
    }
}
