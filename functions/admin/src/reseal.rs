//! How far the re-seal is: the move of every tenant's values away from the data keys that a rotation has succeeded.

use jiff::Timestamp;
use serde::Serialize;
use store::{ResealProgress, ResealState, TenantLeft};
use utoipa::ToSchema;

/// The re-seal after the last rotation of the data keys.
#[derive(Serialize, ToSchema)]
#[schema(as = Reseal)]
pub(crate) struct Progress {
    /// `running`, `waiting` for its next execution, `failed` (it begins again by itself), or `done`.
    #[schema(value_type = String, example = "done")]
    state: ResealState,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    changed_at: Timestamp,
    /// How many tenants had something to move, as far as they are found.
    tenants_found: u64,
    /// How many of them have nothing left under an old key.
    tenants_done: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The tenants that could not be moved, the first few thousand.
    tenants_left: Vec<Left>,
}

/// A tenant that could not be moved, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = ResealTenantLeft)]
struct Left {
    #[schema(example = "tenant-demo-1f2e3d4c")]
    tenant_id: String,
    why: String,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

impl From<ResealProgress> for Progress {
    fn from(ResealProgress { reseal, failed }: ResealProgress) -> Self {
        let left = |TenantLeft { tenant_id, why, at }| Left { tenant_id: tenant_id.to_string(), why, at };
        Self {
            state: reseal.state,
            since: reseal.since,
            changed_at: reseal.changed_at,
            tenants_found: reseal.total,
            tenants_done: reseal.done,
            why: reseal.why,
            tenants_left: failed.into_iter().map(left).collect(),
        }
    }
}
