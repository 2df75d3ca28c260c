//! A tenant's data key, opened with the ring; and what may go wrong with store, ring and key, as a state machine or a
//! schedule hears it.

use domain::TenantId;
use jiff::Timestamp;
pub(crate) use lambda::unavailable;
use secrets::{Cached, DataKey, DataKeys, KeyRing, SecretError, Unsealable, WrappedKey};
use workflow::StepError;

/// The tenant's data key, of which this is stored.
pub(crate) async fn opened(
    ring: &Cached<KeyRing<DataKeys>>,
    tenant: &TenantId,
    wrapped: &[u8],
    now: Timestamp,
) -> Result<DataKey, StepError> {
    let wrapped = WrappedKey(wrapped.to_vec());
    let keys = ring.for_opening(&wrapped, now).await.map_err(ring_unusable)?;
    DataKey::unwrap(&wrapped, &keys, tenant, now).map_err(unsealable)
}

pub(crate) fn ring_unusable(error: SecretError) -> StepError {
    if error.is_retryable() {
        return StepError::retry("Secrets Manager is busy", error);
    }
    let detail = "the data keys cannot be used; the log says why".to_owned();
    StepError::Fail { code: "data_keys_unusable", detail, retryable: true, source: Some(Box::new(error)) }
}

pub(crate) fn unsealable(error: Unsealable) -> StepError {
    let detail = "a key or a value of the tenant does not open: restore it from a backup, or delete it";
    StepError::because("unsealable", detail, error)
}
