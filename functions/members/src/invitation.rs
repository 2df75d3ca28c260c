//! `GET /api/v1/tenants/{tenant_id}/invitations`: who was invited and has not come yet. One `Query` beside the door's read;
//! one read more where nobody was.

use domain::{Actor, EmailAddress, InvitationId, Permission};
use jiff::Timestamp;
use lambda::http::{Access, Cx, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor, kinds};
use serde::Serialize;
use store::{Invitation, Store};
use utoipa::ToSchema;

use crate::desk::Acting;

/// A page of invitations.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitations)]
pub struct Answer {
    /// In the order of their ids.
    items: Vec<Shown>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// One invitation. Whether the address is somebody's already, it does not say.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
pub struct Shown {
    #[schema(value_type = String, example = "inv_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    invitation_id: InvitationId,
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    role: &'static str,
    /// `pending`, or `expired`: another mail makes it good again.
    status: &'static str,
    /// Whoever invited first.
    #[schema(value_type = String, example = "usr_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    invited_by: Actor,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// Of the newest mail.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

impl Shown {
    pub(crate) fn of(invitation: Invitation, now: Timestamp) -> Self {
        let status = if invitation.is_open(now) { "pending" } else { "expired" };
        let Invitation { invitation_id, email, role, invited_by, created_at, expires_at, .. } = invitation;
        Self { invitation_id, email, role: role.as_str(), status, invited_by, created_at, expires_at }
    }
}

/// The route.
pub struct ListInvitations;

impl Route for ListInvitations {
    const POLICY: Policy = Policy::read(
        "members-invitations",
        "List who was invited to a tenant",
        "/api/v1/tenants/{tenant_id}/invitations",
        Access::Permission(Permission::MemberInvite, Scope::Tenant),
        Rate::General,
    );
    const PAGED: bool = true;
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let Acting { tenant, .. } = Acting::of(&cx)?;
        let Listing { limit, after } = cx.listing::<InvitationId>()?;
        let (found, last) = store.invitations(&tenant, after.as_ref(), limit).await?;
        // An operator may ask for a tenant that there is not.
        if found.is_empty() && after.is_none() && store.tenant(&tenant).await?.is_none() {
            return Err(Problem::new(&kinds::NOT_FOUND));
        }
        let items = found.into_iter().map(|one| Shown::of(one, cx.now)).collect();
        Ok(Reply::json(Answer { items, next_cursor: last.as_ref().map(cursor) }))
    }
}
