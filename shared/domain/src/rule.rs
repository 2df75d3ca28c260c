//! What a value is refused with.

use serde::Serialize;

/// A rule that a value breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Rule {
    /// Stable and machine-readable, such as `reserved`.
    pub code: &'static str,
    /// A sentence for the person who typed the value. Never holds a secret.
    pub detail: String,
}

impl Rule {
    /// The rule `code`, explained by `detail`.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// The same, as the fault of the field at `pointer` (RFC 6901).
    pub fn at(self, pointer: impl Into<String>) -> FieldError {
        FieldError { pointer: pointer.into(), code: self.code, detail: self.detail }
    }
}

/// A field of a request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct FieldError {
    /// Which field: a JSON pointer (RFC 6901) into the body.
    pub pointer: String,
    /// The code of the [`Rule`].
    pub code: &'static str,
    /// The detail of the [`Rule`].
    pub detail: String,
}

impl FieldError {
    /// A field that must be there and is not.
    pub fn required(pointer: impl Into<String>) -> Self {
        Rule::new("required", "is required").at(pointer)
    }
}
