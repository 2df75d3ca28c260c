//! Issues access tokens (RFC 9068), and publishes the keys that they are signed with.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use domain::{
    Action, Actor, AuditEntry, Clock, CorrelationId, Entropy, Facts, IdentityId, Role, SessionId, TenantId, bytes,
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lambda::{
    Env, PublicKeys, StartError,
    access_token::{Act, Claims, LIFETIME, TYPE},
    http::{Problem, kinds},
};
use secrets::{Cached, KeyRing, SecretError, Secrets, Signer, SigningKeys};
use store::{Admission, IMPERSONATION, PublicKey, Store, StoreError};

/// Whom a token is for.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) identity: IdentityId,
    pub(crate) session: SessionId,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) role: Role,
}

/// Why there is no token. Our side's fault, always.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The private keys could not be read.
    #[error("the signing keys cannot be used")]
    Keys(#[from] SecretError),
    /// The published keys could not be read.
    #[error("the published keys cannot be read")]
    Published(#[from] StoreError),
    /// The key that signs is retired, and its successor has not come through yet.
    #[error("the signing key is retired, and the ring has no other")]
    Retired,
    /// The library refused to sign.
    #[error("the token could not be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        let passes = match &error {
            IssueError::Keys(cause) => cause.is_retryable(),
            IssueError::Published(cause) => cause.is_retryable(),
            IssueError::Retired => true,
            IssueError::Sign(_) => false,
        };
        if passes { Self::unavailable(error) } else { Self::new(&kinds::INTERNAL).source(error) }
    }
}

/// Holds the private keys: only functions that sign have one.
pub(crate) struct Issuer {
    name: String,
    audience: String,
    ring: Cached<KeyRing<SigningKeys>>,
    store: Store,
    published: PublicKeys,
    /// The latest generation of the published keys that somebody has seen.
    generation: AtomicU64,
    entropy: Arc<dyn Entropy>,
}

impl Issuer {
    /// Reads the ring, and publishes what is not published: the first key of a new stack is in the JWKS before it signs.
    pub(crate) async fn from_env(env: &Env, store: &Store) -> Result<Self, StartError> {
        let issuer = Self::of_published_keys(env).await?;
        let ring = issuer.ring.get().await?;
        if publish(&ring, &issuer.published, store, &*env.clock, &*env.entropy).await? {
            issuer.published.warm(store).await?;
        }
        Ok(issuer)
    }

    /// Reads the ring. For functions that serve nobody who has not signed in, and so come after [`Issuer::from_env`].
    pub(crate) async fn of_published_keys(env: &Env) -> Result<Self, StartError> {
        let secret = env.required("SIGNING_KEYS_SECRET")?;
        let ring = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        ring.get().await?;
        let (store, published) = (env.store()?, PublicKeys::default());
        published.warm(&store).await?;
        Ok(Self {
            name: env.required("TOKEN_ISSUER")?.to_owned(),
            audience: env.required("TOKEN_AUDIENCE")?.to_owned(),
            ring,
            store,
            published,
            generation: AtomicU64::default(),
            entropy: env.entropy.clone(),
        })
    }

    /// Takes note of the generation of the published keys that an admission has shown: where a key was retired since, no
    /// token is issued by it any more.
    pub(crate) fn heed(&self, admission: &Admission) {
        self.generation.fetch_max(admission.signing_generation, Ordering::Relaxed);
    }

    /// A token that lives for [`LIFETIME`] from now.
    pub(crate) async fn issue(&self, grant: Grant, now: Timestamp) -> Result<String, IssueError> {
        let signer = self.signer(now, now + LIFETIME).await?;
        Ok(sign(&self.claims(grant, None, LIFETIME, now), &signer)?)
    }

    /// A token for `by` in the place of whom the grant is for, and how long it lives: as long as the impersonation, or as
    /// long as every other where the key that signs is about to go.
    pub(crate) async fn impersonate(
        &self,
        grant: Grant,
        by: &IdentityId,
        now: Timestamp,
    ) -> Result<(String, SignedDuration), IssueError> {
        let (signer, lives) = match self.signer(now, now + IMPERSONATION).await {
            Err(IssueError::Retired) => (self.signer(now, now + LIFETIME).await?, LIFETIME),
            signer => (signer?, IMPERSONATION),
        };
        let claims = self.claims(grant, Some(Act { sub: by.clone() }), lives, now);
        Ok((sign(&claims, &signer)?, lives))
    }

    /// By a key that every door accepts until the token has died.
    async fn signer(&self, now: Timestamp, end: Timestamp) -> Result<Signer, IssueError> {
        self.published.catch_up(&self.store, self.generation.load(Ordering::Relaxed)).await?;
        let ring = self.ring.get().await?;
        if self.published.serves(ring.active(now)?.id().as_str(), end, &self.store, now).await? {
            return Ok(ring.signer(now)?);
        }
        // This copy of the ring is from before the retirement.
        let good = |ring: &KeyRing<SigningKeys>| {
            ring.active(now).is_ok_and(|key| self.published.serves_until(key.id().as_str(), end))
        };
        let ring = self.ring.get_where(good).await?;
        let accepted = self.published.serves(ring.active(now)?.id().as_str(), end, &self.store, now).await?;
        if accepted { Ok(ring.signer(now)?) } else { Err(IssueError::Retired) }
    }

    fn claims(&self, grant: Grant, act: Option<Act>, lives: SignedDuration, now: Timestamp) -> Claims {
        Claims {
            iss: self.name.clone(),
            aud: self.audience.clone(),
            sub: grant.identity,
            tid: grant.tenant,
            sid: grant.session,
            role: grant.role,
            exp: now.as_second() + lives.as_secs(),
            act,
            iat: now.as_second(),
            // RFC 9068 section 2.2: it need only be unique.
            nbf: None,
            jti: format!("{:032x}", u128::from_be_bytes(bytes(&*self.entropy))),
        }
    }
}

fn sign(claims: &Claims, signer: &Signer) -> Result<String, jsonwebtoken::errors::Error> {
    let kid = Some(signer.kid().to_string());
    let header = Header { typ: Some(TYPE.to_owned()), kid, ..Header::new(Algorithm::EdDSA) };
    encode(&header, claims, &EncodingKey::from_ed_der(signer.pkcs8()))
}

/// Says whether anything was missing.
async fn publish(
    ring: &KeyRing<SigningKeys>,
    published: &PublicKeys,
    store: &Store,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<bool, StartError> {
    let mut any = false;
    for key in ring.public_keys().into_iter().filter(|key| !published.contains(key.kid.as_str())) {
        let (kid, created_at) = (key.kid.to_string(), clock.now());
        let public = PublicKey { kid, x: key.x, not_before: key.not_before, retire_at: key.retire_at, created_at };
        store.publish_signing_key(&public, &published_by_us(created_at, entropy).into()).await?;
        any = true;
    }
    Ok(any)
}

fn published_by_us(at: Timestamp, entropy: &dyn Entropy) -> AuditEntry {
    AuditEntry {
        actor: Actor::Function("auth-login".to_owned()),
        action: Action::SigningKeyPublished,
        tenant: None,
        correlation_id: CorrelationId::new(entropy),
        before: Facts::new(),
        after: Facts::new(),
        at,
    }
}

#[cfg(test)]
mod tests;
