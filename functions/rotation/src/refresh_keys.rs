//! The keys of the MAC on refresh tokens. Every key of the ring verifies; a predecessor ends when the last session that
//! has a token of it is over.

use std::sync::Arc;

use domain::Entropy;
use jiff::{SignedDuration, Timestamp};
use lambda::{Env, FromEnv, Rotates, StartError};
use secrecy::SecretString;
use secrets::{
    KeyRing, RefreshKeys, SecretError, Secrets,
    rotation::{Rotation, Rotator, WorkError},
};

use crate::timetable::{Lifetime, changed_over, in_time, successor};

/// A session ends after seven days, whatever happens; no token of it outlives that.
const SESSION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The function.
pub struct RotateRefreshKeys {
    rotator: Rotator,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for RotateRefreshKeys {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let rotator = Rotator::new(Secrets::new(&env.sdk), env.clock.clone(), env.entropy.clone());
        Ok(Self { rotator, entropy: env.entropy.clone() })
    }
}

impl Rotates for RotateRefreshKeys {
    const NAME: &'static str = "rotate-refresh-keys";

    fn rotator(&self) -> &Rotator {
        &self.rotator
    }
}

impl Rotation for RotateRefreshKeys {
    type Value = KeyRing<RefreshKeys>;

    fn parse(&self, secret: &str, value: &SecretString) -> Result<Self::Value, SecretError> {
        KeyRing::parse(secret, value)
    }

    fn create(&self, current: &Self::Value, now: Timestamp) -> Result<SecretString, WorkError> {
        Ok(successor(current, Lifetime::Of(SESSION), now, &*self.entropy).to_secret())
    }

    fn follows(&self, pending: &Self::Value, current: &Self::Value, now: Timestamp) -> bool {
        in_time(pending, current, now)
    }

    async fn set(&self, _: &Self::Value, _: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        Ok(())
    }

    async fn test(&self, next: &Self::Value, now: Timestamp) -> Result<(), WorkError> {
        let then = changed_over(next, now);
        let probe = b"probe";
        let mac = next.mac(probe, then).map_err(|e| WorkError::fatal("no key would make a MAC").because(false, e))?;
        if next.verify(mac.key_id.as_str(), probe, &mac.tag, then) {
            Ok(())
        } else {
            Err(WorkError::fatal("a key does not verify its own MAC"))
        }
    }

    async fn finish(&self, _: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        Ok(())
    }
}
