//! `POST /api/v1/admin/remove-bootstrap-credentials`: deletes the secret with all its versions, proves it, records it.
//!
//! At most five calls a minute for a caller. Refused until somebody else has signed in as super admin, so that nobody locks everybody out. Deleted first and recorded
//! then: a call that breaks off in between is repeated, finds the secret gone, and records that. Costs a read of the
//! record, a Query of the few platform users, three calls to Secrets Manager and one transaction.

use domain::{Action, AuditEntry, Facts, IdentityId, Permission, Role, throttle::Rule};
use http::Method;
use jiff::Timestamp;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, StepUp, Throttle, kinds},
};
use secrets::{SecretError, Secrets};
use serde::Serialize;
use store::{Bootstrap, SUCCESSOR, Store, StoreError};
use utoipa::ToSchema;

/// That they are gone, and whose doing it was.
#[derive(Serialize, ToSchema)]
#[schema(as = BootstrapRemoved)]
pub struct Answer {
    /// This call removed them.
    removed: bool,
    /// An earlier call had.
    already_removed: bool,
    #[schema(value_type = String, format = "date-time")]
    removed_at: Timestamp,
}

/// Why they are still there, or may be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody else could come in.
    #[error("no other super admin has signed in")]
    NobodyElse,
    /// The deletion was accepted, and the secret is still there.
    #[error("the secret is still there")]
    StillThere,
    /// Secrets Manager did not do it.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NobodyElse => Self::new(&kinds::OTHER_ADMIN_REQUIRED),
            Error::StillThere => Self::unavailable(error),
            Error::Secret(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// The store, Secrets Manager, which secret, and what counts.
pub struct Deps {
    store: Store,
    secrets: Secrets,
    secret: String,
    throttle: Throttle,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secret = env.required("BOOTSTRAP_SECRET")?.to_owned();
        let (secrets, throttle) = (Secrets::new(&env.sdk), Throttle::from_env(env)?);
        Ok(Self { store: env.store()?, secrets, secret, throttle })
    }
}

/// The route.
pub struct RemoveBootstrap;

impl Route for RemoveBootstrap {
    const POLICY: Policy = Policy {
        operation: "admin-remove-bootstrap-credentials",
        summary: "Delete the bootstrap credentials",
        method: Method::POST,
        path: "/api/v1/admin/remove-bootstrap-credentials",
        access: Access::SteppedUp {
            by: StepUp::FactorOrPassword,
            permission: Some((Permission::PlatformAdmin, Scope::Platform)),
        },
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::OTHER_ADMIN_REQUIRED, &kinds::TOO_MANY_TRIES],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let member = cx.caller.member()?;
        let pass = deps.throttle.count(&Rule::REMOVAL, member.identity.as_str(), cx.now).await?;
        pass.stamp(deps.remove(&cx, &member.identity).await.map(Reply::json).map_err(Problem::from))
    }
}

impl Deps {
    async fn remove(&self, cx: &Cx, by: &IdentityId) -> Result<Answer, Error> {
        let record = self.store.bootstrap().await?.unwrap_or_default();
        if let Some(removed_at) = record.removed_at {
            // Whoever asks again may be in doubt, so the proof is repeated.
            self.delete().await?;
            return Ok(Answer { removed: false, already_removed: true, removed_at });
        }
        let successor = self.successor(&record).await?;
        self.delete().await?;
        let after = Bootstrap { removed_at: Some(cx.now), removed_by: Some(by.clone()), ..record.clone() };
        match self.store.end_bootstrap(&record, &after, &successor, &removed(cx).into()).await {
            Ok(()) => Ok(Answer { removed: true, already_removed: false, removed_at: cx.now }),
            // Their role was taken meanwhile.
            Err(StoreError::Conflict(SUCCESSOR)) => Err(Error::NobodyElse),
            // Two calls at once: the other one's record counts.
            Err(error @ StoreError::Conflict(_)) => {
                let removed_at = self.store.bootstrap().await?.unwrap_or_default().removed_at.ok_or(error)?;
                Ok(Answer { removed: false, already_removed: true, removed_at })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Another super admin who has come in before.
    async fn successor(&self, record: &Bootstrap) -> Result<IdentityId, Error> {
        let users = self.store.platform_users().await?;
        let other = users.into_iter().find(|user| {
            let theirs = !user.bootstrap && record.identity_id.as_ref() != Some(&user.identity_id);
            theirs && user.role == Role::SuperAdmin && user.signed_in_at.is_some()
        });
        other.map(|user| user.identity_id).ok_or(Error::NobodyElse)
    }

    /// Deletes, and looks whether it is so.
    async fn delete(&self) -> Result<(), Error> {
        self.secrets.delete(&self.secret).await?;
        if self.secrets.exists(&self.secret).await? { Err(Error::StillThere) } else { Ok(()) }
    }
}

fn removed(cx: &Cx) -> AuditEntry {
    cx.audit(Action::BootstrapRemoved, None, Facts::new().with("present", &true), Facts::new().with("present", &false))
}
