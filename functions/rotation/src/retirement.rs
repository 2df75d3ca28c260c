//! What the audit log says of a key, and how an emergency fails.

use domain::{Action, Actor, AuditEntry, CorrelationId, Entropy, Facts, KeyId};
use jiff::Timestamp;
use secrets::rotation::{RotationError, WorkError};
use store::Audit;
use workflow::StepError;

use crate::ROTATE_SIGNING_KEYS;

pub(crate) fn published(kid: &KeyId, now: Timestamp, entropy: &dyn Entropy) -> Audit {
    entry(Action::SigningKeyPublished, Facts::new().with("kid", kid), now, entropy)
}

pub(crate) fn retired(kid: &KeyId, end: Timestamp, now: Timestamp, entropy: &dyn Entropy) -> Audit {
    entry(Action::SigningKeyRetired, Facts::new().with("kid", kid).with("retire_at", &end), now, entropy)
}

fn entry(action: Action, after: Facts, at: Timestamp, entropy: &dyn Entropy) -> Audit {
    let actor = Actor::Function(ROTATE_SIGNING_KEYS.name.to_owned());
    let correlation_id = CorrelationId::new(entropy);
    AuditEntry { actor, action, tenant: None, correlation_id, before: Facts::new(), after, at }.into()
}

/// The code of an order for a key that nobody knows.
pub(crate) const UNKNOWN: &str = "unknown_key";

pub(crate) fn failed(error: WorkError) -> StepError {
    if error.retryable {
        return StepError::retry(error.to_string(), error);
    }
    StepError::because("retirement_failed", error.to_string(), error)
}

/// By then the key is refused everywhere; what is left is the ring.
pub(crate) fn ring_failed(error: RotationError) -> StepError {
    StepError::retry("the key is refused, but still in the ring: order it again", error)
}

/// Nothing is lost by that: the keys stay in use.
pub(crate) fn not_retired(error: RotationError) -> StepError {
    if error.is_retryable() {
        return StepError::retry(error.to_string(), error);
    }
    StepError::Fail { code: error.code(), detail: error.to_string(), retryable: true, source: Some(Box::new(error)) }
}

/// The key is gone from everywhere; whoever listens has not heard of it.
pub(crate) fn untold(error: impl std::error::Error + Send + Sync + 'static) -> StepError {
    StepError::retry("the key is refused and out of the ring, and nobody has been told: order it again", error)
}
