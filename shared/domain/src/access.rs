//! Who may do what. What is not granted here is denied.

mod permission;
mod role;

pub use permission::Permission;
pub use role::Role;
