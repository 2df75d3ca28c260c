//! The keys that sign access tokens. Publish first, sign later, retire after the last token has died.
//!
//! | step | here |
//! |---|---|
//! | create | a ring with a new key that begins in 90 minutes; its predecessors end an hour after that |
//! | set | the new public key into the store, where the JWKS and every door find it |
//! | test | every key of the ring signs, and the published key verifies |
//! | finish | the predecessors' ends into the store |
//!
//! `POST /api/v1/admin/signing-keys/{kid}/retire`, or `{"emergency": {"retire_kid": "…"}}` for who may invoke the function,
//! retires a compromised key at once: in the store first,
//! so that its tokens are refused from the next request on whatever else fails, then in the ring, which gets a new key
//! that signs at once if none is left. Who verifies by the JWKS of the last 6 minutes may accept the old tokens and refuse
//! the new ones for as long.

use std::{collections::HashMap, sync::Arc};

use domain::{Action, Actor, AuditEntry, Clock, CorrelationId, Entropy, Facts, KeyId};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lambda::{Announcer, Env, FromEnv, Rotates, StartError, access_token::LIFETIME};
use secrecy::SecretString;
use secrets::{
    KeyRing, SecretError, Secrets, Signer, SigningKeys,
    rotation::{Rotation, Rotator, WorkError},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{PublicKey, Store};
use workflow::StepError;

use crate::{
    ROTATE_SIGNING_KEYS,
    retirement::{self, published, retired},
    timetable::{LEAD, Lifetime, changed_over, in_time, successor, whole_second},
};

/// An emergency's new key begins after this, where another one signs until then: as long as a new key needs to be known
/// everywhere, or the last token of the other one to die.
const LAST: SignedDuration = if LEAD.as_secs() < LIFETIME.as_secs() { LIFETIME } else { LEAD };
/// A published key that no ring has is of a rotation that was given up. By then none of those can still succeed.
const STRAY_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The function.
pub struct RotateSigningKeys {
    rotator: Rotator,
    secret: String,
    store: Store,
    announcer: Announcer,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Who ordered an emergency, and by which request.
pub(crate) struct Order {
    pub(crate) actor: Actor,
    pub(crate) correlation_id: CorrelationId,
}

impl FromEnv for RotateSigningKeys {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self {
            rotator: Rotator::new(Secrets::new(&env.sdk), env.clock.clone(), env.entropy.clone()),
            secret: env.required("SIGNING_KEYS_SECRET")?.to_owned(),
            store: env.store()?,
            announcer: Announcer::from_env(env)?,
            clock: env.clock.clone(),
            entropy: env.entropy.clone(),
        })
    }
}

/// What an operator may order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Emergency {
    retire_kid: KeyId,
}

impl Rotates for RotateSigningKeys {
    const NAME: &'static str = "rotate-signing-keys";

    fn rotator(&self) -> &Rotator {
        &self.rotator
    }

    async fn emergency(&self, order: Value) -> Result<Value, StepError> {
        let Emergency { retire_kid: kid } =
            serde_json::from_value(order).map_err(|e| StepError::fail("malformed_input", e.to_string()))?;
        let actor = Actor::Function(ROTATE_SIGNING_KEYS.name.to_owned());
        let order = Order { actor, correlation_id: CorrelationId::new(&*self.entropy) };
        let ring_changed = self.retire_now(&kid, order).await?;
        Ok(json!({"retired": kid, "ring_changed": ring_changed}))
    }
}

impl Rotation for RotateSigningKeys {
    type Value = KeyRing<SigningKeys>;

    fn parse(&self, secret: &str, value: &SecretString) -> Result<Self::Value, SecretError> {
        KeyRing::parse(secret, value)
    }

    fn create(&self, current: &Self::Value, now: Timestamp) -> Result<SecretString, WorkError> {
        Ok(successor(current, Lifetime::Of(LIFETIME), now, &*self.entropy).to_secret())
    }

    fn follows(&self, pending: &Self::Value, current: &Self::Value, now: Timestamp) -> bool {
        in_time(pending, current, now)
    }

    async fn set(&self, _: &Self::Value, next: &Self::Value, now: Timestamp) -> Result<(), WorkError> {
        let known = self.published().await?;
        // The first key of a stack is published by the first function that signs, which may not have started yet.
        let missing = |key: &secrets::PublicKey| {
            key.retire_at.is_none_or(|end| now < end) && known.iter().all(|known| known.kid != key.kid.as_str())
        };
        for key in next.public_keys().into_iter().filter(missing) {
            let audit = published(&key.kid, now, &*self.entropy);
            let kid = key.kid.to_string();
            let key =
                PublicKey { kid, x: key.x, not_before: key.not_before, retire_at: key.retire_at, created_at: now };
            self.store.publish_signing_key(&key, &audit).await.map_err(unavailable)?;
        }
        Ok(())
    }

    async fn test(&self, next: &Self::Value, now: Timestamp) -> Result<(), WorkError> {
        let mut published = self.published().await?;
        if published.is_empty() {
            // A new stack's schedule is tried before anybody signs, and so before anything is published.
            self.set(next, next, now).await?;
            published = self.published().await?;
        }
        let published: HashMap<&str, &PublicKey> = published.iter().map(|key| (key.kid.as_str(), key)).collect();
        for ours in next.public_keys().iter().filter(|key| key.retire_at.is_none_or(|end| now < end)) {
            let theirs = published.get(ours.kid.as_str()).ok_or_else(|| WorkError::fatal("a key is not published"))?;
            let same_end = theirs.retire_at.is_none() || theirs.retire_at >= ours.retire_at.or(Some(Timestamp::MAX));
            if theirs.x != ours.x || !same_end {
                return Err(WorkError::fatal("a key is published otherwise"));
            }
        }
        let signer = next.signer(changed_over(next, now));
        let signer = signer.map_err(|e| WorkError::fatal("no key would sign").because(false, e))?;
        let public =
            published.get(signer.kid().as_str()).ok_or_else(|| WorkError::fatal("the key is not published"))?;
        verify_probe(&signer, public)
            .map_err(|e| WorkError::fatal("what a key signed was not verified").because(false, e))
    }

    async fn finish(&self, current: &Self::Value, now: Timestamp) -> Result<(), WorkError> {
        let published = self.published().await?;
        for key in current.all() {
            if let Some(end) = key.retire_at() {
                let known = published.iter().find(|known| known.kid == key.id().as_str());
                if known.is_some_and(|known| known.retire_at.is_none_or(|at| end < at)) {
                    self.retire(key.id(), end, now).await?;
                }
            }
        }
        let stray = |key: &&PublicKey| {
            let unknown = current.all().iter().all(|ours| ours.id().as_str() != key.kid);
            unknown && key.retire_at.is_none() && key.created_at + STRAY_AFTER < now
        };
        for kid in published.iter().filter(stray).filter_map(|key| KeyId::parse(&key.kid)) {
            self.retire(&kid, now, now).await?;
        }
        Ok(())
    }
}

impl RotateSigningKeys {
    /// The emergency: in the store, in the ring, and on the bus. Says whether the ring had the key. Repeated, it does what is
    /// left. Costs two Queries, a transaction of 10, about ten calls of Secrets Manager and one of EventBridge.
    pub(crate) async fn retire_now(&self, kid: &KeyId, by: Order) -> Result<bool, StepError> {
        let now = whole_second(self.clock.now());
        if self.published().await.map_err(retirement::failed)?.iter().all(|key| key.kid != kid.as_str()) {
            return Err(StepError::fail(retirement::UNKNOWN, format!("no key {kid} is published")));
        }
        let Order { actor, correlation_id } = by;
        let after = Facts::new().with("kid", kid).with("retire_at", &now);
        let (action, before) = (Action::SigningKeyRetired, Facts::new());
        let audit = AuditEntry { actor, action, tenant: None, correlation_id, before, after, at: now };
        let retired = self.store.retire_signing_key(kid, now, &audit.into()).await;
        retired.map_err(|e| retirement::failed(unavailable(e)))?;
        let without = |ring: &KeyRing<SigningKeys>| Some(ring.without(kid, now, LAST, &*self.entropy)?.to_secret());
        let ring = self.rotator.replace(self, &self.secret, without).await.map_err(retirement::ring_failed)?;
        tracing::warn!(event = "signing_key.retired", %kid, version = ring.version, "a signing key was retired in an emergency");
        self.announcer.rotated(&self.secret, &ring.version).await.map_err(retirement::untold)?;
        Ok(ring.made)
    }

    async fn published(&self) -> Result<Vec<PublicKey>, WorkError> {
        self.store.signing_keys().await.map_err(unavailable)
    }

    async fn retire(&self, kid: &KeyId, end: Timestamp, now: Timestamp) -> Result<(), WorkError> {
        let audit = retired(kid, end, now, &*self.entropy);
        self.store.retire_signing_key(kid, end, &audit).await.map(drop).map_err(unavailable)
    }
}

fn unavailable(error: store::StoreError) -> WorkError {
    WorkError::fatal("the published keys cannot be read or changed").because(error.is_retryable(), error)
}

/// Through the very library that issues and checks tokens. The probe has no claims: it opens nothing.
fn verify_probe(signer: &Signer, public: &PublicKey) -> Result<(), jsonwebtoken::errors::Error> {
    let header = Header { kid: Some(public.kid.clone()), ..Header::new(Algorithm::EdDSA) };
    let probe = jsonwebtoken::encode(&header, &json!({}), &EncodingKey::from_ed_der(signer.pkcs8()))?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&[] as &[&str]);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(&probe, &DecodingKey::from_ed_components(&public.x)?, &validation).map(drop)
}
