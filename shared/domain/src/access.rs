//! Who may do what. What is not granted here is denied.

mod permission;
mod rank;
mod role;

pub use permission::Permission;
pub use rank::{MembershipStatus, Seats};
pub use role::Role;
