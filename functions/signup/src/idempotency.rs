//! `Idempotency-Key` on signup: the first answer again, for 24 hours.
//!
//! The answer holds the status token, of which the store may only know a digest. So the saved answer is sealed under a
//! key derived from the caller's `Idempotency-Key`, of which the store only knows a digest too: who can send the same
//! request again can read the answer again, and nobody else, not even with the table in hand.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Nonce},
};
use domain::{Entropy, Signup, bytes};
use hkdf::Hkdf;
use jiff::Timestamp;
use lambda::http::{Problem, kinds};
use sha2::Sha256;
use store::IdempotencyRecord;
use zeroize::Zeroizing;

use crate::create::Accepted;

const OPERATION: &str = "tenant.create";
/// All callers of an anonymous route share one scope: the key alone tells them apart, so it may not be short.
const SCOPE: &str = "anonymous";
const MIN: usize = 16;
const MAX: usize = 64;
const NONCE: usize = 12;

/// A caller's key.
pub(crate) struct Key(Zeroizing<String>);

impl Key {
    /// Parses the header, if it was sent.
    pub(crate) fn from_header(header: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(text) = header else { return Ok(None) };
        // The draft's form is a quoted string; most clients send it bare.
        let key = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        let fits = (MIN..=MAX).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if fits {
            return Ok(Some(Self(Zeroizing::new(key.to_owned()))));
        }
        let detail = format!("Idempotency-Key is {MIN} to {MAX} characters of A-Z, a-z, 0-9, - and _; best a UUID");
        Err(Problem::new(&kinds::INVALID_HEADER).detail(detail))
    }

    /// What is saved with the signup.
    pub(crate) fn record(
        &self,
        signup: &Signup,
        answer: &Accepted,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<IdempotencyRecord, Problem> {
        let internal = |e: serde_json::Error| Problem::new(&kinds::INTERNAL).source(e);
        let request = serde_json::to_vec(signup).map_err(internal)?;
        let answer = Zeroizing::new(serde_json::to_vec(answer).map_err(internal)?);
        let nonce = bytes::<NONCE>(entropy);
        let mut sealed = nonce.to_vec();
        sealed.extend(
            self.cipher()
                .encrypt(&Nonce::<Aes256Gcm>::from(nonce), answer.as_slice())
                .map_err(|_| Problem::new(&kinds::INTERNAL))?,
        );
        Ok(IdempotencyRecord::new(OPERATION, SCOPE, &self.0, &request, sealed, now))
    }

    fn open(&self, saved: &[u8]) -> Option<Accepted> {
        let (nonce, sealed) = saved.split_first_chunk::<NONCE>()?;
        let answer = Zeroizing::new(self.cipher().decrypt(&Nonce::<Aes256Gcm>::from(*nonce), sealed).ok()?);
        serde_json::from_slice(&answer).ok()
    }

    fn cipher(&self) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; 32]);
        let derived =
            Hkdf::<Sha256>::new(None, self.0.as_bytes()).expand(b"innkeeper/idempotency/signup", key.as_mut());
        debug_assert!(derived.is_ok(), "32 bytes are within HKDF's limit");
        Aes256Gcm::new(&(*key).into())
    }
}

/// The first answer, from what was saved.
pub(crate) fn replayed(key: Option<&Key>, saved: &[u8]) -> Result<Accepted, Problem> {
    key.and_then(|key| key.open(saved))
        .ok_or_else(|| Problem::new(&kinds::INTERNAL).detail("the saved answer does not open"))
}
