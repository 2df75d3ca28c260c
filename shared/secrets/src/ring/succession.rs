//! How one ring follows another: a key joins, its predecessors get an end, and nothing that is in force is lost.

use domain::{Entropy, bytes};
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Key, KeyId, KeyRing, Purpose};

impl<P: Purpose> KeyRing<P> {
    /// This ring and a new random key that begins at `begins`. Its predecessors end at `predecessors_end`, where that
    /// is earlier than an end that they have; without it they stay. Keys that ended before `forget` are left out.
    #[must_use]
    pub fn succeeded_by_a_new_key(
        &self,
        begins: Timestamp,
        predecessors_end: Option<Timestamp>,
        forget: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        let kept = self.keys.iter().filter(|key| key.retire_at.is_none_or(|end| end > forget));
        let end = |key: &Key| key.retire_at.into_iter().chain(predecessors_end).min();
        let mut keys: Vec<Key> = kept.map(|key| key.ending(end(key))).collect();
        keys.push(self.new_key(begins, entropy));
        self.with(keys)
    }

    /// This ring with that key out of use from now on. Where no key is left in use, a new one begins now; where the last
    /// one that is in use has an end, a new one begins after `lead`, if that end is not before twice as long. None where
    /// the ring has no such key, or it is out of use already.
    #[must_use]
    pub fn without(&self, id: &KeyId, now: Timestamp, lead: SignedDuration, entropy: &dyn Entropy) -> Option<Self> {
        self.keys.iter().find(|key| key.id == *id && !key.is_retired(now))?;
        // A key that has not begun never was in use, and a key cannot end before it begins.
        let kept = self.keys.iter().filter(|key| key.id != *id || key.not_before < now);
        let mut keys: Vec<Key> =
            kept.map(|key| key.ending(if key.id == *id { Some(now) } else { key.retire_at })).collect();
        let in_use = || keys.iter().filter(|key| key.not_before <= now && !key.is_retired(now));
        let endless = keys.iter().any(|key| key.retire_at.is_none());
        let lasts = in_use().any(|key| key.retire_at.is_none_or(|end| end >= now + lead * 2));
        let begins = match (in_use().next(), lasts) {
            (Some(_), _) if endless => None,
            (Some(_), true) => Some(now + lead),
            _ => Some(now),
        };
        keys.extend(begins.map(|begins| self.new_key(begins, entropy)));
        Some(self.with(keys))
    }

    /// The keys older than the one in use that are not out of use yet: what a re-seal has to empty.
    ///
    /// # Errors
    /// [`crate::SecretError::Malformed`] where no key is in use.
    pub fn superseded(&self, now: Timestamp) -> Result<Vec<KeyId>, crate::SecretError> {
        let active = self.active(now)?.not_before;
        let older = self.keys.iter().filter(|key| key.not_before < active && !key.is_retired(now));
        Ok(older.map(|key| key.id.clone()).collect())
    }

    /// Whether this ring may take the place of `current`: it has every key that `current` still accepts, none for longer
    /// than `current` does, and at most one more.
    #[must_use]
    pub fn follows(&self, current: &Self, now: Timestamp) -> bool {
        let kept = |theirs: &Key| self.keys.iter().any(|ours| ours.carries_on(theirs));
        let live = |key: &&Key| !key.is_retired(now);
        let none_lost = current.keys.iter().filter(live).all(kept);
        let none_revived = self.keys.iter().filter(live).all(|ours| {
            let known = current.keys.iter().find(|theirs| theirs.id == ours.id);
            known.is_none_or(|theirs| ours.carries_on(theirs))
        });
        none_lost && none_revived && self.new_since(current).count() <= 1
    }

    /// The keys that `earlier` has not.
    pub fn new_since<'a>(&'a self, earlier: &'a Self) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(|key| earlier.keys.iter().all(|known| known.id != key.id))
    }

    fn new_key(&self, begins: Timestamp, entropy: &dyn Entropy) -> Key {
        let id = std::iter::repeat_with(|| KeyId::of(bytes(entropy)));
        let id = id.into_iter().find(|id| self.keys.iter().all(|key| key.id != *id));
        let id = id.unwrap_or_else(|| KeyId::of(bytes(entropy)));
        Key { id, material: Zeroizing::new(bytes(entropy)), not_before: begins, retire_at: None }
    }

    fn with(&self, keys: Vec<Key>) -> Self {
        Self { secret: self.secret.clone(), keys, purpose: self.purpose }
    }
}

impl Key {
    /// The same key with that end.
    fn ending(&self, retire_at: Option<Timestamp>) -> Self {
        // An end before the beginning is no end that a ring can hold; such a key is over as soon as it begins.
        let retire_at = retire_at.map(|end| end.max(self.not_before + SignedDuration::from_secs(1)));
        Self { id: self.id.clone(), material: self.material.clone(), not_before: self.not_before, retire_at }
    }

    /// Whether this is the same key, which ends no later.
    fn carries_on(&self, earlier: &Self) -> bool {
        let no_later = match (self.retire_at, earlier.retire_at) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(ours), Some(theirs)) => ours <= theirs,
        };
        let same: bool = self.material.as_slice().ct_eq(earlier.material.as_slice()).into();
        self.id == earlier.id && self.not_before == earlier.not_before && no_later && same
    }
}

#[cfg(test)]
mod tests;
