//! What a store call fails with, and the one place that decides whether calling again may help.

use std::error::Error as StdError;

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{BuildError, ProvideErrorMetadata, SdkError},
};
use domain::IllegalMove;

/// A failed store call. `Display` is for logs; no variant carries anything a caller of the API may see.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A condition refused the write: the named thing was changed, claimed or made by somebody else.
    #[error("the {0} was changed or claimed meanwhile")]
    Conflict(&'static str),
    /// The named thing does not exist.
    #[error("the {0} does not exist")]
    NotFound(&'static str),
    /// The provisioning record does not allow this move from where it is.
    #[error(transparent)]
    IllegalMove(#[from] IllegalMove),
    /// DynamoDB did not do it, or did not say so.
    #[error("the store is unavailable")]
    Unavailable {
        /// Whether the same call may succeed later: throttling, a lost race between transactions, a timeout, a 5xx.
        retryable: bool,
        /// The SDK's error.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A stored item is not what this version of the code writes.
    #[error("the stored {what} cannot be read")]
    Corrupt {
        /// Which kind of item.
        what: &'static str,
        /// The mapping's error.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { retryable: true, .. })
    }

    pub(crate) fn corrupt(what: &'static str, source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Corrupt { what, source: Box::new(source) }
    }

    pub(crate) fn busy(why: impl Into<String>) -> Self {
        Self::Unavailable { retryable: true, source: why.into().into() }
    }

    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Unavailable { retryable: false, source: why.into().into() }
    }
}

/// Service errors worth another try. Everything else that DynamoDB answers with a 4xx is our own mistake.
const TRANSIENT: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "Throttling",
    "LimitExceededException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ReplicatedWriteConflictException",
    "ResourceInUseException",
    "ContinuousBackupsUnavailableException",
    "InternalServerError",
    "ServiceUnavailable",
];

impl<E> From<SdkError<E, HttpResponse>> for StoreError
where
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let retryable = match &error {
            SdkError::ConstructionFailure(_) => false,
            SdkError::ServiceError(service) => {
                service.raw().status().is_server_error()
                    || service.err().code().is_some_and(|code| TRANSIENT.contains(&code))
            }
            _ => true,
        };
        Self::Unavailable { retryable, source: Box::new(error) }
    }
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Unavailable { retryable: false, source: Box::new(error) }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        config::http::HttpResponse,
        error::{ErrorMetadata, SdkError},
        operation::get_item::GetItemError,
    };
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answered(status: u16, code: &str) -> StoreError {
        let error = GetItemError::generic(ErrorMetadata::builder().code(code).build());
        SdkError::service_error(error, HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())).into()
    }

    #[test]
    fn what_passes_may_be_tried_again_and_our_own_mistakes_may_not() {
        for (status, code) in [
            (400, "ThrottlingException"),
            (400, "ProvisionedThroughputExceededException"),
            (400, "TransactionInProgressException"),
            (500, "InternalServerError"),
            (503, "anything"),
        ] {
            assert!(answered(status, code).is_retryable(), "{code}");
        }
        for code in ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"] {
            assert!(!answered(400, code).is_retryable(), "{code}");
        }
        let timeout: SdkError<GetItemError, HttpResponse> = SdkError::timeout_error("slow");
        assert!(StoreError::from(timeout).is_retryable());
        let unsent: SdkError<GetItemError, HttpResponse> = SdkError::construction_failure("no region");
        assert!(!StoreError::from(unsent).is_retryable());
    }
}
