//! Logs: one JSON object a line on standard output, as CloudWatch Logs Insights reads it.
//!
//! Secrets cannot get into a log: their types have neither `Debug` nor `Display`.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// What is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// One line per request or step, and whatever goes wrong.
    #[default]
    Info,
    /// Only what goes wrong.
    Warn,
}

/// Installs the subscriber; a second call does nothing.
pub fn init(level: Level) {
    let filter = match level {
        Level::Info => "warn,lambda=info,signup=info,auth=info,provisioning=info,local=info",
        Level::Warn => "warn",
    };
    let layer = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    // A second subscriber is a test's second stack in the same process.
    drop(tracing_subscriber::registry().with(EnvFilter::new(filter)).with(layer).try_init());
}
