//! One tenant: a new data key, every value sealed anew under it, the old data key forgotten. A tenant with a handful of
//! values costs two reads and three transactions.
//!
//! A data key that was wrapped under a key that goes out of use, perhaps because somebody else has it, is not merely
//! wrapped anew: who had the one could have the other. Each call does a bounded share and says whether it was the last.

use std::sync::Arc;

use domain::{Action, Clock, Entropy, TenantId};
use lambda::{Env, FromEnv, StartError, Task};
use secrets::{Cached, DataKey, DataKeys, KeyRing, Sealed, Secrets, Unsealable};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{FormerDataKey, SealedPage, SealedSecrets, SealedValue, Store, TenantDataKey, TenantSecrets};
use workflow::StepError;

use super::{Run, ring_unusable, unavailable};
use crate::data_key::{opened, unsealable};

/// Transactions in one call: with the largest values they take a few seconds.
const SHARE: usize = 24;

/// The store, the ring and randomness.
pub struct Deps {
    store: Store,
    data_keys: Cached<KeyRing<DataKeys>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secret = env.required("DATA_KEYS_SECRET")?;
        let data_keys = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        data_keys.get().await?;
        Ok(Self { store: env.store()?, data_keys, clock: env.clock.clone(), entropy: env.entropy.clone() })
    }
}

/// Whose values.
#[derive(Deserialize)]
pub struct Input {
    #[serde(flatten)]
    run: Run,
    tenant_id: TenantId,
}

/// The state.
pub struct ResealTenant;

impl Task for ResealTenant {
    type Deps = Deps;
    type Input = Input;
    type Output = Value;
    const NAME: &'static str = "reseal-tenant";

    async fn run(deps: &Deps, Input { run, tenant_id: tenant }: Input) -> Result<Value, StepError> {
        let work = Work { deps, run: &run, tenant: &tenant };
        for _ in 0..SHARE {
            // A tenant that is gone has nothing left.
            let Some(made) = deps.store.made::<TenantDataKey>(&tenant).await.map_err(unavailable)? else {
                return Ok(json!({"done": true}));
            };
            let key = made.record;
            match &key.previous {
                None if !run.retires(&key) => return Ok(json!({"done": true})),
                None => work.renew(&key).await?,
                Some(former) if former.is_through() => work.forget(&key).await?,
                Some(former) => work.move_on(&key, former).await?,
            }
        }
        Ok(json!({"done": false}))
    }
}

struct Work<'a> {
    deps: &'a Deps,
    run: &'a Run,
    tenant: &'a TenantId,
}

/// The tenant's two data keys.
struct Keys {
    current: DataKey,
    former: DataKey,
}

impl Work<'_> {
    async fn renew(&self, before: &TenantDataKey) -> Result<(), StepError> {
        let (deps, now) = (self.deps, self.deps.clock.now());
        let ring = deps.data_keys.get().await.map_err(ring_unusable)?;
        let new = DataKey::generate(&*deps.entropy);
        let wrapped = new.wrap(&ring, self.tenant, now, &*deps.entropy).map_err(ring_unusable)?;
        let former = FormerDataKey { key_id: before.key_id.clone(), wrapped: before.wrapped.clone(), moved_to: None };
        let key_id = wrapped.key_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
        let after = TenantDataKey { key_id, wrapped: wrapped.0, previous: Some(former) };
        let audit = self.run.audit(ResealTenant::NAME, Action::DataKeyRenewed, Some(self.tenant), now);
        // Where somebody else was faster, the next turn finds what they did.
        deps.store.renew_data_key(self.tenant, before, &after, &audit).await.map(drop).map_err(unavailable)
    }

    async fn move_on(&self, key: &TenantDataKey, former: &FormerDataKey) -> Result<(), StepError> {
        let keys = Keys { current: self.open(&key.wrapped).await?, former: self.open(&former.wrapped).await? };
        let page = self.deps.store.sealed_values(self.tenant, former).await.map_err(unavailable)?;
        let anew = self.anew(&keys, &page).map_err(unsealable)?;
        let secrets = match former.moved_to {
            None => self.secrets(&keys).await?,
            Some(_) => None,
        };
        let audit = self.run.audit(ResealTenant::NAME, Action::DataKeyMoved, Some(self.tenant), self.deps.clock.now());
        let secrets = secrets.as_ref().map(|(before, after)| (before, after));
        let moved = self.deps.store.move_values(self.tenant, key, &page, &anew, secrets, &audit).await;
        moved.map(drop).map_err(unavailable)
    }

    /// What is still under the former key, under the current one.
    fn anew<'p>(&self, keys: &Keys, page: &'p SealedPage) -> Result<Vec<(&'p SealedValue, Vec<u8>)>, Unsealable> {
        let mut anew = Vec::new();
        for value in &page.values {
            let sealed = Sealed(value.sealed.clone());
            if let Some(moved) = self.moved(keys, &value.sealed_as, value.version, &sealed)? {
                anew.push((value, moved));
            }
        }
        Ok(anew)
    }

    /// The four secrets of a tenant in the pool; a silo's are in Secrets Manager.
    async fn secrets(&self, keys: &Keys) -> Result<Option<(SealedSecrets, SealedSecrets)>, StepError> {
        let made = self.deps.store.made::<TenantSecrets>(self.tenant).await.map_err(unavailable)?;
        let Some(TenantSecrets::Pool(sealed)) = made.map(|made| made.record) else { return Ok(None) };
        let change = |name: &str, version, value: &[u8]| {
            let sealed = Sealed(value.to_vec());
            Ok(self.moved(keys, name, version, &sealed)?.unwrap_or(sealed.0))
        };
        let after = sealed.map(&change).map_err(unsealable)?;
        Ok((after != sealed).then_some((sealed, after)))
    }

    /// None where it is under the current key. What opens under neither is an error: it must not be left behind unseen.
    fn moved(&self, keys: &Keys, name: &str, version: u64, sealed: &Sealed) -> Result<Option<Vec<u8>>, Unsealable> {
        if keys.current.sealed(sealed) {
            keys.current.open(self.tenant, name, version, sealed)?;
            return Ok(None);
        }
        let plain = keys.former.open(self.tenant, name, version, sealed)?;
        let anew = keys.current.seal(self.tenant, name, version, &plain, &*self.deps.entropy)?;
        Ok(Some(anew.0))
    }

    async fn forget(&self, key: &TenantDataKey) -> Result<(), StepError> {
        let audit =
            self.run.audit(ResealTenant::NAME, Action::DataKeyRetired, Some(self.tenant), self.deps.clock.now());
        let last = !self.run.retires(key);
        let forgotten = self.deps.store.forget_former_data_key(self.tenant, key, last, &audit).await;
        forgotten.map(drop).map_err(unavailable)
    }

    async fn open(&self, wrapped: &[u8]) -> Result<DataKey, StepError> {
        opened(&self.deps.data_keys, self.tenant, wrapped, self.deps.clock.now()).await
    }
}
