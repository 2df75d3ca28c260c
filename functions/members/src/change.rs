//! `PATCH /api/v1/tenants/{tenant_id}/members/{user_id}`: another role, or no entry for a while. It counts from the member's
//! next request on; whoever is disabled is signed out of the tenant.
//!
//! One read and one transaction beside the door's read, and a `Query` of the member's sessions where they are disabled.

use domain::{Action, Facts, FieldError, IdentityId, MembershipStatus, Permission, Role};
use http::Method;
use lambda::http::{
    Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope,
    Unknown, kinds,
};
use serde::{Deserialize, Serialize};
use store::Membership;
use utoipa::ToSchema;

use crate::{
    desk::{Acting, Desk},
    refusal::Error,
};

/// What to send: a role, a status, or both.
#[derive(Deserialize, ToSchema)]
#[schema(as = MemberChange)]
pub struct Request {
    /// The version that the change is of, from the list.
    #[serde(default)]
    #[schema(value_type = u64, required)]
    version: Field<u64>,
    /// `owner`, `admin`, `manager`, `agent` or `analyst`; not above your own.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "manager")]
    role: Field<String>,
    /// `active` or `disabled`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "active")]
    status: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct Wanted {
    version: u64,
    role: Option<Role>,
    status: Option<MembershipStatus>,
}

impl Request {
    fn parse(self) -> Result<Wanted, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let version = errors.require("version", self.version);
        let (role, status) = (errors.take("role", self.role), errors.take("status", self.status));
        if role.is_none() && status.is_none() {
            errors.push(FieldError::required("/role"));
        }
        let role = role.map(|text| tenant_role(&text).map_err(|error| errors.push(error)).ok());
        let status = status.map(|text| MembershipStatus::parse(&text).map_err(|r| errors.push(r.at("/status"))).ok());
        match version {
            Some(version) => errors.finish(Ok(Wanted { version, role: role.flatten(), status: status.flatten() })),
            None => errors.finish(Err(Vec::new())),
        }
    }
}

/// A role that a tenant gives.
pub(crate) fn tenant_role(text: &str) -> Result<Role, FieldError> {
    let role = Role::parse(text).ok().filter(|role| !role.is_platform());
    role.ok_or_else(|| FieldError {
        pointer: "/role".into(),
        code: "unknown",
        detail: "must be owner, admin, manager, agent or analyst".into(),
    })
}

/// The member as they are now.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedMember)]
pub struct Answer {
    #[schema(value_type = String, example = "usr_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    user_id: IdentityId,
    role: &'static str,
    status: &'static str,
    version: u64,
}

/// The route.
pub struct ChangeMember;

impl Route for ChangeMember {
    const POLICY: Policy = Policy {
        operation: "members-change",
        summary: "Give a member another role, disable or enable them",
        method: Method::PATCH,
        path: "/api/v1/tenants/{tenant_id}/members/{user_id}",
        access: Access::Permission(Permission::MemberUpdate, Scope::Tenant),
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::LAST_OWNER, &kinds::PLAN_LIMIT, &kinds::VERSION_CONFLICT],
    };
    type Deps = Desk;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(desk: &Desk, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let (acting, user) = (Acting::of(&cx)?, cx.path::<IdentityId>("user_id")?);
        let wanted = request.parse()?;
        let found = desk.store.membership(&acting.tenant, &user).await?;
        let before = found.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?;
        let after = Membership {
            role: wanted.role.unwrap_or(before.role),
            status: wanted.status.unwrap_or(before.status),
            version: before.version + 1,
            ..before.clone()
        };
        acting.reaches(before.role)?;
        acting.reaches(after.role)?;
        if before.version != wanted.version {
            return Err(Error::Version);
        }
        let audit = acting.audit(&cx, Action::MembershipChanged, facts(&before), facts(&after));
        desk.store.change_membership(acting.by(), &before, &after, &audit.into()).await?;
        let Membership { identity_id: user_id, role, status, version, .. } = after;
        Ok(Reply::json(Answer { user_id, role: role.as_str(), status: status.as_str(), version }))
    }
}

pub(crate) fn facts(member: &Membership) -> Facts {
    let Membership { identity_id, role, status, .. } = member;
    Facts::new().with("identity_id", identity_id).with("role", role).with("status", status)
}
