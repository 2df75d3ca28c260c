//! The queue of dead letters: events that a function failed at to the last, put there by Lambda. People take them out.
//!
//! Architecture Invariant: no other crate names the SQS SDK.

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use aws_types::SdkConfig;

/// The stack's queue of dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: Client,
    url: String,
}

/// Nobody knows how many there are; the same call may be made again.
#[derive(Debug, thiserror::Error)]
#[error("the queue of dead letters is out of reach")]
pub struct QueueError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl DeadLetters {
    /// The queue with that URL, in the account and region that `config` says.
    pub fn new(config: &SdkConfig, url: impl Into<String>) -> Self {
        Self { client: Client::new(config), url: url.into() }
    }

    /// How many there are, about: SQS counts with a minute's delay. One `GetQueueAttributes`, $0.40 per million.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn depth(&self) -> Result<u64, QueueError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let asked = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        let answer = Box::pin(asked.send()).await.map_err(|error| QueueError(Box::new(error)))?;
        let depth = answer.attributes().and_then(|attributes| attributes.get(&name)?.parse().ok());
        depth.ok_or_else(|| QueueError("its answer has no number of messages".into()))
    }
}
