//! The tenant's vault: named values, of which a few versions are kept.

mod name;
mod value;
mod versions;

pub use name::VaultName;
pub use value::{VaultEncoding, VaultValue};
pub use versions::{VAULT_NAMES, VERSIONS_KEPT, VaultVersions};
