//! A tenant's webhooks: made, listed, given another secret and deleted by its owners and admins, and told when the tenant's
//! secrets rotate (REQUIREMENTS.md R42, in part).
//!
//! Messages and signatures are those of Standard Webhooks 1.0 (<https://www.standardwebhooks.com>). Where a webhook is, a
//! customer says, so [`outside`] decides whether it is called there.

pub mod create;
pub mod delete;
pub mod deliver;
mod desk;
mod entry;
pub mod list;
mod outside;
pub mod rotate;

use lambda::Function;

/// The routes below `/api/v1/tenants/{tenant_id}/webhooks`
pub const MANAGE: Function =
    Function::http::<(create::Create, list::List, rotate::Rotate, delete::Delete)>("webhooks-manage");
/// Wakes at `secret.rotated` of a tenant.
pub const DELIVER: Function = Function::listener::<deliver::Deliver>("webhooks-deliver");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&MANAGE, &DELIVER];
