//! `DELETE /api/v1/tenants/{tenant_id}/members/{user_id}`: sends a member away. Their sessions in the tenant end with it; the
//! person stays, for they may belong elsewhere. One read, a `Query` of the sessions and one transaction beside the door's
//! read.

use domain::{Action, Facts, IdentityId, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, Scope, kinds};

use crate::{
    change::facts,
    desk::{Acting, Desk},
    refusal::Error,
};

/// The route.
pub struct RemoveMember;

impl Route for RemoveMember {
    const POLICY: Policy = Policy {
        operation: "members-remove",
        summary: "Remove a member from a tenant",
        method: Method::DELETE,
        path: "/api/v1/tenants/{tenant_id}/members/{user_id}",
        access: Access::Permission(Permission::MemberRemove, Scope::Tenant),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::LAST_OWNER, &kinds::VERSION_CONFLICT],
    };
    type Deps = Desk;
    type Body = ();
    type Answer = ();
    type Error = Error;

    async fn handle(desk: &Desk, cx: Cx, (): ()) -> Result<Reply<()>, Error> {
        let (acting, user) = (Acting::of(&cx)?, cx.path::<IdentityId>("user_id")?);
        send_away(desk, &cx, &acting, &user).await
    }
}

/// Also of who leaves by themselves.
pub(crate) async fn send_away(
    desk: &Desk,
    cx: &Cx,
    acting: &Acting<'_>,
    user: &IdentityId,
) -> Result<Reply<()>, Error> {
    let found = desk.store.membership(&acting.tenant, user).await?;
    let member = found.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?;
    acting.reaches(member.role)?;
    let audit = acting.audit(cx, Action::MembershipRemoved, facts(&member), Facts::new());
    desk.store.remove_membership(acting.by(), &member, &audit.into()).await?;
    Ok(Reply::new(()))
}
