//! The keys that wrap the tenants' data keys. A rotation only adds one: what was wrapped under an old key opens until a
//! re-seal job has moved it, and only that job may end the old key.

use std::sync::Arc;

use domain::{Entropy, Subdomain, TenantId};
use jiff::Timestamp;
use lambda::{Env, FromEnv, Rotates, StartError};
use secrecy::SecretString;
use secrets::{
    DataKey, DataKeys, KeyRing, SecretError, Secrets,
    rotation::{Rotation, Rotator, WorkError},
};

use crate::timetable::{Lifetime, changed_over, in_time, successor};

/// What the test seals.
const PROBE: &[u8] = b"probe";

/// The function.
pub struct RotateDataKeys {
    rotator: Rotator,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for RotateDataKeys {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let rotator = Rotator::new(Secrets::new(&env.sdk), env.clock.clone(), env.entropy.clone());
        Ok(Self { rotator, entropy: env.entropy.clone() })
    }
}

impl Rotates for RotateDataKeys {
    const NAME: &'static str = "rotate-data-keys";

    fn rotator(&self) -> &Rotator {
        &self.rotator
    }
}

impl Rotation for RotateDataKeys {
    type Value = KeyRing<DataKeys>;

    fn parse(&self, secret: &str, value: &SecretString) -> Result<Self::Value, SecretError> {
        KeyRing::parse(secret, value)
    }

    fn create(&self, current: &Self::Value, now: Timestamp) -> Result<SecretString, WorkError> {
        Ok(successor(current, Lifetime::UntilReplaced, now, &*self.entropy).to_secret())
    }

    fn follows(&self, pending: &Self::Value, current: &Self::Value, now: Timestamp) -> bool {
        in_time(pending, current, now)
    }

    async fn set(&self, _: &Self::Value, _: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        Ok(())
    }

    async fn test(&self, next: &Self::Value, now: Timestamp) -> Result<(), WorkError> {
        if self.seals_and_opens(next, now)? {
            Ok(())
        } else {
            Err(WorkError::fatal("a key does not open what it sealed"))
        }
    }

    async fn finish(&self, _: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        Ok(())
    }
}

impl RotateDataKeys {
    /// By the key that is in use once the newest has begun, for a tenant that does not exist.
    fn seals_and_opens(&self, ring: &KeyRing<DataKeys>, now: Timestamp) -> Result<bool, WorkError> {
        let entropy = &*self.entropy;
        let then = changed_over(ring, now);
        let failed = || WorkError::fatal("a probe was not sealed");
        let subdomain = Subdomain::parse("probe").map_err(|_| failed())?;
        let tenant = TenantId::new(&subdomain, entropy);
        let key = DataKey::generate(entropy);
        let wrapped = key.wrap(ring, &tenant, then, entropy).map_err(|e| failed().because(false, e))?;
        let sealed = key.seal(&tenant, "probe", 1, PROBE, entropy).map_err(|e| failed().because(false, e))?;
        let opened =
            DataKey::unwrap(&wrapped, ring, &tenant, then).and_then(|again| again.open(&tenant, "probe", 1, &sealed));
        Ok(opened.is_ok_and(|plain| &*plain == PROBE))
    }
}
