//! Access tokens: EdDSA JWTs as RFC 9068 (`at+jwt`), checked as RFC 8725 asks.
//!
//! Verified with public keys only, in the function. A token that was verified once is remembered by its SHA-256 until
//! it expires or its key is retired, which costs 0.3 µs instead of the signature's 40.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{IdentityId, Role, SessionId, TenantId};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Store, StoreError};

use crate::public_keys::{Found, PublicKeys};

/// How long an access token lives.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// RFC 9068 section 2.1.
pub const TYPE: &str = "at+jwt";
/// The longest token that is looked at; ours have about 600 bytes.
const MAX_LENGTH: usize = 2_048;
/// Tokens remembered per execution environment; when it is full the expired ones go, and where none has expired, all.
const REMEMBERED: usize = 4_096;

/// The claims of an access token; every one is required except `tid`, which a platform role has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// Who.
    pub sub: IdentityId,
    /// The active tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid: Option<TenantId>,
    /// The session.
    pub sid: SessionId,
    /// The role at issue; the door uses the stored one.
    pub role: Role,
    /// Expiry, in seconds since the epoch.
    pub exp: i64,
    /// Issue time, in seconds since the epoch.
    pub iat: i64,
    /// Not before, in seconds since the epoch. We issue none, and honour one all the same (RFC 7519 section 4.1.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The token's own id.
    pub jti: String,
    /// Who acts, where it is not the subject (RFC 8693 section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
}

/// The party that acts in the subject's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Who.
    pub sub: IdentityId,
}

/// Why a token was not accepted. For the log; the caller hears 401.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Not the form of a token of ours.
    #[error("the token is not one of ours: {0}")]
    Form(&'static str),
    /// Signature or claims do not hold.
    #[error("the token does not verify")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    /// Past its `exp`, or before its `iat`.
    #[error("the token has expired or is not valid yet")]
    Expired,
    /// No public key of this `kid`.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The keys could not be read.
    #[error("the public keys could not be read")]
    Keys(#[from] StoreError),
}

/// Verifies tokens against the public keys in the store.
pub struct Verifier {
    validation: Validation,
    keys: PublicKeys,
    seen: Mutex<HashMap<[u8; 32], Verified>>,
}

/// What a token was found to say, and by which keys.
#[derive(Clone)]
pub(crate) struct Verified {
    pub(crate) claims: Claims,
    /// The generation of the keys that it was checked with: it is as good as they are.
    pub(crate) generation: u64,
    retire_at: Option<Timestamp>,
}

impl Verifier {
    /// A verifier for tokens of this issuer and audience.
    pub fn new(issuer: &str, audience: &str) -> Self {
        crate::eddsa::install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // `set_audience` alone does not require `aud`: each claim is listed.
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Times are checked against the clock that the door is given, with no leeway.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { validation, keys: PublicKeys::default(), seen: Mutex::default() }
    }

    /// The claims of a token that holds. Costs no call for a token seen before, or of a known key; one Query when the key is new.
    ///
    /// # Errors
    /// [`Refused`], with the reason for the log.
    pub async fn verify(&self, token: &str, store: &Store, now: Timestamp) -> Result<Claims, Refused> {
        Ok(self.verified(token, store, now).await?.claims)
    }

    /// The same, and by which generation of the keys. Who knows of a later one calls [`PublicKeys::catch_up`], and again.
    pub(crate) async fn verified(&self, token: &str, store: &Store, now: Timestamp) -> Result<Verified, Refused> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let verified = match self.remembered(&hash) {
            Some(verified) => verified,
            None => {
                let verified = self.check(token, store, now).await?;
                self.remember(hash, verified.clone(), now);
                verified
            }
        };
        if verified.retire_at.is_some_and(|at| now >= at) {
            return Err(Refused::UnknownKey);
        }
        let (claims, now) = (&verified.claims, now.as_second());
        let early = claims.iat > now || claims.nbf.is_some_and(|nbf| nbf > now);
        if now >= claims.exp || early { Err(Refused::Expired) } else { Ok(verified) }
    }

    async fn check(&self, token: &str, store: &Store, now: Timestamp) -> Result<Verified, Refused> {
        let kid = kid_of(token)?;
        let Found { key, retire_at, generation } = self.keys.get(&kid, store, now).await?.ok_or(Refused::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &self.validation)?.claims;
        Ok(Verified { claims, generation, retire_at })
    }

    /// The keys that it verifies by.
    pub fn keys(&self) -> &PublicKeys {
        &self.keys
    }

    /// Reads the public keys, so that the first token costs no read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn warm(&self, store: &Store) -> Result<(), StoreError> {
        self.keys.warm(store).await
    }

    /// What was found with the keys of today; what was found with earlier ones is looked at again.
    fn remembered(&self, hash: &[u8; 32]) -> Option<Verified> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(hash).filter(|verified| verified.generation == self.keys.generation()).cloned()
    }

    fn remember(&self, hash: [u8; 32], verified: Verified, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.retain(|_, known| known.claims.exp > now.as_second());
        }
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(hash, verified);
    }
}

/// The `kid`, from a header in which nothing else is unexpected: the algorithm is pinned, `crit` is refused.
fn kid_of(token: &str) -> Result<String, Refused> {
    if token.len() > MAX_LENGTH {
        return Err(Refused::Form("too long"));
    }
    let header = jsonwebtoken::decode_header(token)?;
    if header.alg != Algorithm::EdDSA {
        return Err(Refused::Form("another algorithm"));
    }
    if !header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE)) {
        return Err(Refused::Form("another typ"));
    }
    if header.crit.is_some() {
        return Err(Refused::Form("crit"));
    }
    header.kid.ok_or(Refused::Form("no kid"))
}
