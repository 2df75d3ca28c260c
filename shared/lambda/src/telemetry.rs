//! Logs: one JSON object a line on standard output, as CloudWatch Logs Insights reads it.
//!
//! Secrets cannot get into a log: their types have neither `Debug` nor `Display`.

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    prelude::*,
};

/// The crates whose `info` is for the log, every group under `functions/` among them; of all others it is noise.
const OURS: [&str; 14] = [
    "lambda",
    "secrets",
    "local",
    "admin",
    "auth",
    "keys",
    "members",
    "platform",
    "provisioning",
    "rotation",
    "signup",
    "tenants",
    "vault",
    "webhooks",
];
/// Begins with the name of one of ours, and opens a span for each event that nobody reads.
const RUNTIMES: [&str; 2] = ["lambda_runtime", "lambda_http"];

/// What is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// One line per request or step, and whatever goes wrong.
    #[default]
    Info,
    /// Only what goes wrong.
    Warn,
    /// Only what fails, for a program whose output is for a person.
    Error,
}

/// Installs the subscriber; a second call does nothing.
pub fn init(level: Level) {
    let ours = match level {
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    // A list of targets, not an `EnvFilter`: that one compiles regular expressions at every cold start.
    let filter = Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_targets(OURS.map(|target| (target, ours)))
        .with_targets(RUNTIMES.map(|target| (target, LevelFilter::WARN)));
    let layer = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    // A second subscriber is a test's second stack in the same process.
    drop(tracing_subscriber::registry().with(filter).with(layer).try_init());
}
