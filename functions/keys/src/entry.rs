//! What the API says of a key without its secret.

use domain::{ApiKey, ApiKeyId, ApiKeyKind, TenantId};
use jiff::Timestamp;
use serde::Serialize;
use store::ApiKeyRecord;
use utoipa::ToSchema;

/// A key without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct Answer {
    #[schema(value_type = String, example = "key_0d4cfa1c2b3a4f5e")]
    key_id: ApiKeyId,
    /// What it is for.
    #[schema(example = "nightly export")]
    name: String,
    /// What the key's text begins with, to recognise it by.
    #[schema(example = "ink_live_demo-1f2e3d4c_0d4cfa1c2b3a4f5e")]
    begins_with: String,
    /// The permissions; everything else is denied.
    #[schema(example = json!(["vault.read"]))]
    scopes: Vec<&'static str>,
    /// `expired` from `expires_at` on; listed until somebody needs the room.
    #[schema(pattern = "^(active|expired)$", example = "active")]
    state: &'static str,
    /// A limit of its own, below the plan's.
    calls_per_hour: Option<u32>,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// A person's id.
    created_by: String,
    /// RFC 3339; when the current secret ends.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// RFC 3339; when the secret was last replaced.
    #[schema(value_type = Option<String>, format = "date-time")]
    rotated_at: Option<Timestamp>,
    /// RFC 3339; until then the secret before the current one opens the key, too.
    #[schema(value_type = Option<String>, format = "date-time")]
    former_until: Option<Timestamp>,
    /// RFC 3339; known to the hour.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_used_at: Option<Timestamp>,
}

impl Answer {
    pub(crate) fn of(
        kind: ApiKeyKind,
        tenant: &TenantId,
        record: ApiKeyRecord,
        last_used_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let expires_at = record.secrets.expires_at();
        Self {
            begins_with: ApiKey::public_part(kind, tenant, &record.key_id),
            key_id: record.key_id,
            name: record.name.to_string(),
            scopes: record.scopes.names().collect(),
            state: if now < expires_at { "active" } else { "expired" },
            calls_per_hour: record.calls_per_hour,
            created_at: record.created_at,
            created_by: record.created_by.to_string(),
            expires_at,
            rotated_at: record.rotated_at,
            former_until: record.secrets.former(now).map(|former| former.until),
            last_used_at,
        }
    }
}

/// A key with its secret, this once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewApiKey)]
pub struct WithSecret {
    /// To send as `Authorization: Bearer …`. It is shown this once.
    #[schema(format = "password", example = "ink_live_demo-1f2e3d4c_0d4cfa1c2b3a4f5e_…")]
    pub(crate) api_key: String,
    #[serde(flatten)]
    pub(crate) key: Answer,
}
