//! What the API says of a name without its value.

use domain::VaultName;
use jiff::Timestamp;
use serde::Serialize;
use store::VaultEntry;
use utoipa::ToSchema;

/// What is known of a name without its value.
#[derive(Serialize, ToSchema)]
#[schema(as = VaultEntry)]
pub struct Answer {
    #[schema(value_type = String, example = "billing/stripe.key")]
    name: VaultName,
    /// The current version, for an update that must not overwrite another.
    version: u64,
    /// The oldest version that one can go back to.
    oldest_version: u64,
    /// RFC 3339; since the name was last deleted.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// The id of a person, or of an API key.
    created_by: String,
    /// RFC 3339; when the current version was written.
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
    /// The id of a person, or of an API key.
    updated_by: String,
}

impl From<VaultEntry> for Answer {
    fn from(entry: VaultEntry) -> Self {
        let VaultEntry { name, versions, created_at, created_by, updated_at, updated_by } = entry;
        Self {
            name,
            version: versions.current(),
            oldest_version: versions.oldest(),
            created_at,
            created_by: created_by.to_string(),
            updated_at,
            updated_by: updated_by.to_string(),
        }
    }
}
