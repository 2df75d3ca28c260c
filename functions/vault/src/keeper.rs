//! What every route of the vault works with: the store, and the way to a tenant's data key.

use std::sync::Arc;

use domain::{Entropy, TenantId, VaultName, VaultValue};
use jiff::Timestamp;
use lambda::{
    Env, FromEnv, StartError,
    http::{Cx, Problem, kinds},
};
use secrets::{Cached, DataKey, DataKeys, KeyRing, Sealed, SecretError, Secrets, Unsealable, WrappedKey};
use store::{Store, TenantDataKey, VaultVersion};

/// The store, the ring that tenants' data keys are wrapped under, and randomness.
pub struct Keeper {
    pub(crate) store: Store,
    data_keys: Cached<KeyRing<DataKeys>>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Keeper {
    /// Without a key in force nothing of the vault starts.
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secret = env.required("DATA_KEYS_SECRET")?;
        let data_keys = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        data_keys.get().await?.active(env.clock.now())?;
        Ok(Self { store: env.store()?, data_keys, entropy: env.entropy.clone() })
    }
}

/// Why a value does not open or close. The caller hears that something went wrong here, whatever it was.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The tenant was provisioned without one, or it is gone.
    #[error("the tenant has no data key")]
    Missing,
    /// Changed, from elsewhere, or under another key: one error for all of it.
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
    /// The ring could not be read.
    #[error("the data keys cannot be used")]
    Ring(#[from] SecretError),
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let passes = matches!(&error, KeyError::Ring(cause) if cause.is_retryable());
        if passes { Self::unavailable(error) } else { Self::new(&kinds::INTERNAL).source(error) }
    }
}

/// A tenant's data key, opened; and the one before it, while a re-seal moves the values.
pub(crate) struct Opener<'a> {
    key: DataKey,
    former: Option<DataKey>,
    tenant: &'a TenantId,
    name: String,
    entropy: &'a dyn Entropy,
}

impl Keeper {
    /// The tenant's data key, for values of this name.
    pub(crate) async fn opener<'a>(
        &'a self,
        tenant: &'a TenantId,
        name: &VaultName,
        stored: Option<TenantDataKey>,
        now: Timestamp,
    ) -> Result<Opener<'a>, KeyError> {
        let stored = stored.ok_or(KeyError::Missing)?;
        let key = self.unwrap(WrappedKey(stored.wrapped), tenant, now).await?;
        let former = match stored.previous {
            None => None,
            Some(former) => Some(self.unwrap(WrappedKey(former.wrapped), tenant, now).await?),
        };
        Ok(Opener { key, former, tenant, name: name.sealed_as(), entropy: &*self.entropy })
    }

    async fn unwrap(&self, wrapped: WrappedKey, tenant: &TenantId, now: Timestamp) -> Result<DataKey, KeyError> {
        let ring = self.data_keys.for_opening(&wrapped, now).await?;
        Ok(DataKey::unwrap(&wrapped, &ring, tenant, now)?)
    }
}

impl Opener<'_> {
    /// Whether the value is under one of these keys. Read beside a re-seal, a value and the keys may not go together.
    pub(crate) fn knows(&self, stored: &VaultVersion) -> bool {
        let sealed = Sealed(stored.sealed.clone());
        self.key.sealed(&sealed) || self.former.as_ref().is_some_and(|former| former.sealed(&sealed))
    }

    pub(crate) fn open(&self, stored: VaultVersion) -> Result<VaultValue, KeyError> {
        let (sealed, version) = (Sealed(stored.sealed), stored.version);
        let key = self.former.as_ref().filter(|former| former.sealed(&sealed)).unwrap_or(&self.key);
        let plain = key.open(self.tenant, &self.name, version, &sealed)?;
        VaultValue::from_plain(&plain).ok_or(KeyError::Unsealable(Unsealable))
    }

    /// The same version under the current key, for whoever stores it again.
    pub(crate) fn renewed(&self, stored: VaultVersion) -> Result<VaultVersion, KeyError> {
        let Some(former) = self.former.as_ref().filter(|former| former.sealed(&Sealed(stored.sealed.clone()))) else {
            return Ok(stored);
        };
        let plain = former.open(self.tenant, &self.name, stored.version, &Sealed(stored.sealed))?;
        let sealed = self.key.seal(self.tenant, &self.name, stored.version, &plain, self.entropy)?.0;
        Ok(VaultVersion { sealed, ..stored })
    }

    pub(crate) fn seal(&self, value: &VaultValue, version: u64) -> Result<Vec<u8>, KeyError> {
        Ok(self.key.seal(self.tenant, &self.name, version, &value.to_plain(), self.entropy)?.0)
    }
}

/// The caller's tenant; to whoever has none there is no vault.
pub(crate) fn tenant_of(cx: &Cx) -> Result<TenantId, Problem> {
    cx.caller.tenant().cloned().ok_or_else(|| Problem::new(&kinds::NOT_FOUND))
}
