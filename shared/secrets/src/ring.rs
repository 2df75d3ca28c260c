//! The key ring: what a rotating secret holds.

mod format;
mod key;
mod succession;

use std::marker::PhantomData;

use jiff::Timestamp;
use secrecy::SecretString;

pub use domain::KeyId;
pub use key::Key;

use crate::SecretError;

/// What the keys of a ring are for. It is part of the derivation, so that no two rings share a key even where they
/// were given the same secret by mistake.
pub trait Purpose: Send + Sync + 'static {
    /// The last part of the secret's name.
    const NAME: &'static str;
}

/// Ed25519 seeds that sign access tokens.
pub enum SigningKeys {}
/// Keys of the MAC on refresh tokens.
pub enum RefreshKeys {}
/// Keys that wrap the tenants' data keys.
pub enum DataKeys {}

impl Purpose for SigningKeys {
    const NAME: &'static str = "signing-keys";
}

impl Purpose for RefreshKeys {
    const NAME: &'static str = "refresh-keys";
}

impl Purpose for DataKeys {
    const NAME: &'static str = "data-keys";
}

/// Keys for one purpose, each with the time from which it is used and, once it has a successor, the time after which
/// it is not. Wiped when dropped.
pub struct KeyRing<P> {
    secret: String,
    keys: Vec<Key>,
    purpose: PhantomData<fn() -> P>,
}

impl<P: Purpose> KeyRing<P> {
    /// Reads the value of `secret`: `{"initial": "…"}` as the template has it generated at the first deployment, or
    /// `{"keys": [{"id", "material", "not_before", "retire_at"?}]}` as a rotation writes it.
    pub fn parse(secret: &str, value: &SecretString) -> Result<Self, SecretError> {
        let keys = format::read(secret, P::NAME, value)?;
        Ok(Self { secret: secret.to_owned(), keys, purpose: PhantomData })
    }

    /// The key to use for what is made now: the newest one that has begun and is not retired.
    pub fn active(&self, now: Timestamp) -> Result<&Key, SecretError> {
        self.keys
            .iter()
            .filter(|key| key.not_before() <= now && !key.is_retired(now))
            .max_by_key(|key| key.not_before())
            .ok_or_else(|| self.malformed("has no key for the present"))
    }

    /// The key to check what carries `id`, unless it is retired. A key that has not begun is found too: the function
    /// that used it may have the faster clock.
    pub fn find(&self, id: &str, now: Timestamp) -> Option<&Key> {
        self.keys.iter().find(|key| key.id().as_str() == id && !key.is_retired(now))
    }

    /// Every key, retired ones included.
    pub fn all(&self) -> &[Key] {
        &self.keys
    }

    pub(crate) fn malformed(&self, reason: &'static str) -> SecretError {
        SecretError::Malformed { secret: self.secret.clone(), reason }
    }

    /// The ring as a rotation stores it.
    pub fn to_secret(&self) -> SecretString {
        format::write(&self.keys)
    }
}

#[cfg(test)]
mod tests;
