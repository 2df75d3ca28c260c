//! What happened, told to whoever listens: events on the stack's bus of Amazon EventBridge.
//!
//! An event says that something is so, and where to look; it never holds a value that is secret. Delivery is at least once,
//! so each kind of event says by which of its fields a listener knows a repeat.
//!
//! Architecture Invariant: no other crate names the EventBridge SDK.

mod bus;
mod secret_rotated;

pub use bus::{Bus, EventError};
pub use secret_rotated::SecretRotated;

/// A kind of event.
pub trait Event: serde::Serialize {
    /// `detail-type`: what a rule matches on, beside the source.
    const TYPE: &'static str;
}
