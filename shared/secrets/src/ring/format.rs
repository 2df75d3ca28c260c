//! The two forms in which a ring is stored.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::{Key, KeyId};
use crate::{SecretError, check_strength};

/// 43 characters of 62 carry the 256 bits that a key has.
const MIN_INITIAL: usize = 43;
/// Room for one key in the stored form, so that its buffer never moves and leaves a copy behind.
const STORED_KEY: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Initial<'a> {
    #[serde(borrow)]
    initial: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    #[serde(borrow)]
    keys: Vec<StoredKey<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey<'a> {
    id: KeyId,
    #[serde(borrow)]
    material: Cow<'a, str>,
    not_before: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retire_at: Option<Timestamp>,
}

/// Text of a JSON string with escapes is a copy of the secret; all other text borrows from it.
fn wipe(text: Cow<'_, str>) {
    if let Cow::Owned(mut text) = text {
        text.zeroize();
    }
}

pub(super) fn read(secret: &str, purpose: &str, value: &SecretString) -> Result<Vec<Key>, SecretError> {
    let json = value.expose_secret();
    if let Ok(Initial { initial }) = serde_json::from_str(json) {
        let key = derive(secret, purpose, &initial);
        wipe(initial);
        return key.map(|key| vec![key]);
    }
    // The parser's own message is dropped: it quotes what it did not expect.
    let stored: Stored<'_> = serde_json::from_str(json).map_err(|_| malformed(secret, "is not a key ring"))?;
    let keys: Vec<Key> = stored.keys.into_iter().map(|key| decode(secret, key)).collect::<Result<_, _>>()?;
    check_ids(secret, &keys)?;
    Ok(keys)
}

/// The first key, out of what `GenerateSecretString` put there: HKDF-SHA256 (RFC 5869) without salt.
fn derive(secret: &str, purpose: &str, initial: &str) -> Result<Key, SecretError> {
    check_strength(secret, initial.as_bytes())?;
    if initial.len() < MIN_INITIAL {
        return Err(SecretError::Weak { secret: secret.to_owned(), reason: "is shorter than 43 characters" });
    }
    let hkdf = Hkdf::<Sha256>::new(None, initial.as_bytes());
    let mut material = Zeroizing::new([0; 32]);
    let mut id = [0; 4];
    hkdf.expand(format!("innkeeper/{purpose}/initial").as_bytes(), material.as_mut_slice())
        .and_then(|()| hkdf.expand(format!("innkeeper/{purpose}/initial/id").as_bytes(), &mut id))
        .map_err(|_| malformed(secret, "cannot be expanded"))?;
    Ok(Key { id: KeyId::of(id), material, not_before: Timestamp::UNIX_EPOCH, retire_at: None })
}

fn decode(secret: &str, stored: StoredKey<'_>) -> Result<Key, SecretError> {
    let mut material = Zeroizing::new([0; 32]);
    let length = URL_SAFE_NO_PAD.decode_slice(stored.material.as_bytes(), material.as_mut_slice());
    wipe(stored.material);
    if length != Ok(material.len()) {
        return Err(malformed(secret, "has a key that is not 32 bytes in base64url"));
    }
    check_strength(secret, material.as_slice())?;
    if stored.retire_at.is_some_and(|end| end <= stored.not_before) {
        return Err(malformed(secret, "has a key that ends before it begins"));
    }
    Ok(Key { id: stored.id, material, not_before: stored.not_before, retire_at: stored.retire_at })
}

fn check_ids(secret: &str, keys: &[Key]) -> Result<(), SecretError> {
    if keys.is_empty() {
        return Err(malformed(secret, "holds no key"));
    }
    let repeated = keys.iter().enumerate().any(|(n, key)| keys[..n].iter().any(|other| other.id == key.id));
    if repeated { Err(malformed(secret, "has two keys of the same id")) } else { Ok(()) }
}

pub(super) fn write(keys: &[Key]) -> SecretString {
    let mut json = Zeroizing::new(Vec::with_capacity(32 + keys.len() * STORED_KEY));
    let mut stored = Stored { keys: keys.iter().map(encode).collect() };
    let written = serde_json::to_writer(&mut *json, &stored);
    stored.keys.drain(..).for_each(|key| wipe(key.material));
    debug_assert!(written.is_ok(), "a Vec takes everything, and strings and timestamps have a form in JSON");
    SecretString::from(std::str::from_utf8(&json).unwrap_or_default())
}

fn encode(key: &Key) -> StoredKey<'static> {
    StoredKey {
        id: key.id.clone(),
        material: Cow::Owned(URL_SAFE_NO_PAD.encode(key.material.as_slice())),
        not_before: key.not_before,
        retire_at: key.retire_at,
    }
}

fn malformed(secret: &str, reason: &'static str) -> SecretError {
    SecretError::Malformed { secret: secret.to_owned(), reason }
}
