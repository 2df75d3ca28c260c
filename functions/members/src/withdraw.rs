//! `DELETE /api/v1/tenants/{tenant_id}/invitations/{invitation_id}`: the mailed link opens nothing any more, and the seat is
//! free. One read and one transaction beside the door's read.

use domain::{Action, Facts, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Rate, Reply, Route, Scope, kinds};

use crate::{desk::Desk, invite::facts, refusal::Error, resend::of_path};

/// The route.
pub struct WithdrawInvitation;

impl Route for WithdrawInvitation {
    const POLICY: Policy = Policy {
        operation: "members-withdraw-invitation",
        summary: "Take an invitation back",
        method: Method::DELETE,
        path: "/api/v1/tenants/{tenant_id}/invitations/{invitation_id}",
        access: Access::Permission(Permission::MemberInvite, Scope::Tenant),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::VERSION_CONFLICT],
    };
    type Deps = Desk;
    type Body = ();
    type Answer = ();
    type Error = Error;

    async fn handle(desk: &Desk, cx: Cx, (): ()) -> Result<Reply<()>, Error> {
        let (acting, invitation) = of_path(desk, &cx).await?;
        let audit = acting.audit(&cx, Action::InvitationWithdrawn, facts(&invitation), Facts::new());
        desk.store.withdraw_invitation(Some(acting.by()), &invitation, &audit.into()).await?;
        Ok(Reply::new(()))
    }
}
