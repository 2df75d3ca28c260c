//! `POST /api/v1/auth/switch-tenant`: the caller's session goes on in another of the person's tenants.
//!
//! It hands out an access token and no refresh token: who holds the one for 15 minutes must not get the other for 7 days.
//! The session's refresh token stays good, and the next refresh is for the new tenant. One Query, one read and one
//! transaction beside the door's own read.

use domain::{Action, AuditEntry, Facts, Role, TenantId};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Member, Policy, Problem, Rate, Reply, Route,
        Unknown, kinds,
    },
};
use serde::Deserialize;
use store::{MembershipPointer, Store, StoreError};
use utoipa::ToSchema;

use crate::{
    issuer::{Grant, Issuer},
    login::Answer,
    session_revoke::audit,
};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = SwitchTenantRequest)]
pub struct Request {
    /// Id or subdomain of one of your tenants.
    #[serde(default)]
    #[schema(value_type = String, required, example = "demo")]
    tenant: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<String, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let tenant = errors.require("tenant", self.tenant).unwrap_or_default();
        errors.finish(Ok(tenant))
    }
}

/// The store, and what signs.
pub struct Deps {
    store: Store,
    issuer: Issuer,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { store: env.store()?, issuer: Issuer::of_published_keys(env).await? })
    }
}

/// The route.
pub struct SwitchTenant;

impl Route for SwitchTenant {
    const POLICY: Policy = Policy {
        operation: "auth-switch-tenant",
        summary: "Work in another of your tenants",
        method: Method::POST,
        path: "/api/v1/auth/switch-tenant",
        access: Access::InPerson,
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::NOT_FOUND],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Problem> {
        let named = request.parse()?;
        let member = cx.caller.member()?;
        let memberships = deps.store.tenants_of(&member.identity).await?;
        let tenant = find(&memberships, &named).ok_or_else(unknown)?;
        let role = deps.role_in(member, tenant).await?.ok_or_else(unknown)?;
        let Member { identity, session, .. } = member;
        let grant = Grant { identity: identity.clone(), session: session.clone(), tenant: Some(tenant.clone()), role };
        // Signed first: where that fails, nothing has changed.
        let access_token = deps.issuer.issue(grant, cx.now).await?;
        let audit = switched(member, tenant, role, &cx).into();
        match deps.store.switch_tenant(identity, session, tenant, &audit).await {
            Ok(true) => {}
            Ok(false) => return Err(Problem::new(&kinds::UNAUTHENTICATED)),
            // Sent away from it since they were looked at.
            Err(StoreError::Conflict(_)) => return Err(unknown()),
            Err(error) => return Err(error.into()),
        }
        Ok(Reply::json(Answer::new(access_token, Some(tenant.clone()))))
    }
}

impl Deps {
    /// The membership decides, not the pointer to it; and the tenant must be one that can be worked in.
    async fn role_in(&self, member: &Member, tenant: &TenantId) -> Result<Option<Role>, Problem> {
        let admission = self.store.admission(&member.identity, &member.session, Some(tenant)).await?;
        self.issuer.heed(&admission);
        Ok(admission.open_to(Some(tenant)))
    }
}

fn find<'a>(memberships: &'a [MembershipPointer], named: &str) -> Option<&'a TenantId> {
    let called = |id: &&TenantId| id.as_str() == named || id.subdomain().as_str() == named;
    memberships.iter().map(|membership| &membership.tenant_id).find(called)
}

/// The same for a tenant that is not there, not the caller's, and not ready.
fn unknown() -> Problem {
    Problem::new(&kinds::NOT_FOUND)
}

fn switched(member: &Member, tenant: &TenantId, role: Role, cx: &Cx) -> AuditEntry {
    let mut entry = audit(member, Action::SessionSwitched, cx);
    if let Some(before) = &member.tenant {
        entry.before = entry.before.with("tenant_id", before);
    }
    AuditEntry {
        tenant: Some(tenant.clone()),
        after: Facts::new().with("tenant_id", tenant).with("role", &role),
        ..entry
    }
}
