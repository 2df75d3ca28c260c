//! Why nothing was changed.

use domain::Quota;
use lambda::http::{Problem, kinds};
use mail::MailError;
use store::{MembersError, MembersRefusal, StoreError};

/// Of every route that changes something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules, a role above the caller's own, too many mails, or nothing there.
    #[error("the request is refused")]
    Refused(Box<Problem>),
    /// Another version than the one that was named.
    #[error("another version is stored")]
    Version,
    /// The person belongs to the tenant.
    #[error("the person is a member")]
    AlreadyMember,
    /// The invitation stands and the mail did not go out: resending sends another.
    #[error("the mail was not sent")]
    Mail(#[from] MailError),
    /// The rules for members, or the store.
    #[error(transparent)]
    Members(#[from] MembersError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(problem) => *problem,
            Error::Version => Self::new(&kinds::VERSION_CONFLICT),
            Error::AlreadyMember => Self::new(&kinds::ALREADY_MEMBER),
            Error::Mail(error) => Self::unavailable(error),
            Error::Members(MembersError::Refused(refusal)) => refused(refusal),
            Error::Members(MembersError::Store(error)) | Error::Store(error) => error.into(),
        }
    }
}

fn refused(refusal: MembersRefusal) -> Problem {
    match refusal {
        MembersRefusal::PlanLimit(plan) => Problem::plan_full(plan, Quota::Admins),
        MembersRefusal::LastOwner => Problem::new(&kinds::LAST_OWNER),
        MembersRefusal::NotReady => Problem::new(&kinds::WRONG_STATE).detail("people join a READY tenant"),
        MembersRefusal::There => Problem::new(&kinds::ALREADY_INVITED),
        MembersRefusal::NotEntitled => Problem::new(&kinds::FORBIDDEN).detail("your role was changed a moment ago"),
        MembersRefusal::Outrun => Problem::new(&kinds::VERSION_CONFLICT),
    }
}
