//! Who belongs to a tenant, and as what (REQUIREMENTS.md R09, R39): members, their roles, and invitations by mail.
//!
//! Nobody gives a role above their own, nobody changes who is above them, and the last owner stays. What is changed counts
//! from the member's next request on. An invitation gives nothing to the inviter: its token is mailed to the invited, who
//! accepts with `POST /api/v1/auth/accept-invitation`.

pub mod change;
mod desk;
pub mod invitation;
pub mod invite;
pub mod leave;
pub mod list;
mod refusal;
pub mod remove;
pub mod resend;
pub mod withdraw;

use lambda::Function;

/// `GET /api/v1/tenants/{tenant_id}/members`, `GET …/invitations`
pub const READ: Function = Function::http::<(list::ListMembers, invitation::ListInvitations)>("members-read");
/// Whatever changes one of them
pub const MANAGE: Function = Function::http::<(
    change::ChangeMember,
    remove::RemoveMember,
    leave::Leave,
    invite::Invite,
    resend::ResendInvitation,
    withdraw::WithdrawInvitation,
)>("members-manage");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&READ, &MANAGE];
