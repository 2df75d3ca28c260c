//! Webhooks of tenants: what they may hear of, and where they may be.

mod address;
mod url;

use serde::{Deserialize, Serialize};

use crate::named::named;

pub use address::is_public;
pub use url::{WebhookHost, WebhookUrl};

named! {
    /// What a webhook may hear of.
    pub enum WebhookEvent {
        /// The tenant's secrets have new values.
        SecretRotated = "secret.rotated",
    }
}

/// How the last message to a webhook fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// `webhook-id` of the message.
    pub message: String,
    /// When it was tried last.
    pub at: jiff::Timestamp,
    /// What was answered, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the webhook has it.
    pub succeeded: bool,
}
