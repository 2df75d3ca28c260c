//! `GET /.well-known/jwks.json`: the public keys that access tokens are checked with (RFC 7517, RFC 8037).

use std::sync::{Mutex, PoisonError};

use http::header::CACHE_CONTROL;
use jiff::{SignedDuration, Timestamp};
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route},
};
use serde::Serialize;
use store::{PublicKey, Store, StoreError};
use utoipa::ToSchema;

/// How old the function's own copy may be. With the callers' five minutes a new key is everywhere after six: a rotation
/// waits longer than that before it signs.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(60);
/// Public keys are no secret: this answer alone may be kept.
const CACHING: &str = "public, max-age=300";
/// Nor may anybody keep that there are none: a new stack publishes its first key just before it signs with it.
const NOT_YET: &str = "no-cache";

/// The keys.
#[derive(Serialize, ToSchema)]
#[schema(as = Jwks)]
pub struct Answer {
    keys: Vec<Jwk>,
}

/// One key.
#[derive(Serialize, ToSchema)]
struct Jwk {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    crv: &'static str,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    #[schema(rename = "use", example = "sig")]
    r#use: &'static str,
    /// The `kid` of the tokens that it signed.
    kid: String,
    /// The key, base64url.
    x: String,
}

impl Answer {
    /// Every key but those whose last token has died; a key that has not begun to sign is there, so that it is known by then.
    fn of(keys: &[PublicKey], now: Timestamp) -> Self {
        let alive = keys.iter().filter(|key| key.retire_at.is_none_or(|at| now < at));
        Self { keys: alive.map(Jwk::of).collect() }
    }
}

impl Jwk {
    fn of(key: &PublicKey) -> Self {
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", r#use: "sig", kid: key.kid.clone(), x: key.x.clone() }
    }
}

/// The store, and what was read from it lately.
pub struct Deps {
    pub(crate) issuer: String,
    store: Store,
    lately: Mutex<Option<(Timestamp, Vec<PublicKey>)>>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let issuer = env.required("TOKEN_ISSUER")?.to_owned();
        Ok(Self { issuer, store: env.store()?, lately: Mutex::default() })
    }
}

impl Deps {
    async fn keys(&self, now: Timestamp) -> Result<Vec<PublicKey>, StoreError> {
        if let Some((read_at, keys)) = &*self.lately.lock().unwrap_or_else(PoisonError::into_inner)
            && now.duration_since(*read_at).abs() < MAX_AGE
        {
            return Ok(keys.clone());
        }
        let keys = self.store.signing_keys().await?;
        if keys.is_empty() {
            return Ok(keys);
        }
        *self.lately.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, keys.clone()));
        Ok(keys)
    }
}

/// The store is all that can fail.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] StoreError);

impl From<Error> for Problem {
    fn from(Error(error): Error) -> Self {
        error.into()
    }
}

/// The route.
pub struct Jwks;

impl Route for Jwks {
    const POLICY: Policy = Policy::read(
        "auth-jwks",
        "Get the keys that access tokens are checked with",
        "/.well-known/jwks.json",
        Access::Anonymous,
        Rate::General,
    );
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let keys = deps.keys(cx.now).await?;
        let caching = if keys.is_empty() { NOT_YET } else { CACHING };
        Ok(Reply::json(Answer::of(&keys, cx.now)).header(CACHE_CONTROL, caching))
    }
}

#[cfg(test)]
mod tests;
