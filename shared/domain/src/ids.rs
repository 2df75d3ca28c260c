//! What things are called: identifiers that cannot be mistaken for one another.

mod api_key;
mod correlation;
mod export;
mod prefixed;
mod tenant;
mod webhook;

pub use api_key::ApiKeyId;
pub use correlation::CorrelationId;
pub use export::ExportId;
pub use prefixed::{IdentityId, InvitationId, SessionId};
pub use tenant::TenantId;
pub use webhook::WebhookId;

/// Whether the text is `length` lower-case hexadecimal digits.
pub(crate) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
