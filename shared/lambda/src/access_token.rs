//! Access tokens: EdDSA JWTs as RFC 9068 (`at+jwt`), checked as RFC 8725 asks.
//!
//! Verified with public keys only, in the function. A token that was verified once is remembered by its SHA-256 until
//! it expires, which costs 0.3 µs instead of the signature's 40.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, RwLock},
};

use domain::{IdentityId, Role, SessionId, TenantId};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Store, StoreError};

/// How long an access token lives.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// RFC 9068 section 2.1.
pub const TYPE: &str = "at+jwt";
/// The longest token that is looked at; ours have about 600 bytes.
const MAX_LENGTH: usize = 2_048;
/// Tokens remembered per execution environment; the oldest half goes when it is full.
const REMEMBERED: usize = 4_096;
/// An unknown `kid` makes the keys be read again, at most this often.
const REREAD: SignedDuration = SignedDuration::from_secs(10);

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
    keys: RwLock<Keys>,
    seen: Mutex<HashMap<[u8; 32], Claims>>,
}

#[derive(Default)]
struct Keys {
    by_kid: HashMap<String, (DecodingKey, Option<Timestamp>)>,
    /// When an unknown `kid` last made them be read.
    asked_at: Option<Timestamp>,
}

impl Verifier {
    /// A verifier for tokens of this issuer and audience.
    pub fn new(issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // `set_audience` alone does not require `aud`: each claim is listed.
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Times are checked against the clock that the door is given, with no leeway.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { validation, keys: RwLock::default(), seen: Mutex::default() }
    }

    /// The claims of a token that holds. Costs no call for a token seen before, or of a known key; one Query when the key is new.
    ///
    /// # Errors
    /// [`Refused`], with the reason for the log.
    pub async fn verify(&self, token: &str, store: &Store, now: Timestamp) -> Result<Claims, Refused> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let remembered = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        let claims = match remembered {
            Some(claims) => claims,
            None => {
                let claims = self.check(token, store, now).await?;
                self.remember(hash, claims.clone(), now);
                claims
            }
        };
        let now = now.as_second();
        let early = claims.iat > now || claims.nbf.is_some_and(|nbf| nbf > now);
        if now >= claims.exp || early { Err(Refused::Expired) } else { Ok(claims) }
    }

    async fn check(&self, token: &str, store: &Store, now: Timestamp) -> Result<Claims, Refused> {
        let kid = kid_of(token)?;
        if !self.knows(&kid, now) {
            self.read(store, Some(now)).await?;
        }
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let (key, retire_at) = keys.by_kid.get(&kid).ok_or(Refused::UnknownKey)?;
        if retire_at.is_some_and(|at| now >= at) {
            return Err(Refused::UnknownKey);
        }
        Ok(jsonwebtoken::decode::<Claims>(token, key, &self.validation)?.claims)
    }

    fn knows(&self, kid: &str, now: Timestamp) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let lately = keys.asked_at.is_some_and(|at| now.duration_since(at).abs() < REREAD);
        keys.by_kid.contains_key(kid) || lately
    }

    /// Reads the public keys, so that the first token costs no read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn warm(&self, store: &Store) -> Result<(), StoreError> {
        self.read(store, None).await
    }

    /// The read at start does not count against [`REREAD`]: a new stack publishes its first key at that moment.
    async fn read(&self, store: &Store, asked_at: Option<Timestamp>) -> Result<(), StoreError> {
        let read = store.signing_keys().await?;
        let usable = read
            .into_iter()
            .filter_map(|k| DecodingKey::from_ed_components(&k.x).ok().map(|key| (k.kid, (key, k.retire_at))));
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        *keys = Keys { by_kid: usable.collect(), asked_at };
        Ok(())
    }

    fn remember(&self, hash: [u8; 32], claims: Claims, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.retain(|_, c| c.exp > now.as_second());
        }
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(hash, claims);
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
