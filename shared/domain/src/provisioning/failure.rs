//! Why an attempt failed.

use serde::{Deserialize, Serialize};

use super::Step;
use super::bounded::bounded;

/// The longest code, in bytes.
const MAX_CODE: usize = 64;
/// The longest detail, in bytes of JSON.
const MAX_DETAIL: usize = 300;

/// Why an attempt failed. It is shown to the customer, so it holds no secret and no name of our internals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable and machine-readable, such as `deploy_timeout`.
    pub code: String,
    /// The step that failed.
    pub step: Step,
    /// What went wrong, for people.
    pub detail: String,
    /// Whether a retry may help without anything else being changed.
    pub retryable: bool,
}

impl Failure {
    /// The failure of `step`. What is longer than 64 or 300 bytes is cut off.
    pub fn new(code: &str, step: Step, detail: &str, retryable: bool) -> Self {
        Self { code: bounded(code, MAX_CODE), step, detail: bounded(detail, MAX_DETAIL), retryable }
    }

    pub(super) fn bounded(self) -> Self {
        Self::new(&self.code, self.step, &self.detail, self.retryable)
    }
}
