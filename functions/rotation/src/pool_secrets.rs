//! The four secrets of every tenant in the pool, every 90 days, by an hourly job. They are sealed in the store, where Secrets
//! Manager would ask $0.40 a month for each tenant (DESIGN.md section 13).
//!
//! A pass over all tenants goes on where the last call left it, rests a day, and begins anew. At rest a call costs one
//! `GetItem`; a tenant that is due two reads, a transaction of three items, an event and a write.

use std::sync::Arc;

use domain::{Action, Actor, AuditEntry, Clock, CorrelationId, Entropy, Facts, TenantId};
use jiff::{SignedDuration, Timestamp};
use lambda::{Announcer, Env, FromEnv, Job, StartError};
use secrets::{Cached, DataKey, DataKeys, KeyRing, Secrets, TENANT_SECRETS_LIVE, Unsealable, tenant_secret};
use serde_json::{Value, json};
use store::{Audit, PoolSecretsPass, SealedSecrets, Store, TenantDataKey, TenantSecrets};
use workflow::StepError;

use crate::data_key::{opened, unavailable, unsealable};

/// Pages of one call, of some 25 tenants or 8 000 items: well within its minutes.
const PAGES: usize = 20;
/// Between the end of a pass and the next.
const REST: SignedDuration = SignedDuration::from_hours(24);

/// The store, the ring, the bus and randomness.
pub struct Deps {
    store: Store,
    data_keys: Cached<KeyRing<DataKeys>>,
    announcer: Announcer,
    /// `innkeeper/{stage}/tenant/`: what a silo's secrets are named after too.
    prefix: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secret = env.required("DATA_KEYS_SECRET")?;
        let data_keys = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        data_keys.get().await?;
        Ok(Self {
            store: env.store()?,
            data_keys,
            announcer: Announcer::from_env(env)?,
            prefix: env.required("TENANT_SECRET_PREFIX")?.to_owned(),
            clock: env.clock.clone(),
            entropy: env.entropy.clone(),
        })
    }
}

/// The job.
pub struct RotatePoolSecrets;

impl Job for RotatePoolSecrets {
    type Deps = Deps;
    const NAME: &'static str = "rotate-pool-secrets";

    async fn run(deps: &Deps) -> Result<Value, StepError> {
        let now = deps.clock.now();
        let pass = deps.store.pool_secrets_pass().await.map_err(unavailable)?;
        if pass.as_ref().is_some_and(|pass| pass.next.is_none() && now < pass.at + REST) {
            return Ok(json!({"rotated": 0}));
        }
        let mut from = pass.and_then(|pass| pass.next);
        let (mut rotated, mut failed) = (0, 0);
        for _ in 0..PAGES {
            let page = deps.store.pool_secrets_due(now - TENANT_SECRETS_LIVE, from).await.map_err(unavailable)?;
            for tenant in &page.tenants {
                match deps.tenant(tenant, now).await {
                    Ok(()) => rotated += 1,
                    // The others are not to wait for this one; the next pass finds it again.
                    Err(error) => {
                        failed += 1;
                        let alarm = "rotation_failed";
                        tracing::error!(alarm, tenant = tenant.as_str(), detail = %error, "a tenant's secrets were not rotated");
                    }
                }
            }
            from = page.next;
            let pass = PoolSecretsPass { next: from.clone(), at: now };
            deps.store.keep_pool_secrets_pass(&pass).await.map_err(unavailable)?;
            if from.is_none() {
                break;
            }
        }
        Ok(json!({"rotated": rotated, "failed": failed}))
    }
}

impl Deps {
    /// New values where the present ones are old, and the event where nobody has been told.
    async fn tenant(&self, tenant: &TenantId, now: Timestamp) -> Result<(), StepError> {
        let made = self.store.made::<TenantSecrets>(tenant).await.map_err(unavailable)?;
        let Some(TenantSecrets::Pool(mut sealed)) = made.map(|made| made.record) else { return Ok(()) };
        if sealed.made_at < now - TENANT_SECRETS_LIVE {
            match self.rotate(tenant, sealed, now).await? {
                Some(after) => sealed = after,
                // Somebody else was faster, and is the one to tell.
                None => return Ok(()),
            }
        }
        let Some(correlation_id) = &sealed.unannounced else { return Ok(()) };
        let (name, version) = (format!("{}{tenant}", self.prefix), sealed.version.to_string());
        let told = self.announcer.announce(name, version, correlation_id.clone()).await;
        told.map_err(|error| StepError::retry("the new values are in use, and nobody has been told", error))?;
        self.store.pool_secrets_announced(tenant, sealed.version).await.map_err(unavailable)
    }

    async fn rotate(
        &self,
        tenant: &TenantId,
        before: SealedSecrets,
        now: Timestamp,
    ) -> Result<Option<SealedSecrets>, StepError> {
        let key = self.store.made::<TenantDataKey>(tenant).await.map_err(unavailable)?;
        let Some(key) = key.map(|made| made.record) else { return Ok(None) };
        let opened = opened(&self.data_keys, tenant, &key.wrapped, now).await?;
        let correlation_id = CorrelationId::new(&*self.entropy);
        let entry = AuditEntry {
            actor: Actor::Function(RotatePoolSecrets::NAME.to_owned()),
            action: Action::SecretRotated,
            tenant: Some(tenant.clone()),
            correlation_id: correlation_id.clone(),
            before: Facts::new().with("version", &before.version),
            after: Facts::new().with("version", &(before.version + 1)),
            at: now,
        };
        let mut after = self.successor(&opened, tenant, before.version + 1, now).map_err(unsealable)?;
        after.unannounced = Some(correlation_id);
        after.previous = Some(Box::new(SealedSecrets { previous: None, unannounced: None, ..before.clone() }));
        let changed = self.store.rotate_pool_secrets(tenant, &key, &before, &after, &Audit::from(entry)).await;
        Ok(changed.map_err(unavailable)?.then_some(after))
    }

    fn successor(
        &self,
        key: &DataKey,
        tenant: &TenantId,
        version: u64,
        now: Timestamp,
    ) -> Result<SealedSecrets, Unsealable> {
        let entropy = &*self.entropy;
        SealedSecrets::make(version, now, |name| {
            let sealed = key.seal(tenant, name, version, tenant_secret(entropy).as_slice(), entropy)?;
            Ok(sealed.0)
        })
    }
}
