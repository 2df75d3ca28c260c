//! `DELETE /api/v1/tenants/{tenant_id}/membership`: the caller leaves the tenant, whatever their role, unless they are its
//! last owner. Costs what a removal does.

use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, kinds};

use crate::{
    desk::{Acting, Desk},
    refusal::Error,
    remove::send_away,
};

/// The route.
pub struct Leave;

impl Route for Leave {
    const POLICY: Policy = Policy {
        operation: "members-leave",
        summary: "Leave a tenant",
        method: Method::DELETE,
        path: "/api/v1/tenants/{tenant_id}/membership",
        access: Access::InPerson,
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
        let acting = Acting::of(&cx)?;
        // The one that the caller works in: in another they may have another role.
        if cx.caller.member()?.tenant.as_ref() != Some(&acting.tenant) {
            return Err(Problem::new(&kinds::NOT_FOUND).into());
        }
        send_away(desk, &cx, &acting, acting.by().identity).await
    }
}
