//! The two halves of a signing key: the private one for the function that issues tokens, the public ones for all.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Key, KeyId, KeyRing, SecretError, SigningKeys};

/// What stands before the seed in a `OneAsymmetricKey` for Ed25519 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The private key that signs now. Wiped when dropped.
pub struct Signer {
    kid: KeyId,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl Signer {
    /// Goes into the header of every token.
    pub fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// DER in PKCS #8, as `jsonwebtoken::EncodingKey::from_ed_der` takes it.
    pub fn pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.pkcs8
    }
}

/// A key to check tokens with, as the store keeps it and JWKS shows it (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The key's name.
    pub kid: KeyId,
    /// 32 bytes in base64url, as in a JWK.
    pub x: String,
    /// When the key begins to sign.
    pub not_before: Timestamp,
    /// From when on its tokens are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire_at: Option<Timestamp>,
}

impl KeyRing<SigningKeys> {
    /// The active key, ready to sign.
    pub fn signer(&self, now: Timestamp) -> Result<Signer, SecretError> {
        let key = self.active(now)?;
        let mut pkcs8 = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + 32));
        pkcs8.extend_from_slice(&PKCS8_PREFIX);
        pkcs8.extend_from_slice(key.material());
        Ok(Signer { kid: key.id().clone(), pkcs8 })
    }

    /// The public half of every key, retired ones included.
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.all().iter().map(public).collect()
    }
}

fn public(key: &Key) -> PublicKey {
    let x = SigningKey::from_bytes(key.material()).verifying_key();
    PublicKey {
        kid: key.id().clone(),
        x: URL_SAFE_NO_PAD.encode(x.as_bytes()),
        not_before: key.not_before(),
        retire_at: key.retire_at(),
    }
}

#[cfg(test)]
mod tests;
