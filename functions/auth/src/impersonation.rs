//! Impersonation (REQUIREMENTS.md R25): somebody of the platform acts in a member's place, for half an hour and for a reason.
//!
//! It is a session of the member's with the operator's name in it: the door reads it with every request, so its end, the
//! end of the membership and the end of the operator's role act at once. The member sees it among their sessions and can end
//! it. The token says who acts (`act`, RFC 8693), and so does every audit entry made with it.

pub mod end;
pub mod list;
pub mod start;

use std::sync::Arc;

use domain::{Action, AuditEntry, Entropy, Facts};
use lambda::{Env, FromEnv, StartError, http::Cx};
use store::{Impersonation, Store};

use crate::issuer::Issuer;

/// The store, what signs, and randomness.
pub struct Deps {
    store: Store,
    issuer: Issuer,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let issuer = Issuer::of_published_keys(env).await?;
        Ok(Self { store: env.store()?, issuer, entropy: env.entropy.clone() })
    }
}

/// In the tenant's log: its people may know.
fn audit(cx: &Cx, record: &Impersonation, action: Action) -> AuditEntry {
    let after = Facts::new()
        .with("identity_id", &record.identity_id)
        .with("session_id", &record.impersonation_id)
        .with("role", &record.role)
        .with("reason", &record.reason);
    cx.audit(action, Some(record.tenant_id.clone()), Facts::new(), after)
}
