//! How a rotation fails, said without the secret.

use std::error::Error;

use crate::SecretError;

use super::Call;

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The call does not fit where the version stands.
    #[error("{step} of version {version} of {secret} is refused: {why}")]
    Refused {
        /// The step.
        step: &'static str,
        /// The secret.
        secret: String,
        /// The version's id.
        version: String,
        /// Why.
        why: Refusal,
    },
    /// The pending value no longer follows the current one, and was given up.
    #[error("the pending value of {secret} was overtaken and given up: rotate again")]
    Overtaken {
        /// The secret.
        secret: String,
    },
    /// Secrets Manager, or what is kept there.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What the step means for this secret did not succeed.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No rotation function is configured for the secret.
    #[error("rotation is off")]
    RotationIsOff,
    /// The version has no label, or does not exist.
    #[error("there is no such version")]
    UnknownVersion,
    /// It is neither AWSPENDING nor AWSCURRENT.
    #[error("the version is not AWSPENDING")]
    NotStaged,
    /// There is nothing to follow.
    #[error("the secret has no current value")]
    NoCurrent,
    /// `createSecret` has to come first.
    #[error("the version has no value yet")]
    NotCreated,
    /// The secret's rotation knows no such order.
    #[error("this secret has no emergency mode")]
    NoEmergency,
}

/// How a secret's own part of a step failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct WorkError {
    /// What failed; no part of a value.
    pub what: &'static str,
    /// Whether the same call may succeed later with nobody doing anything.
    pub retryable: bool,
    /// For the log.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl WorkError {
    /// A failure that stays.
    pub fn fatal(what: &'static str) -> Self {
        Self { what, retryable: false, source: None }
    }

    /// With its cause.
    #[must_use]
    pub fn because(self, retryable: bool, source: impl Error + Send + Sync + 'static) -> Self {
        Self { retryable, source: Some(Box::new(source)), ..self }
    }
}

impl RotationError {
    pub(super) fn refused(call: &Call, why: Refusal) -> Self {
        let (secret, version) = (call.secret_id.clone(), call.client_request_token.clone());
        Self::Refused { step: call.step.name(), secret, version, why }
    }

    /// Whether the same call may succeed later with nobody doing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Overtaken { .. } => false,
            // Whoever moved the label may have done our work; the next call finds out.
            Self::Secret(error) => error.is_retryable() || matches!(error, SecretError::Changed { .. }),
            Self::Work(error) => error.retryable,
        }
    }

    /// A word for the log and for whoever invoked the function by hand.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "rotation_refused",
            Self::Overtaken { .. } => "rotation_overtaken",
            Self::Secret(_) => "secret_unusable",
            Self::Work(_) => "rotation_failed",
        }
    }
}
