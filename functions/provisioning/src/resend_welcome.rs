//! `POST /api/v1/tenants/{tenant_id}/resend-welcome`: the welcome mail once more, with a new link. At most one a minute.

use domain::{Action, Facts, Permission, TenantId, TenantStatus};
use http::{Method, header::RETRY_AFTER};
use jiff::Timestamp;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, Scope, kinds},
};
use store::Store;

use crate::welcome::{Claim, NotSent, Welcomes};

const KIND: &str = "welcome-again";

/// The store and the mails.
pub struct Deps {
    store: Store,
    welcomes: Welcomes,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { store: env.store()?, welcomes: Welcomes::from_env(env)? })
    }
}

/// Why no mail goes out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such tenant.
    #[error("no such tenant")]
    NotFound,
    /// Only a READY tenant has somebody to welcome.
    #[error("the tenant is not READY")]
    NotReady,
    /// The first admin has left the tenant, or was removed from it.
    #[error("the tenant's first admin is not there")]
    NoAdmin,
    /// One went out within this minute, which has so many seconds left.
    #[error("a mail was sent within this minute")]
    JustSent(i64),
    /// The mail service or the store.
    #[error("the mail was not sent")]
    NotSent(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::NotReady => Self::new(&kinds::WRONG_STATE).detail("only a READY tenant has a welcome mail"),
            Error::NoAdmin => Self::new(&kinds::WRONG_STATE).detail("the tenant's first admin is not there any more"),
            Error::JustSent(left) => Self::new(&kinds::TOO_MANY_TRIES)
                .detail("a welcome mail was sent within this minute")
                .header(RETRY_AFTER, left.into()),
            Error::NotSent(source) => Self::unavailable(source),
        }
    }
}

impl Error {
    fn of(error: NotSent, now: Timestamp) -> Self {
        match error {
            NotSent::Claimed => Self::JustSent(60 - now.as_second().rem_euclid(60)),
            NotSent::NoAdmin => Self::NoAdmin,
            other => Self::NotSent(Box::new(other)),
        }
    }
}

/// The route.
pub struct ResendWelcome;

impl Route for ResendWelcome {
    const POLICY: Policy = Policy {
        operation: "provisioning-resend-welcome",
        summary: "Send the welcome mail again",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/resend-welcome",
        access: Access::Permission(Permission::TenantProvision, Scope::Platform),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::WRONG_STATE, &kinds::TOO_MANY_TRIES],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = ();
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<()>, Error> {
        let tenant_id: TenantId = cx.path("tenant_id").map_err(|_| Error::NotFound)?;
        let stored = deps.store.tenant(&tenant_id).await.map_err(|error| Error::NotSent(Box::new(error)))?;
        let tenant = stored.ok_or(Error::NotFound)?;
        if tenant.provisioning.status() != TenantStatus::Ready {
            return Err(Error::NotReady);
        }
        let now = cx.now;
        // The minute is the claim's number, which makes one mail a minute the most there can be.
        let minute = u32::try_from(now.as_second() / 60).unwrap_or(u32::MAX);
        let entry = cx.audit(Action::MailSent, Some(tenant_id), Facts::new(), Facts::new());
        let sent = deps.welcomes.send(&tenant, Claim(KIND, minute), now, &entry.into()).await;
        sent.map_err(|error| Error::of(error, now))?;
        Ok(Reply::new(()))
    }
}
