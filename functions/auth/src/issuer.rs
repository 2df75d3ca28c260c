//! Issues access tokens (RFC 9068), and publishes the keys that they are signed with.

use std::sync::Arc;

use domain::{
    Action, Actor, AuditEntry, Clock, CorrelationId, Entropy, Facts, IdentityId, Role, SessionId, TenantId, bytes,
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lambda::{
    Env, StartError,
    access_token::{Claims, LIFETIME, TYPE},
    http::{Problem, kinds},
};
use secrets::{Cached, KeyRing, SecretError, Secrets, Signer, SigningKeys};
use store::{PublicKey, Store};

/// Whom a token is for.
pub(crate) struct Grant {
    pub(crate) identity: IdentityId,
    pub(crate) session: SessionId,
    pub(crate) tenant: TenantId,
    pub(crate) role: Role,
}

/// Why there is no token. Our side's fault, always.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The private keys could not be read.
    #[error("the signing keys cannot be used")]
    Keys(#[from] SecretError),
    /// The library refused to sign.
    #[error("the token could not be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        let passes = matches!(&error, IssueError::Keys(cause) if cause.is_retryable());
        if passes { Self::unavailable(error) } else { Self::new(&kinds::INTERNAL).source(error) }
    }
}

/// Holds the private keys: only functions that sign have one.
pub(crate) struct Issuer {
    name: String,
    audience: String,
    ring: Cached<KeyRing<SigningKeys>>,
    entropy: Arc<dyn Entropy>,
}

impl Issuer {
    /// Reads the ring, and publishes what is not published: the first key of a new stack is in the JWKS before it signs.
    pub(crate) async fn from_env(env: &Env, store: &Store) -> Result<Self, StartError> {
        let secret = env.required("SIGNING_KEYS_SECRET")?;
        let ring = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        publish(&*ring.get().await?, store, &*env.clock, &*env.entropy).await?;
        Ok(Self {
            name: env.required("TOKEN_ISSUER")?.to_owned(),
            audience: env.required("TOKEN_AUDIENCE")?.to_owned(),
            ring,
            entropy: env.entropy.clone(),
        })
    }

    /// A token that lives for [`LIFETIME`] from now.
    pub(crate) async fn issue(&self, grant: Grant, now: Timestamp) -> Result<String, IssueError> {
        let signer = self.ring.get().await?.signer(now)?;
        Ok(sign(&self.claims(grant, now), &signer)?)
    }

    fn claims(&self, grant: Grant, now: Timestamp) -> Claims {
        Claims {
            iss: self.name.clone(),
            aud: self.audience.clone(),
            sub: grant.identity,
            tid: Some(grant.tenant),
            sid: grant.session,
            role: grant.role,
            exp: now.as_second() + LIFETIME.as_secs(),
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

async fn publish(
    ring: &KeyRing<SigningKeys>,
    store: &Store,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<(), StartError> {
    let published = store.signing_keys().await?;
    let missing =
        ring.public_keys().into_iter().filter(|key| published.iter().all(|known| known.kid != key.kid.as_str()));
    for key in missing {
        let (kid, created_at) = (key.kid.to_string(), clock.now());
        let public = PublicKey { kid, x: key.x, not_before: key.not_before, retire_at: key.retire_at, created_at };
        store.publish_signing_key(&public, &published_by_us(created_at, entropy).into()).await?;
    }
    Ok(())
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
