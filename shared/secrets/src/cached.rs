//! A parsed secret, kept for a bounded time.

use std::sync::{Arc, PoisonError, RwLock};

use domain::Clock;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::{SecretError, Secrets};

/// A rotation publishes what it changes at least this long before it uses it.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(300);
/// Between two tries, whatever asks for them: an outage or a flood of made-up key ids costs no more calls than this.
const BETWEEN_TRIES: SignedDuration = SignedDuration::from_secs(10);

/// Makes a `T` out of the value of the secret named first.
pub type Parse<T> = fn(&str, &SecretString) -> Result<T, SecretError>;

/// The current value of a secret, read when it is older than five minutes, by one caller at a time. While Secrets
/// Manager is out of reach the last value serves on; a value that is gone, weak or malformed ends that at once. An old
/// value is dropped, and so wiped, when its last reader lets go of it.
pub struct Cached<T> {
    secrets: Secrets,
    id: String,
    clock: Arc<dyn Clock>,
    parse: Parse<T>,
    kept: RwLock<Option<Kept<T>>>,
    refreshing: Mutex<()>,
}

struct Kept<T> {
    value: Arc<T>,
    fetched_at: Timestamp,
    tried_at: Timestamp,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

impl<T> Kept<T> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.fetched_at) < MAX_AGE || !self.may_try(now)
    }

    fn may_try(&self, now: Timestamp) -> bool {
        now.duration_since(self.tried_at) >= BETWEEN_TRIES
    }
}

impl<T> Cached<T> {
    /// Reads nothing yet. A function calls [`get`](Self::get) once at its start, so that a bad secret stops it there.
    pub fn new(secrets: Secrets, id: impl Into<String>, clock: Arc<dyn Clock>, parse: Parse<T>) -> Self {
        Self { secrets, id: id.into(), clock, parse, kept: RwLock::new(None), refreshing: Mutex::new(()) }
    }

    /// The value, at most five minutes old unless Secrets Manager is out of reach.
    pub async fn get(&self) -> Result<Arc<T>, SecretError> {
        let Some(kept) = self.kept() else { return self.fetch_unless(|_, _| true).await };
        if kept.is_fresh(self.clock.now()) || self.refreshing.try_lock().is_err() {
            // Old, but another caller is reading it at this moment: it serves until then.
            return Ok(kept.value);
        }
        self.fetch_unless(Kept::is_fresh).await
    }

    /// The value, read again because it lacks a key that somebody names; at most once in ten seconds.
    /// Waits for a read that is under way.
    pub async fn refresh_now(&self) -> Result<Arc<T>, SecretError> {
        self.fetch_unless(|kept, now| !kept.may_try(now)).await
    }

    /// The value, read again where it is not `good`, whatever was tried before. Only for what no caller of ours can bring
    /// about, such as a key that the store says is retired: a read of it costs a call each time. What comes back may
    /// still not be good.
    pub async fn get_where(&self, good: impl Fn(&T) -> bool + Send) -> Result<Arc<T>, SecretError> {
        let value = self.get().await?;
        if good(&value) {
            return Ok(value);
        }
        let _turn = self.refreshing.lock().await;
        match self.kept() {
            Some(kept) if good(&kept.value) => Ok(kept.value),
            kept => self.fetch(kept).await,
        }
    }

    /// One caller at a time; those who stood in line take what the first one brought.
    async fn fetch_unless(&self, good_enough: fn(&Kept<T>, Timestamp) -> bool) -> Result<Arc<T>, SecretError> {
        let _turn = self.refreshing.lock().await;
        match self.kept() {
            Some(kept) if good_enough(&kept, self.clock.now()) => Ok(kept.value),
            kept => self.fetch(kept).await,
        }
    }

    async fn fetch(&self, stale: Option<Kept<T>>) -> Result<Arc<T>, SecretError> {
        let tried_at = self.clock.now();
        let read = self.secrets.current(&self.id).await.and_then(|value| (self.parse)(&self.id, &value));
        let (kept, result) = match (read, stale) {
            (Ok(value), _) => {
                let value = Arc::new(value);
                (Some(Kept { value: Arc::clone(&value), fetched_at: tried_at, tried_at }), Ok(value))
            }
            (Err(error @ SecretError::Unavailable { .. }), Some(stale)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(secret = %self.id, read_at = %stale.fetched_at, error, "serving the last value of a secret");
                let value = Arc::clone(&stale.value);
                (Some(Kept { tried_at, ..stale }), Ok(value))
            }
            (Err(error), _) => (None, Err(error)),
        };
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = kept;
        result
    }

    fn kept(&self) -> Option<Kept<T>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests;
