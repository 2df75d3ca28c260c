//! The data key that people's authenticators are sealed under: read and opened once per execution environment, made by the
//! first enrolment of all.

use std::sync::Arc;

use domain::{Action, Actor, AuditEntry, Clock, CorrelationId, Entropy, Facts, IdentityId, second_factor::TotpSecret};
use lambda::{
    Env, StartError,
    http::{Problem, kinds},
};
use secrets::{Cached, DataKey, DataKeys, KeyRing, Sealed, SecretError, Secrets, Unsealable, WrappedKey};
use store::{PeopleKey, SecondFactor, Store, StoreError};
use tokio::sync::OnceCell;

/// What the secret of an authenticator is sealed as.
const TOTP: &str = "totp";
const FUNCTION: &str = "auth-mfa";

/// Holds the key.
pub(crate) struct People {
    store: Store,
    ring: Cached<KeyRing<DataKeys>>,
    key: OnceCell<DataKey>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Why a secret does not open or close. Our side's fault, always.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// Nobody has enrolled yet, so there can be nothing to open.
    #[error("there is no data key for people")]
    Missing,
    /// Changed, from elsewhere, or under another key: one error for all of it.
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
    /// The ring could not be read.
    #[error("the data keys cannot be used")]
    Ring(#[from] SecretError),
    /// The key could not be read or kept.
    #[error("the people's data key cannot be read")]
    Store(#[from] StoreError),
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let passes = match &error {
            KeyError::Ring(cause) => cause.is_retryable(),
            KeyError::Store(cause) => cause.is_retryable(),
            KeyError::Missing | KeyError::Unsealable(_) => false,
        };
        if passes { Self::unavailable(error) } else { Self::new(&kinds::INTERNAL).source(error) }
    }
}

impl People {
    /// Without a key of the ring in force nothing starts.
    pub(crate) async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secret = env.required("DATA_KEYS_SECRET")?;
        let ring = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        ring.get().await?.active(env.clock.now())?;
        let (clock, entropy) = (env.clock.clone(), env.entropy.clone());
        Ok(Self { store: env.store()?, ring, key: OnceCell::new(), clock, entropy })
    }

    /// Seals a new authenticator's secret for its person.
    pub(crate) async fn seal(&self, person: &IdentityId, secret: &TotpSecret) -> Result<Vec<u8>, KeyError> {
        let key = self.key.get_or_try_init(|| self.find_or_make()).await?;
        Ok(key.seal_for(person, TOTP, secret.expose(), &*self.entropy)?.0)
    }

    /// The secret of a person's authenticator.
    pub(crate) async fn open(&self, factor: &SecondFactor) -> Result<TotpSecret, KeyError> {
        let key = self.key.get_or_try_init(async || self.find().await?.ok_or(KeyError::Missing)).await?;
        let plain = key.open_for(&factor.identity_id, TOTP, &Sealed(factor.sealed.clone()))?;
        Ok(TotpSecret::from_bytes(&plain).ok_or(Unsealable)?)
    }

    async fn find(&self) -> Result<Option<DataKey>, KeyError> {
        let Some(stored) = self.store.people_key().await? else { return Ok(None) };
        let (wrapped, now) = (WrappedKey(stored.wrapped), self.clock.now());
        let ring = self.ring.for_opening(&wrapped, now).await?;
        Ok(Some(DataKey::unwrap_for_people(&wrapped, &ring, now)?))
    }

    async fn find_or_make(&self) -> Result<DataKey, KeyError> {
        if let Some(found) = self.find().await? {
            return Ok(found);
        }
        let (made, now) = (DataKey::generate(&*self.entropy), self.clock.now());
        // Read now: under a key that is going out of use it would be refused.
        let wrapped = made.wrap_for_people(&*self.ring.refresh_now().await?, now, &*self.entropy)?;
        let key_id = wrapped.key_id().map(|id| id.to_string()).unwrap_or_default();
        let kept = PeopleKey { key_id, wrapped: wrapped.0 };
        let audit = AuditEntry {
            actor: Actor::Function(FUNCTION.to_owned()),
            action: Action::SecretCreated,
            tenant: None,
            correlation_id: CorrelationId::new(&*self.entropy),
            before: Facts::new(),
            after: Facts::new(),
            at: now,
        };
        if self.store.keep_people_key(&kept, &audit.into()).await? {
            return Ok(made);
        }
        // Another was quicker.
        self.find().await?.ok_or(KeyError::Missing)
    }
}
