//! A tenant's API keys: made, listed, rotated and revoked by people (REQUIREMENTS.md R18). No key opens these routes.
//!
//! A secret is in the one answer that hands it over and nowhere else. What a key opens, and what its use costs, is the
//! door's: `lambda::http`.

mod entry;
mod keeper;
pub mod list;
pub mod mint;
pub mod read;
pub mod revoke;
pub mod rotate;

use lambda::Function;

/// The routes below `/api/v1/tenants/{tenant_id}/api-keys`
pub const MANAGE: Function =
    Function::http::<(mint::Mint, list::List, read::Read, rotate::Rotate, revoke::Revoke)>("keys-manage");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&MANAGE];
