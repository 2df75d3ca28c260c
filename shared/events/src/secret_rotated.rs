//! A secret has a new current value.

use domain::CorrelationId;
use jiff::Timestamp;
use serde::Serialize;

use crate::Event;

/// Told once a new version is current, and perhaps again: `secret` and `version` are the same in a repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretRotated {
    /// Its ARN; of a tenant in the pool the name that its secret would have, `innkeeper/{stage}/tenant/{id}`.
    pub secret: String,
    /// The id, or the number, of the version that is current now.
    pub version: String,
    /// When it was found to be current.
    pub rotated_at: Timestamp,
    /// In every log line of the same rotation.
    pub correlation_id: CorrelationId,
}

impl Event for SecretRotated {
    const TYPE: &'static str = "secret.rotated";
}
