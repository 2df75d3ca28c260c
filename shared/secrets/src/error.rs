//! What goes wrong with a secret, said without the secret.

use std::error::Error as StdError;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

/// A secret that cannot be used. Every message names the secret and the remedy, and none holds a part of its value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is no such secret, it has no current value, or it is marked for deletion.
    #[error("the secret {secret} is missing: restore it in Secrets Manager, for no deployment brings it back")]
    Missing {
        /// Its name or ARN.
        secret: String,
    },
    /// Its value could be guessed.
    #[error(
        "the secret {secret} is too weak, for it {reason}: replace it by at least 32 bytes from a random generator"
    )]
    Weak {
        /// Its name or ARN.
        secret: String,
        /// What is weak about it.
        reason: &'static str,
    },
    /// Its value is not what is kept under that name.
    #[error("the secret {secret} cannot be read, for it {reason}: restore its previous version, or rotate it")]
    Malformed {
        /// Its name or ARN.
        secret: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another value is kept under the name that a new secret was to have.
    #[error("the secret {secret} exists already with another value: delete it, or choose another name")]
    Exists {
        /// Its name.
        secret: String,
    },
    /// Somebody else changed it meanwhile.
    #[error("the secret {secret} was changed by somebody else meanwhile: look at it, and begin again")]
    Changed {
        /// Its name or ARN.
        secret: String,
    },
    /// A page of the list that was never offered.
    #[error("there is no such page of secrets")]
    NoSuchPage,
    /// Secrets Manager did not do it, or did not say so.
    #[error(
        "the secret {secret} is out of reach: check that Secrets Manager is up and that the role may use the secret"
    )]
    Unavailable {
        /// Its name or ARN.
        secret: String,
        /// What the call met with.
        source: CallFailure,
    },
}

impl SecretError {
    /// Whether the same call may succeed later with nobody doing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { source, .. } if source.retryable)
    }
}

/// How a call to Secrets Manager failed. Only its kind is kept: the SDK's error prints the response it could not
/// read, and a message of AWS quotes the parameter it refuses; either may be the secret.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct CallFailure {
    kind: String,
    retryable: bool,
}

/// Errors that AWS answers with a 4xx and that pass by themselves.
const TRANSIENT: &[&str] = &["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"];

impl CallFailure {
    pub(crate) fn passing(kind: &str) -> Self {
        Self { kind: kind.to_owned(), retryable: true }
    }
}

impl<E: StdError + ProvideErrorMetadata> From<&SdkError<E, HttpResponse>> for CallFailure {
    fn from(error: &SdkError<E, HttpResponse>) -> Self {
        let (kind, retryable) = match error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("an unnamed error");
                let status = service.raw().status();
                // A 200 that cannot be parsed counts as a service error too.
                let retryable = !status.is_client_error() || TRANSIENT.contains(&code);
                (format!("Secrets Manager answered {code} ({})", status.as_u16()), retryable)
            }
            SdkError::ConstructionFailure(_) => ("the request could not be made".to_owned(), false),
            SdkError::TimeoutError(_) => ("Secrets Manager did not answer in time".to_owned(), true),
            SdkError::DispatchFailure(_) => ("Secrets Manager could not be reached".to_owned(), true),
            _ => ("the answer of Secrets Manager could not be read".to_owned(), true),
        };
        Self { kind, retryable }
    }
}
