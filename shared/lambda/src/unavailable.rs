//! The store's error as a step's or a job's; a route has it as a problem.

use store::StoreError;
use workflow::StepError;

/// What may pass is tried again by whoever called; the rest is recorded.
#[must_use]
pub fn unavailable(error: StoreError) -> StepError {
    if error.is_retryable() || matches!(error, StoreError::Conflict(_)) {
        return StepError::retry("the store is busy", error);
    }
    let detail = "the store refused; our log says why".to_owned();
    StepError::Fail { code: "store_refused", detail, retryable: true, source: Some(Box::new(error)) }
}
