//! What sending fails with, and what is then known of the mail.

use aws_sdk_sesv2::config::http::HttpResponse;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;

/// A mail that SES did not confirm. The messages hold what SES calls the error and nothing of the mail, whose body
/// carries a link that signs somebody in.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It is not sent, and will not be however often it is tried.
    #[error("the mail was refused ({reason}): check that the sender is verified and that the account may send")]
    Refused {
        /// The error's code at SES.
        reason: String,
    },
    /// It is not sent. The same call may succeed later.
    #[error("the mail was put off ({reason})")]
    Throttled {
        /// The error's code at SES.
        reason: String,
    },
    /// It may have been sent: SES did not answer, or failed inside. Sending it again could make it two.
    #[error("whether the mail was sent is unknown ({reason})")]
    Unknown {
        /// What happened instead of an answer.
        reason: String,
    },
}

impl MailError {
    /// Whether another try is allowed (nothing was sent) and may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Throttled { .. })
    }
}

/// Errors with which SES turns a request away before it looks at the mail, and which pass.
const THROTTLED: &[&str] = &[
    "TooManyRequestsException",
    "LimitExceededException",
    "SendingPausedException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
];

impl From<&SdkError<SendEmailError, HttpResponse>> for MailError {
    fn from(error: &SdkError<SendEmailError, HttpResponse>) -> Self {
        match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let code = service.err().code().unwrap_or("an unnamed error");
                answered(code, status, format!("{code}, {status}"))
            }
            SdkError::ConstructionFailure(_) => Self::Refused { reason: "the request could not be made".to_owned() },
            SdkError::TimeoutError(_) => Self::Unknown { reason: "no answer in time".to_owned() },
            // The connection may have broken after the request went out.
            SdkError::DispatchFailure(_) => Self::Unknown { reason: "no connection".to_owned() },
            _ => Self::Unknown { reason: "an answer that cannot be read".to_owned() },
        }
    }
}

fn answered(code: &str, status: u16, reason: String) -> MailError {
    match status {
        _ if THROTTLED.contains(&code) => MailError::Throttled { reason },
        429 => MailError::Throttled { reason },
        400..=499 => MailError::Refused { reason },
        _ => MailError::Unknown { reason },
    }
}
