//! `POST /api/v1/tenants/{tenant_id}/invitations/{invitation_id}/resend`: another mail, good for another week; the link of the
//! one before opens nothing any more. Beside the door's read: two reads, a write for the count of mails, one transaction
//! and one mail.

use domain::{Action, InvitationId, InvitationToken, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds};
use store::{Audit, Invitation};

use crate::{
    desk::{Acting, Desk},
    invitation::Shown,
    invite::{expiry, facts},
    refusal::Error,
};

/// The route.
pub struct ResendInvitation;

impl Route for ResendInvitation {
    const POLICY: Policy = Policy {
        operation: "members-resend-invitation",
        summary: "Send an invitation again, with a new link",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/invitations/{invitation_id}/resend",
        access: Access::Permission(Permission::MemberInvite, Scope::Tenant),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::VERSION_CONFLICT, &kinds::TOO_MANY_TRIES],
    };
    type Deps = Desk;
    type Body = ();
    type Answer = Json<Shown>;
    type Error = Error;

    async fn handle(desk: &Desk, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let (acting, before) = of_path(desk, &cx).await?;
        let tenant = desk.tenant(&acting).await?;
        let pass = desk.count_mail(&acting, &before.email, &cx).await?;
        let token = InvitationToken::new(&*desk.entropy);
        let after = Invitation { token: token.digest(), expires_at: expiry(cx.now), ..before.clone() };
        let audit = acting.audit(&cx, Action::InvitationRenewed, facts(&before), facts(&after));
        let audit = Audit::from(audit).kept_for(tenant.plan);
        desk.store.renew_invitation(acting.by(), &before, &after, &audit).await?;
        desk.mail(&tenant, &after, &token).await?;
        Ok(pass.stamp(Ok(Reply::json(Shown::of(after, cx.now))))?)
    }
}

/// The invitation of the path, if it is to no role above the caller's own.
pub(crate) async fn of_path<'a>(desk: &Desk, cx: &'a Cx) -> Result<(Acting<'a>, Invitation), Error> {
    let (acting, id) = (Acting::of(cx)?, cx.path::<InvitationId>("invitation_id")?);
    let found = desk.store.invitation(&acting.tenant, &id).await?;
    let invitation = found.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?;
    acting.reaches(invitation.role)?;
    Ok((acting, invitation))
}
