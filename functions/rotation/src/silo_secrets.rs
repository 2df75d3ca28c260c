//! A silo tenant's four secrets. Its application accepts those before them until the next rotation, and hears of the new
//! ones by the event.

use std::sync::Arc;

use domain::Entropy;
use jiff::Timestamp;
use lambda::{Env, FromEnv, Rotates, StartError};
use secrecy::SecretString;
use secrets::{
    SecretError, Secrets, SiloSecrets,
    rotation::{Rotation, Rotator, WorkError},
};

/// The function.
pub struct RotateSiloSecrets {
    rotator: Rotator,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for RotateSiloSecrets {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let rotator = Rotator::new(Secrets::new(&env.sdk), env.clock.clone(), env.entropy.clone());
        Ok(Self { rotator, entropy: env.entropy.clone() })
    }
}

impl Rotates for RotateSiloSecrets {
    const NAME: &'static str = "rotate-silo-secrets";

    fn rotator(&self) -> &Rotator {
        &self.rotator
    }
}

impl Rotation for RotateSiloSecrets {
    type Value = SiloSecrets;

    fn parse(&self, secret: &str, value: &SecretString) -> Result<Self::Value, SecretError> {
        SiloSecrets::parse(secret, value)
    }

    fn create(&self, current: &Self::Value, _: Timestamp) -> Result<SecretString, WorkError> {
        Ok(current.successor(&*self.entropy))
    }

    fn follows(&self, pending: &Self::Value, current: &Self::Value, _: Timestamp) -> bool {
        pending.follows(current)
    }

    /// The application reads the same secret.
    async fn set(&self, _: &Self::Value, _: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        Ok(())
    }

    async fn test(&self, next: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        if next.is_new() { Ok(()) } else { Err(WorkError::fatal("a new secret is an old one")) }
    }

    async fn finish(&self, _: &Self::Value, _: Timestamp) -> Result<(), WorkError> {
        Ok(())
    }
}
