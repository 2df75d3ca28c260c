//! The bytes of a sealed value.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm};
use domain::{Entropy, IdentityId, TenantId, bytes};

use super::{Plain, Unsealable};

/// The format, and with it the algorithm: a change of either is another number.
const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Where a value belongs: the header that it carries, and the associated data that begins with it. Each part has its
/// length before it, so that no two places give the same bytes.
pub(super) struct Context {
    associated: Vec<u8>,
    header: usize,
}

impl Context {
    pub(super) fn wrapped_key(tenant: &TenantId, key_id: &[u8]) -> Self {
        Self::new(key_id, &[b"data-key", tenant.as_str().as_bytes()])
    }

    pub(super) fn value(tenant: &TenantId, name: &str, version: u64, key_id: &[u8]) -> Self {
        let parts: [&[u8]; 4] = [b"value", tenant.as_str().as_bytes(), name.as_bytes(), &version.to_be_bytes()];
        Self::new(key_id, &parts)
    }

    pub(super) fn peoples_key(key_id: &[u8]) -> Self {
        Self::new(key_id, &[b"people's data-key"])
    }

    pub(super) fn of_person(person: &IdentityId, name: &str, key_id: &[u8]) -> Self {
        Self::new(key_id, &[b"of a person", person.as_str().as_bytes(), name.as_bytes()])
    }

    fn new(key_id: &[u8], parts: &[&[u8]]) -> Self {
        let header = 2 + key_id.len();
        let mut associated = Vec::with_capacity(header + parts.iter().map(|part| 8 + part.len()).sum::<usize>());
        associated.extend_from_slice(&[VERSION, key_id.len() as u8]);
        associated.extend_from_slice(key_id);
        for part in parts {
            associated.extend_from_slice(&(part.len() as u64).to_be_bytes());
            associated.extend_from_slice(part);
        }
        Self { associated, header }
    }

    fn header(&self) -> &[u8] {
        &self.associated[..self.header]
    }
}

/// The id of the key that `frame` says it is under.
pub(super) fn key_id(frame: &[u8]) -> Option<&[u8]> {
    match frame {
        [VERSION, length, rest @ ..] => rest.get(..usize::from(*length)),
        _ => None,
    }
}

/// Fails only beyond the 64 GiB that one nonce is good for.
pub(super) fn close(
    cipher: &Aes256Gcm,
    context: &Context,
    plain: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, Unsealable> {
    let nonce = bytes::<NONCE>(entropy);
    let body = context.header + NONCE;
    let mut frame = Vec::with_capacity(body + plain.len() + TAG);
    frame.extend_from_slice(context.header());
    frame.extend_from_slice(&nonce);
    frame.extend_from_slice(plain);
    let tag = cipher
        .encrypt_inout_detached(&nonce.into(), &context.associated, InOutBuf::from(&mut frame[body..]))
        .map_err(|_| Unsealable)?;
    frame.extend_from_slice(&tag);
    Ok(frame)
}

pub(super) fn open(cipher: &Aes256Gcm, context: &Context, frame: &[u8]) -> Result<Plain, Unsealable> {
    let rest = frame.strip_prefix(context.header()).ok_or(Unsealable)?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Unsealable)?;
    let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(Unsealable)?;
    let mut plain = Plain::new(body.to_vec());
    cipher
        .decrypt_inout_detached(&(*nonce).into(), &context.associated, plain.as_mut_slice().into(), &(*tag).into())
        .map_err(|_| Unsealable)?;
    Ok(plain)
}
