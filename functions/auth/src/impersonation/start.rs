//! `POST /api/v1/impersonations`: half an hour in a member's place. No refresh token: who needs longer gives a reason again.
//!
//! Asks for a recent proof of who calls. Two reads, one transaction.

use domain::refresh::{Channel, Client, Family};
use domain::{Action, IdentityId, Permission, Reason, SessionId, TenantId, refresh};
use http::Method;
use lambda::http::{
    Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, StepUp,
    Unknown, kinds,
};
use serde::{Deserialize, Serialize};
use store::{IMPERSONATION, Impersonation, Session, StoreError};
use utoipa::ToSchema;

use super::{Deps, audit};
use crate::issuer::{Grant, IssueError};

/// What the member sees among their sessions.
const CLIENT: &str = "Impersonation by the platform";

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = ImpersonationRequest)]
pub struct Request {
    /// In whose place.
    #[serde(default)]
    #[schema(value_type = String, required, example = "usr_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    user_id: Field<String>,
    /// In which of their tenants.
    #[serde(default)]
    #[schema(value_type = String, required, example = "tenant-demo-1f2e3d4c")]
    tenant_id: Field<String>,
    /// For the audit log of the tenant.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 10, max_length = 500)]
    reason: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct Wanted {
    person: IdentityId,
    tenant: TenantId,
    reason: Reason,
}

impl Request {
    fn parse(self) -> Result<Wanted, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let person = errors.require("user_id", self.user_id);
        let tenant = errors.require("tenant_id", self.tenant_id);
        let reason = errors.require("reason", self.reason);
        let person = person.and_then(|t| IdentityId::parse(&t).map_err(|rule| errors.push(rule.at("/user_id"))).ok());
        let tenant = tenant.and_then(|t| TenantId::parse(&t).map_err(|rule| errors.push(rule.at("/tenant_id"))).ok());
        let reason = reason.and_then(|t| Reason::parse(&t).map_err(|rule| errors.push(rule.at("/reason"))).ok());
        match (person, tenant, reason) {
            (Some(person), Some(tenant), Some(reason)) => errors.finish(Ok(Wanted { person, tenant, reason })),
            _ => errors.finish(Err(Vec::new())),
        }
    }
}

/// The way into the member's place.
#[derive(Serialize, ToSchema)]
#[schema(as = ImpersonationStarted)]
pub struct Answer {
    /// To end it by.
    #[schema(value_type = String, example = "ses_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    impersonation_id: SessionId,
    /// For `Authorization: Bearer …`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 1800)]
    expires_in: i64,
    #[schema(value_type = String)]
    user_id: IdentityId,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    #[schema(example = "owner")]
    role: &'static str,
}

/// Why nobody is in anybody's place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// No such member of a tenant that is READY.
    #[error("there is no such member, or not now")]
    NotFound,
    /// The person runs the platform.
    #[error("the person has a platform role")]
    PlatformRole,
    /// There is no token.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(Box::new(problem))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problem) => *problem,
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::PlatformRole => Self::new(&kinds::HAS_PLATFORM_ROLE),
            Error::Issue(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// The route.
pub struct Start;

impl Route for Start {
    const POLICY: Policy = Policy {
        operation: "auth-impersonation-start",
        summary: "Act in a member's place for half an hour",
        method: Method::POST,
        path: "/api/v1/impersonations",
        access: Access::SteppedUp {
            by: StepUp::FactorOrPassword,
            permission: Some((Permission::UserImpersonate, Scope::Platform)),
        },
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 201,
        problems: &[&kinds::HAS_PLATFORM_ROLE, &kinds::NOT_FOUND],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let wanted = request.parse()?;
        let by = cx.caller.member()?.identity.clone();
        let record = deps.record(&cx, by, wanted).await?;
        let grant = Grant {
            identity: record.identity_id.clone(),
            session: record.impersonation_id.clone(),
            tenant: Some(record.tenant_id.clone()),
            role: record.role,
        };
        // Signed first: where that fails, nothing has begun.
        let (access_token, lives) = deps.issuer.impersonate(grant, &record.by, cx.now).await?;
        let audit = audit(&cx, &record, Action::ImpersonationStarted);
        match deps.store.start_impersonation(&session(&cx, &record), &record, &audit.into()).await {
            Err(StoreError::Conflict("membership")) => return Err(Error::NotFound),
            started => started?,
        }
        Ok(Reply::json(Answer {
            impersonation_id: record.impersonation_id,
            access_token,
            token_type: "Bearer",
            expires_in: lives.as_secs(),
            user_id: record.identity_id,
            tenant_id: record.tenant_id,
            role: record.role.as_str(),
        }))
    }
}

impl Deps {
    /// What the door will ask of the next request is asked here too. Nobody takes the place of who runs the platform.
    async fn record(&self, cx: &Cx, by: IdentityId, wanted: Wanted) -> Result<Impersonation, Error> {
        let Wanted { person, tenant, reason } = wanted;
        if self.store.platform_user(&person).await?.is_some() {
            return Err(Error::PlatformRole);
        }
        let impersonation_id = SessionId::new(&*self.entropy);
        let admission = self.store.admission(&person, &impersonation_id, Some(&tenant)).await?;
        self.issuer.heed(&admission);
        let role = admission.open_to(Some(&tenant)).ok_or(Error::NotFound)?;
        Ok(Impersonation {
            impersonation_id,
            by,
            identity_id: person,
            tenant_id: tenant,
            role,
            reason,
            started_at: cx.now,
            expires_at: cx.now.saturating_add(IMPERSONATION).unwrap_or(cx.now),
            ended_at: None,
            ended_by: None,
        })
    }
}

fn session(cx: &Cx, record: &Impersonation) -> Session {
    let limits = refresh::Limits { idle: IMPERSONATION, expires_at: record.expires_at };
    Session {
        session_id: record.impersonation_id.clone(),
        identity_id: record.identity_id.clone(),
        tenant_id: Some(record.tenant_id.clone()),
        client: CLIENT.to_owned(),
        source_ip: cx.source_ip.clone(),
        created_at: cx.now,
        expires_at: record.expires_at,
        second_factor_at: None,
        family: Family::start(&Client::new(Channel::Body, CLIENT), cx.now, limits),
    }
}
