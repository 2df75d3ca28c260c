//! A tenant after its signup: seen, changed, closed, opened, given up and restored (REQUIREMENTS.md R06, R39).
//!
//! Every move is a condition on the tenant's record, so that of two at once one finds that it came too late. A tenant that is
//! not READY is closed to everybody in it from their next request on: the door reads its status with each.

mod answer;
mod change;
pub mod change_plan;
pub mod deprovision;
pub mod export;
pub mod list;
pub mod read;
pub mod restore;
pub mod resume;
pub mod suspend;
pub mod update;

use lambda::Function;

/// `GET /api/v1/tenants` and one of them
pub const READ: Function = Function::http::<(list::List, read::Read)>("tenants-read");
/// What changes a tenant: `PATCH` and `DELETE` of it, and the routes below it for its plan and for closing it
pub const CHANGE: Function = Function::http::<(
    update::Update,
    change_plan::ChangePlan,
    suspend::Suspend,
    resume::Activate,
    deprovision::Deprovision,
    restore::Restore,
)>("tenants-change");

/// `POST /api/v1/tenants/{tenant_id}/exports`: a function of its own, for it alone reads the audit log and writes files
pub const EXPORT: Function = Function::http::<(export::Export,)>("tenants-export");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&READ, &CHANGE, &EXPORT];
