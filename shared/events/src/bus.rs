//! The bus.

use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use aws_types::SdkConfig;

use crate::Event;

/// What rules know our events by.
const SOURCE: &str = "innkeeper";

/// The stack's event bus.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

/// The event is not on the bus, or nobody knows; the same call may be made again.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// EventBridge did not answer as it should.
    #[error("the event bus is out of reach")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered that it did not take the event.
    #[error("the event bus did not take the event: {code}")]
    NotTaken {
        /// AWS's word for why.
        code: String,
    },
    /// The event cannot be written down.
    #[error("the event cannot be written")]
    Malformed,
}

impl Bus {
    /// The bus of that name, in the account and region that `config` says.
    pub fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(config), name: name.into() }
    }

    /// Puts one event on the bus: one call, $1 per million events.
    ///
    /// # Errors
    /// [`EventError`].
    pub async fn tell<E: Event + Sync>(&self, event: &E) -> Result<(), EventError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(E::TYPE)
            .detail(serde_json::to_string(event).map_err(|_| EventError::Malformed)?)
            .build();
        let answer = Box::pin(self.client.put_events().entries(entry).send()).await;
        let answer = answer.map_err(|error| EventError::Unavailable(Box::new(error)))?;
        // PutEvents succeeds as a call whatever becomes of its entries.
        match answer.entries().iter().find_map(PutEventsResultEntry::error_code) {
            Some(code) => Err(EventError::NotTaken { code: code.to_owned() }),
            None => Ok(()),
        }
    }
}
