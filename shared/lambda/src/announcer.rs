//! Tells whoever listens that a secret has a new value.

use std::sync::Arc;

use domain::{Clock, CorrelationId};
use events::{Bus, EventError, SecretRotated};

use crate::{Env, StartError};

/// The stack's bus, for the events of rotations.
pub struct Announcer {
    bus: Bus,
    clock: Arc<dyn Clock>,
}

impl Announcer {
    /// On the bus that `EVENT_BUS` names.
    ///
    /// # Errors
    /// [`StartError::Missing`].
    pub fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { bus: Bus::new(&env.sdk, env.required("EVENT_BUS")?), clock: env.clock.clone() })
    }

    /// That this version of the secret is current. Repeated until it is on the bus; a listener knows a repeat by the
    /// version. A rotation is correlated by the id of its version, which is in each of its log lines too.
    ///
    /// # Errors
    /// [`EventError`]; the same call may be made again.
    pub async fn rotated(&self, secret: &str, version: &str) -> Result<(), EventError> {
        let correlation_id = CorrelationId::parse(version).map_err(|_| EventError::Malformed)?;
        self.announce(secret.to_owned(), version.to_owned(), correlation_id).await
    }

    /// The same of a secret that is not in Secrets Manager, and whose versions are plain numbers.
    ///
    /// # Errors
    /// As [`Announcer::rotated`].
    pub async fn announce(
        &self,
        secret: String,
        version: String,
        correlation_id: CorrelationId,
    ) -> Result<(), EventError> {
        self.bus.tell(&SecretRotated::new(secret, version, self.clock.now(), correlation_id)).await
    }
}
