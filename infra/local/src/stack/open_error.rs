//! Why a stack does not open, in words for who wanted it.

use crate::aws::AwsError;

/// Why a stack does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The template or a state machine uses what the local stack lacks; one line each, with its place.
    #[error("{}", .0.join("\n"))]
    Refused(Vec<String>),
    /// The data folder.
    #[error("the data folder {path} cannot be used; `cargo run -- reset` starts over")]
    Data {
        /// Which one.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process has the data folder.
    #[error("the data folder {path} is in use by process {by}; stop it, or take another with --data-dir")]
    Held {
        /// Which one.
        path: String,
        /// The number of the process.
        by: String,
    },
    /// A local service refused what the template asks for.
    #[error("{what} could not be made: {source}")]
    Resource {
        /// What.
        what: String,
        /// Why.
        source: AwsError,
    },
}
