//! The published signing keys, as a copy that knows how old it is.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use store::{Store, StoreError};
use tokio::sync::Mutex;

/// An unknown `kid` makes the keys be read again, at most this often: a caller can make one up.
const REREAD: SignedDuration = SignedDuration::from_secs(10);

/// The keys as of some generation (see `store`). A retirement since then shows in the generation that the door reads with
/// every authenticated request, and a key published since then in its unknown `kid`.
#[derive(Default)]
pub struct PublicKeys {
    kept: RwLock<Kept>,
    reading: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    by_kid: HashMap<String, (DecodingKey, Option<Timestamp>)>,
    generation: u64,
    /// When an unknown `kid` last made them be read.
    asked_at: Option<Timestamp>,
}

/// A key in force, and as of when.
pub(crate) struct Found {
    pub(crate) key: DecodingKey,
    pub(crate) retire_at: Option<Timestamp>,
    pub(crate) generation: u64,
}

impl PublicKeys {
    /// Reads them, so that the first token costs no read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn warm(&self, store: &Store) -> Result<(), StoreError> {
        // This read does not count against `REREAD`: a new stack publishes its first key at that moment.
        self.read(store, None).await
    }

    /// Reads them again if the copy is of an earlier generation; callers at the same time share one read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn catch_up(&self, store: &Store, generation: u64) -> Result<(), StoreError> {
        let behind = || self.kept().generation < generation;
        if !behind() {
            return Ok(());
        }
        let _turn = self.reading.lock().await;
        if behind() { self.read(store, None).await } else { Ok(()) }
    }

    /// Whether tokens of that key are accepted now and until `end`; read if the key is not known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn serves(&self, kid: &str, end: Timestamp, store: &Store, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.get(kid, store, now).await?.is_some() && self.serves_until(kid, end))
    }

    /// The same, as far as this copy knows.
    #[must_use]
    pub fn serves_until(&self, kid: &str, end: Timestamp) -> bool {
        self.find(kid, end).is_some()
    }

    /// The key, read if it is not known; callers at the same time share one read.
    pub(crate) async fn get(&self, kid: &str, store: &Store, now: Timestamp) -> Result<Option<Found>, StoreError> {
        if !self.knows(kid, now) {
            let _turn = self.reading.lock().await;
            if !self.knows(kid, now) {
                self.read(store, Some(now)).await?;
            }
        }
        Ok(self.find(kid, now))
    }

    /// Whether the key is published, in force or not.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.kept().by_kid.contains_key(kid)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.kept().generation
    }

    fn find(&self, kid: &str, now: Timestamp) -> Option<Found> {
        let kept = self.kept();
        let (key, retire_at) = kept.by_kid.get(kid)?;
        let in_force = retire_at.is_none_or(|at| now < at);
        in_force.then(|| Found { key: key.clone(), retire_at: *retire_at, generation: kept.generation })
    }

    fn knows(&self, kid: &str, now: Timestamp) -> bool {
        let kept = self.kept();
        let lately = kept.asked_at.is_some_and(|at| now.duration_since(at).abs() < REREAD);
        kept.by_kid.contains_key(kid) || lately
    }

    async fn read(&self, store: &Store, asked_at: Option<Timestamp>) -> Result<(), StoreError> {
        let read = store.published_keys().await?;
        let usable = read
            .keys
            .into_iter()
            .filter_map(|k| DecodingKey::from_ed_components(&k.x).ok().map(|key| (k.kid, (key, k.retire_at))));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        // Reads that ran at the same time may end in the other order.
        if read.generation >= kept.generation {
            *kept = Kept { by_kid: usable.collect(), generation: read.generation, asked_at };
        }
        Ok(())
    }

    fn kept(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }
}
