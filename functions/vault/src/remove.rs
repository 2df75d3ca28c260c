//! `DELETE /api/v1/vault/{name+}`: every version of a value goes. One read of an entry and one transaction beside the
//! door's read.

use domain::{Action, AuditEntry, Facts, Permission, TenantId, VaultName};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, Scope, kinds};
use store::{StoreError, VaultEntry};

use crate::{
    change::TRIES,
    keeper::{Keeper, tenant_of},
};

/// Why nothing was deleted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller has no tenant, or the name is none.
    #[error("there is no such name")]
    Refused(Box<Problem>),
    /// There is nothing under that name.
    #[error("there is no such value")]
    NotFound,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others were faster each time.
    #[error("the value changes all the time")]
    Busy,
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
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::Store(error) => error.into(),
            Error::Busy => Self::unavailable(error),
        }
    }
}

/// The route.
pub struct Remove;

impl Route for Remove {
    const POLICY: Policy = Policy {
        operation: "vault-delete",
        summary: "Delete a value from the vault, with all its versions",
        method: Method::DELETE,
        path: "/api/v1/vault/{name+}",
        access: Access::Permission(Permission::VaultManage, Scope::Own),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[],
    };
    type Deps = Keeper;
    type Body = ();
    type Answer = ();
    type Error = Error;

    async fn handle(keeper: &Keeper, cx: Cx, (): ()) -> Result<Reply<()>, Error> {
        let (tenant, name) = (tenant_of(&cx)?, cx.path::<VaultName>("name")?);
        for _ in 0..TRIES {
            let entry = keeper.store.vault_entry(&tenant, &name).await?.ok_or(Error::NotFound)?;
            let audit = gone(&cx, &tenant, &entry).into();
            if keeper.store.vault_delete(&tenant, &entry, &audit).await? {
                return Ok(Reply::new(()));
            }
        }
        Err(Error::Busy)
    }
}

fn gone(cx: &Cx, tenant: &TenantId, entry: &VaultEntry) -> AuditEntry {
    let before = Facts::new().with("name", &entry.name).with("version", &entry.versions.current());
    cx.audit(Action::VaultDeleted, Some(tenant.clone()), before, Facts::new())
}
