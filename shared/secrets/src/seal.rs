//! Envelope encryption: values are sealed under their tenant's data key, and data keys are wrapped under a key ring.
//!
//! AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces, so that a data key may seal 2^32 values. Both forms are
//! `version (1) | length of the key id (1) | key id | nonce (12) | ciphertext | tag (16)`. Header, tenant, name and
//! version are associated data: what was sealed for one place opens in no other.

mod frame;
mod people;
mod plain;

use std::sync::Arc;

use aes_gcm::{Aes256Gcm, KeyInit};
use domain::{Entropy, TenantId, bytes};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::{Cached, DataKeys, Key, KeyId, KeyRing, SecretError};
use frame::Context;
pub use plain::Plain;

/// What was sealed does not open: it was changed, belongs elsewhere, or its key is gone. It is one error, so that
/// nobody learns which. (Sealing fails with it beyond 64 GiB, the limit of the algorithm.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value cannot be sealed or opened")]
pub struct Unsealable;

/// A data key under a key-encryption key. Safe to store beside what it protects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey(pub Vec<u8>);

impl WrappedKey {
    /// The key-encryption key that it is under, to find what a re-seal has left to do. Not authenticated.
    pub fn key_id(&self) -> Option<KeyId> {
        frame::key_id(&self.0).and_then(|id| KeyId::parse(std::str::from_utf8(id).ok()?))
    }
}

impl Cached<KeyRing<DataKeys>> {
    /// The ring, read again where it lacks the key that this is under: it may have been wrapped anew since.
    pub async fn for_opening(
        &self,
        wrapped: &WrappedKey,
        now: Timestamp,
    ) -> Result<Arc<KeyRing<DataKeys>>, SecretError> {
        let ring = self.get().await?;
        match wrapped.key_id() {
            Some(id) if ring.find(id.as_str(), now).is_none() => self.refresh_now().await,
            _ => Ok(ring),
        }
    }
}

/// A value under a data key. Safe to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

const ID: usize = 8;
const KEY: usize = 32;

/// A tenant's key: the only thing that opens the tenant's values. Wiped when dropped.
pub struct DataKey {
    /// Random; tells the data key of a value apart from its predecessors.
    id: [u8; ID],
    key: Zeroizing<[u8; KEY]>,
    cipher: Aes256Gcm,
}

impl DataKey {
    /// A new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(bytes(entropy), Zeroizing::new(bytes(entropy)))
    }

    fn new(id: [u8; ID], key: Zeroizing<[u8; KEY]>) -> Self {
        let cipher = Aes256Gcm::new((&*key).into());
        Self { id, key, cipher }
    }

    /// Wraps it for storage, under the active key of the ring. Fails where the ring has none.
    pub fn wrap(
        &self,
        ring: &KeyRing<DataKeys>,
        tenant: &TenantId,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<WrappedKey, SecretError> {
        let key = ring.active(now)?;
        let context = Context::wrapped_key(tenant, key.id().as_str().as_bytes());
        let wrapped = frame::close(&cipher(key), &context, self.plain().as_slice(), entropy);
        wrapped.map(WrappedKey).map_err(|Unsealable| ring.malformed("has a key that wraps nothing"))
    }

    /// The key that [`wrap`](Self::wrap) put away for this tenant.
    pub fn unwrap(
        wrapped: &WrappedKey,
        ring: &KeyRing<DataKeys>,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<Self, Unsealable> {
        let id = frame::key_id(&wrapped.0).ok_or(Unsealable)?;
        let key = std::str::from_utf8(id).ok().and_then(|id| ring.find(id, now)).ok_or(Unsealable)?;
        Self::from_plain(&frame::open(&cipher(key), &Context::wrapped_key(tenant, id), &wrapped.0)?)
    }

    fn plain(&self) -> Zeroizing<[u8; ID + KEY]> {
        let mut plain = Zeroizing::new([0; ID + KEY]);
        plain[..ID].copy_from_slice(&self.id);
        plain[ID..].copy_from_slice(self.key.as_slice());
        plain
    }

    fn from_plain(plain: &[u8]) -> Result<Self, Unsealable> {
        let (id, material) = plain.split_first_chunk::<ID>().ok_or(Unsealable)?;
        let material: &[u8; KEY] = material.try_into().map_err(|_| Unsealable)?;
        Ok(Self::new(*id, Zeroizing::new(*material)))
    }

    /// Seals a value for one place: this tenant, this name, this version.
    pub fn seal(
        &self,
        tenant: &TenantId,
        name: &str,
        version: u64,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Sealed, Unsealable> {
        let context = Context::value(tenant, name, version, &self.id);
        frame::close(&self.cipher, &context, plain, entropy).map(Sealed)
    }

    /// Whether the value says that it is under this key. Not authenticated: only opening it proves that.
    pub fn sealed(&self, sealed: &Sealed) -> bool {
        frame::key_id(&sealed.0) == Some(self.id.as_slice())
    }

    /// The value that [`seal`](Self::seal) put there.
    pub fn open(&self, tenant: &TenantId, name: &str, version: u64, sealed: &Sealed) -> Result<Plain, Unsealable> {
        frame::open(&self.cipher, &Context::value(tenant, name, version, &self.id), &sealed.0)
    }
}

fn cipher(key: &Key) -> Aes256Gcm {
    Aes256Gcm::new(key.material().into())
}

#[cfg(test)]
mod tests;
