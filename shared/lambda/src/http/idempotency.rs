//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the first answer again, for 24 hours.
//!
//! An answer may hold a token, of which the store may only know a digest. So the saved answer is sealed under a key derived
//! from the caller's `Idempotency-Key`, of which the store only knows a digest too: who can send the same request again can
//! read the answer again. A caller's key may be a guessable one, though, and the table could then be searched for it. What
//! opens more than a status for a day (an API key, a webhook's secret) is therefore not saved: its routes save the id of
//! what they made, and a repeat is told that ([`kinds::ALREADY_MADE`]).

use std::fmt::Display;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Nonce},
};
use domain::{Entropy, bytes};
use hkdf::Hkdf;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;
use store::{Earlier, IdempotencyRecord};
use zeroize::Zeroizing;

use super::{Caller, Cx, Problem, kinds};

/// The key of an anonymous caller stands alone, so it may not be short.
const MIN: usize = 16;
const MAX: usize = 64;
const NONCE: usize = 12;

/// A caller's key, for one operation.
pub struct IdempotencyKey {
    text: Zeroizing<String>,
    operation: &'static str,
    /// Keeps callers apart. All of an anonymous route share one.
    scope: String,
}

impl IdempotencyKey {
    /// The header, if it was sent; `operation` is what the key is good for, by any caller of the path's tenant alone.
    ///
    /// # Errors
    /// [`kinds::INVALID_HEADER`].
    pub fn sent(cx: &Cx, operation: &'static str) -> Result<Option<Self>, Problem> {
        let Some(text) = cx.header("idempotency-key") else { return Ok(None) };
        // The draft's form is a quoted string; most clients send it bare.
        let key = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        let fits = (MIN..=MAX).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !fits {
            let detail = format!("Idempotency-Key is {MIN} to {MAX} characters of A-Z, a-z, 0-9, - and _; best a UUID");
            return Err(Problem::new(&kinds::INVALID_HEADER).detail(detail));
        }
        let scope = match &cx.caller {
            Caller::Member(member) => format!("{}#{}", cx.path_text("tenant_id"), member.identity),
            Caller::Service(service) => format!("{}#{}", service.tenant, service.key),
            Caller::Anonymous | Caller::StatusToken(_) | Caller::SigningIn(_) | Caller::Internal => {
                "anonymous".to_owned()
            }
        };
        Ok(Some(Self { text: Zeroizing::new(key.to_owned()), operation, scope }))
    }

    /// What is saved with the work: the answer, and what must be the same for it to be the same.
    ///
    /// # Errors
    /// [`kinds::INTERNAL`] where one of them is no JSON.
    pub fn record(
        &self,
        request: &impl Serialize,
        answer: &impl Serialize,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<IdempotencyRecord, Problem> {
        let internal = |e: serde_json::Error| Problem::new(&kinds::INTERNAL).source(e);
        let request = serde_json::to_vec(request).map_err(internal)?;
        let answer = Zeroizing::new(serde_json::to_vec(answer).map_err(internal)?);
        let nonce = bytes::<NONCE>(entropy);
        let mut sealed = nonce.to_vec();
        sealed.extend(
            self.cipher()
                .encrypt(&Nonce::<Aes256Gcm>::from(nonce), answer.as_slice())
                .map_err(|_| Problem::new(&kinds::INTERNAL))?,
        );
        Ok(IdempotencyRecord::new(self.operation, &self.scope, &self.text, &request, sealed, now))
    }

    /// The first answer, from what an earlier request under this key left.
    ///
    /// # Errors
    /// [`kinds::IDEMPOTENCY_MISMATCH`] where that was another request.
    pub fn answered<A: DeserializeOwned>(&self, earlier: Earlier) -> Result<A, Problem> {
        let Earlier::Replay(saved) = earlier else { return Err(Problem::new(&kinds::IDEMPOTENCY_MISMATCH)) };
        let open = || Problem::new(&kinds::INTERNAL).detail("the saved answer does not open");
        self.open(&saved).ok_or_else(open)
    }

    /// What a repeat is told where the answer itself is not saved: which one of what there is now, by its id.
    pub fn made_before<I: DeserializeOwned + Display>(&self, what: &str, earlier: Earlier) -> Problem {
        let told = |id: I| Problem::new(&kinds::ALREADY_MADE).detail(format!("it made the {what} {id}"));
        self.answered(earlier).map_or_else(|problem| problem, told)
    }

    fn open<A: DeserializeOwned>(&self, saved: &[u8]) -> Option<A> {
        let (nonce, sealed) = saved.split_first_chunk::<NONCE>()?;
        let answer = Zeroizing::new(self.cipher().decrypt(&Nonce::<Aes256Gcm>::from(*nonce), sealed).ok()?);
        serde_json::from_slice(&answer).ok()
    }

    fn cipher(&self) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; 32]);
        let purpose = [b"innkeeper/idempotency/", self.operation.as_bytes()].concat();
        let derived = Hkdf::<Sha256>::new(None, self.text.as_bytes()).expand(&purpose, key.as_mut());
        debug_assert!(derived.is_ok(), "32 bytes are within HKDF's limit");
        Aes256Gcm::new(&(*key).into())
    }
}
