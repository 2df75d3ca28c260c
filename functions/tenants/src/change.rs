//! What every change has in common: why it is refused, its entry in the audit log, its answer.

use domain::{Action, Facts, Quota, TenantId, TenantStatus};
use lambda::http::{Cx, Json, Problem, Reply, kinds};
use store::{Audit, Changed, Moved, Store, StoreError};

use crate::answer::Answer;

/// Why a tenant is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// No such tenant.
    #[error("no such tenant")]
    NotFound,
    /// It stands so, and the change needs another state, which the text names.
    #[error("the tenant is {0}")]
    WrongState(TenantStatus, &'static str),
    /// Somebody else changed it first.
    #[error("the tenant is another version")]
    Outrun,
    /// So many are more than the plan allows.
    #[error("the tenant has {1} {0}")]
    TooMany(Quota, u32),
    /// Between the pool and a silo.
    #[error("the plan keeps data in another way")]
    Elsewhere,
    /// The store did not do it.
    #[error(transparent)]
    Store(StoreError),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(Box::new(problem))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound("tenant") => Self::NotFound,
            other => Self::Store(other),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problem) => *problem,
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::WrongState(status, needs) => {
                Self::new(&kinds::WRONG_STATE).detail(format!("the tenant is {status}; this needs {needs}"))
            }
            Error::Outrun => Self::new(&kinds::VERSION_CONFLICT),
            Error::TooMany(of, count) => {
                Self::new(&kinds::PLAN_LIMIT).detail(format!("the tenant has {count} {}", of.words()))
            }
            Error::Elsewhere => Self::new(&kinds::ISOLATION_CHANGE),
            Error::Store(error) => error.into(),
        }
    }
}

/// The tenant in the path. The door has matched it with the caller's own.
pub(crate) fn tenant_of(cx: &Cx) -> Result<TenantId, Error> {
    cx.path("tenant_id").map_err(|_| Error::NotFound)
}

/// The entry; the store adds what was so before and is so after.
pub(crate) fn audit(cx: &Cx, tenant: &TenantId, action: Action) -> Audit {
    cx.audit(action, Some(tenant.clone()), Facts::new(), Facts::new()).into()
}

/// `needs` names the states from which the move is possible.
pub(crate) fn moved(moved: Moved, needs: &'static str) -> Result<Reply<Json<Answer>>, Error> {
    match moved {
        Moved::To(tenant, lifecycle) => Ok(Reply::json(Answer::of(*tenant, *lifecycle))),
        Moved::No(status) => Err(Error::WrongState(status, needs)),
    }
}

pub(crate) async fn changed(store: &Store, changed: Changed) -> Result<Reply<Json<Answer>>, Error> {
    match changed {
        Changed::Done(tenant) => Ok(Reply::json(Answer::read(store, *tenant).await?)),
        Changed::Outrun => Err(Error::Outrun),
        Changed::Closed(status) => Err(Error::WrongState(status, "one that is not given up")),
        Changed::TooMany(of, count) => Err(Error::TooMany(of, count)),
        Changed::Elsewhere => Err(Error::Elsewhere),
    }
}
