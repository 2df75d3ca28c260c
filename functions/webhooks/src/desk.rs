//! What the routes and the delivery work with: the store, the way to a tenant's data key, and where webhooks may be.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{Clock, Entropy, Facts, TenantId, WebhookId, bytes};
use jiff::Timestamp;
use lambda::{
    Env, FromEnv, StartError,
    http::{Cx, Problem, kinds},
};
use secrets::{Cached, DataKey, DataKeys, KeyRing, Sealed, SecretError, Secrets, Unsealable, WrappedKey};
use store::{Store, StoreError, TenantDataKey, Webhook, WebhookSecret};
use zeroize::Zeroizing;

/// As much as HMAC-SHA256 makes use of; Standard Webhooks asks for 24 to 64.
const KEY: usize = 32;
/// How often what others outran is tried.
pub(crate) const TRIES: usize = 3;

/// The store, the ring that tenants' data keys are wrapped under, the one host inside that may be called, and randomness.
pub struct Desk {
    pub(crate) store: Store,
    data_keys: Cached<KeyRing<DataKeys>>,
    pub(crate) inside: Option<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl FromEnv for Desk {
    /// Without a key in force nothing starts; nor does anything outside the local stack that may call inside.
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secret = env.required("DATA_KEYS_SECRET")?;
        let data_keys = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        data_keys.get().await?.active(env.clock.now())?;
        let inside = env.optional("WEBHOOKS_INSIDE").map(str::to_owned);
        if inside.is_some() && env.required("STAGE")? != "local" {
            let reason = "only the local stack calls a webhook inside".to_owned();
            return Err(StartError::Invalid { name: "WEBHOOKS_INSIDE", reason });
        }
        let (clock, entropy) = (env.clock.clone(), env.entropy.clone());
        Ok(Self { store: env.store()?, data_keys, inside, clock, entropy })
    }
}

/// Why a secret does not open or close. The caller hears that something went wrong here, whatever it was.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The tenant was provisioned without a data key, or it is gone.
    #[error("the tenant has no data key")]
    Missing,
    /// The webhook has another one each time.
    #[error("the webhook's secret changes all the time")]
    Busy,
    /// Changed, from elsewhere, or under another key: one error for all of it.
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
    /// The ring could not be read.
    #[error("the data keys cannot be used")]
    Ring(#[from] SecretError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            // Given up, or not yet provisioned: nothing of it is sealed.
            KeyError::Missing => Self::new(&kinds::WRONG_STATE).detail("webhooks are of a provisioned tenant"),
            KeyError::Ring(cause) if cause.is_retryable() => Self::unavailable(cause),
            KeyError::Busy => Self::unavailable(error),
            error => Self::new(&kinds::INTERNAL).source(error),
        }
    }
}

/// A signing secret. Wiped when dropped.
pub(crate) struct SigningSecret(Zeroizing<[u8; KEY]>);

impl SigningSecret {
    fn new(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(bytes(entropy)))
    }

    /// As the libraries of Standard Webhooks take it; for the one answer that shows it.
    pub(crate) fn shown(&self) -> String {
        format!("whsec_{}", STANDARD.encode(*self.0))
    }

    /// What signs.
    pub(crate) fn key(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// A new secret, sealed under the tenant's data key, which may change until it is stored.
pub(crate) struct Fresh {
    pub(crate) shown: String,
    pub(crate) secret: WebhookSecret,
    pub(crate) under: TenantDataKey,
}

impl Desk {
    /// A new secret, as this version of the webhook's. One read.
    pub(crate) async fn fresh(
        &self,
        tenant: &TenantId,
        webhook: &WebhookId,
        version: u64,
        now: Timestamp,
    ) -> Result<Fresh, KeyError> {
        let under = self.store.made::<TenantDataKey>(tenant).await?.ok_or(KeyError::Missing)?.record;
        let key = self.unwrap(&under.wrapped, tenant, now).await?;
        let secret = SigningSecret::new(&*self.entropy);
        let sealed = key.seal(tenant, &webhook.sealed_as(), version, secret.key(), &*self.entropy)?.0;
        Ok(Fresh { shown: secret.shown(), secret: WebhookSecret { version, sealed }, under })
    }

    /// The secrets that sign for the webhook now; none where it was deleted since it was read. One read, and another where a
    /// re-seal came between, or two where it has other secrets by now.
    pub(crate) async fn signing(
        &self,
        tenant: &TenantId,
        webhook: &Webhook,
        now: Timestamp,
    ) -> Result<Option<Vec<SigningSecret>>, KeyError> {
        let (mut webhook, mut tries) = (webhook.clone(), 1);
        loop {
            let (under, secrets) = self.store.webhook_secrets(tenant, &webhook, now).await?;
            if secrets.iter().all(|secret| secret.version != webhook.version) {
                match self.store.webhook(tenant, &webhook.webhook_id).await? {
                    None => return Ok(None),
                    Some(_) if tries == TRIES => return Err(KeyError::Busy),
                    Some(newer) => (webhook, tries) = (newer, tries + 1),
                }
                continue;
            }
            let under = under.ok_or(KeyError::Missing)?;
            let mut keys = vec![self.unwrap(&under.wrapped, tenant, now).await?];
            if let Some(former) = &under.previous {
                keys.push(self.unwrap(&former.wrapped, tenant, now).await?);
            }
            let opened = secrets.iter().map(|secret| open(&keys, tenant, &webhook, secret)).collect();
            match opened {
                Err(Unsealable) if tries < TRIES => tries += 1,
                opened => return Ok(Some(opened?)),
            }
        }
    }

    async fn unwrap(&self, wrapped: &[u8], tenant: &TenantId, now: Timestamp) -> Result<DataKey, KeyError> {
        let wrapped = WrappedKey(wrapped.to_vec());
        let ring = self.data_keys.for_opening(&wrapped, now).await?;
        Ok(DataKey::unwrap(&wrapped, &ring, tenant, now)?)
    }
}

fn open(
    keys: &[DataKey],
    tenant: &TenantId,
    webhook: &Webhook,
    secret: &WebhookSecret,
) -> Result<SigningSecret, Unsealable> {
    let sealed = Sealed(secret.sealed.clone());
    let key = keys.iter().find(|key| key.sealed(&sealed)).ok_or(Unsealable)?;
    let plain = key.open(tenant, &webhook.webhook_id.sealed_as(), secret.version, &sealed)?;
    let secret = (&*plain).try_into().map_err(|_| Unsealable)?;
    Ok(SigningSecret(Zeroizing::new(secret)))
}

/// The tenant of the path; the door has matched it with the caller's own.
pub(crate) fn tenant_of(cx: &Cx) -> Result<TenantId, Problem> {
    cx.path("tenant_id")
}

/// What the audit log says of a webhook that is. Of its address only the host: the path may hold a token of the receiver's.
pub(crate) fn facts(webhook: &Webhook) -> Facts {
    Facts::new()
        .with("webhook_id", &webhook.webhook_id)
        .with("host", &webhook.url.host())
        .with("version", &webhook.version)
}
