//! `DELETE /api/v1/admin/platform-users/{user_id}`: takes a platform role away. It counts from the person's next request on,
//! also where they act in a member's place; they are signed out of the platform, and stay what they are in tenants.
//!
//! One read, a `Query` of the sessions and one transaction beside the door's read.

use domain::{Action, AuditEntry, Facts, IdentityId, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, Scope, StepUp, kinds};
use store::{By, PlatformUser, RevokeError, StoreError};

use crate::platform_users::Deps;

/// Why the role stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a user id.
    #[error("the request is refused")]
    Refused(Box<Problem>),
    /// Nobody with a platform role.
    #[error("no such platform user")]
    NotFound,
    /// It is the caller's: somebody has to be left.
    #[error("the role is the caller's own")]
    Own,
    /// It is of the bootstrap credentials.
    #[error("the role is of the bootstrap credentials")]
    Bootstrap,
    /// Another revocation was first.
    #[error(transparent)]
    Revoke(#[from] RevokeError),
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
            Error::NotFound | Error::Revoke(RevokeError::Outrun) => Self::new(&kinds::NOT_FOUND),
            Error::Own => Self::new(&kinds::WRONG_STATE).detail("nobody takes their own role: ask another super admin"),
            Error::Bootstrap => Self::new(&kinds::WRONG_STATE)
                .detail("this role goes with the credentials: POST /api/v1/admin/remove-bootstrap-credentials"),
            Error::Revoke(RevokeError::NotEntitled) => {
                Self::new(&kinds::FORBIDDEN).detail("your role was taken a moment ago")
            }
            Error::Revoke(RevokeError::Store(error)) | Error::Store(error) => error.into(),
        }
    }
}

/// The route.
pub struct RevokePlatformUser;

impl Route for RevokePlatformUser {
    const POLICY: Policy = Policy {
        operation: "admin-platform-user-revoke",
        summary: "Take a person's platform role away",
        method: Method::DELETE,
        path: "/api/v1/admin/platform-users/{user_id}",
        // Else a token stolen once would leave its thief alone with the platform.
        access: Access::SteppedUp {
            by: StepUp::FactorOrPassword,
            permission: Some((Permission::PlatformAdmin, Scope::Platform)),
        },
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::WRONG_STATE],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = ();
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<()>, Error> {
        let (id, member) = (cx.path::<IdentityId>("user_id")?, cx.caller.member()?);
        if id == member.identity {
            return Err(Error::Own);
        }
        let user = deps.store.platform_user(&id).await?.ok_or(Error::NotFound)?;
        if user.bootstrap {
            return Err(Error::Bootstrap);
        }
        let by = By { identity: &member.identity, role: member.role };
        deps.store.revoke_platform_role(by, &user, &revoked(&cx, &user).into()).await?;
        Ok(Reply::new(()))
    }
}

fn revoked(cx: &Cx, user: &PlatformUser) -> AuditEntry {
    let before = Facts::new().with("identity_id", &user.identity_id).with("role", &user.role);
    cx.audit(Action::PlatformRoleRevoked, None, before, Facts::new())
}
