//! The secret of operational calls. The one before it is accepted until the next rotation, so its users have as long to
//! fetch the new one; who has the new one before a function has makes that function read again.

use std::sync::Arc;

use domain::Entropy;
use jiff::Timestamp;
use lambda::{Env, FromEnv, Rotates, StartError};
use secrecy::SecretString;
use secrets::{
    InternalSecret, SecretError, Secrets,
    rotation::{Rotation, Rotator, WorkError},
};

/// The function.
pub struct RotateInternalSecret {
    rotator: Rotator,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for RotateInternalSecret {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let rotator = Rotator::new(Secrets::new(&env.sdk), env.clock.clone(), env.entropy.clone());
        Ok(Self { rotator, entropy: env.entropy.clone() })
    }
}

impl Rotates for RotateInternalSecret {
    const NAME: &'static str = "rotate-internal-secret";

    fn rotator(&self) -> &Rotator {
        &self.rotator
    }
}

impl Rotation for RotateInternalSecret {
    type Value = InternalSecret;

    fn parse(&self, secret: &str, value: &SecretString) -> Result<Self::Value, SecretError> {
        InternalSecret::parse(secret, value)
    }

    fn create(&self, current: &Self::Value, _: Timestamp) -> Result<SecretString, WorkError> {
        Ok(current.successor(&*self.entropy))
    }

    fn follows(&self, pending: &Self::Value, current: &Self::Value, _: Timestamp) -> bool {
        pending.follows(current)
    }

    /// Those who check it read the same secret.
    async fn set(&self, _: &Self::Value, _: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        Ok(())
    }

    async fn test(&self, next: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        if next.is_new() { Ok(()) } else { Err(WorkError::fatal("the new secret is the old one")) }
    }

    async fn finish(&self, _: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        Ok(())
    }
}
