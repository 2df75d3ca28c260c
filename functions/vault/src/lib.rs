//! The tenant's vault: named values of up to 64 KiB, of which the last ten versions are kept (REQUIREMENTS.md R22).
//!
//! A value is sealed under the tenant's data key for its tenant, name and version, and opens nowhere else. Reading one is
//! a right of its own and leaves a trace; lists show no values. The tenant is the caller's, from the token.

mod change;
mod entry;
mod keeper;
pub mod list;
pub mod read;
pub mod remove;
pub mod rollback;
pub mod write;

use lambda::Function;

/// `GET /api/v1/vault/{name+}`
pub const READ: Function = Function::http::<(read::Read,)>("vault-read");
/// `GET /api/v1/vault`, `PUT`, `DELETE` and `POST /api/v1/vault/{name+}`
pub const MANAGE: Function =
    Function::http::<(list::List, write::Write, remove::Remove, rollback::Rollback)>("vault-manage");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&READ, &MANAGE];
