//! Several items in one `BatchGetItem`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use crate::{Store, StoreError, item::Item};

/// How often what DynamoDB left unread is asked for again.
const TRIES: usize = 3;

impl Store {
    /// What is stored under the keys, by sort key. The items are read one by one: together they are no snapshot.
    pub(crate) async fn batch(&self, wanted: KeysAndAttributes) -> Result<HashMap<String, Item>, StoreError> {
        let mut wanted = HashMap::from([(self.tables.core.clone(), wanted)]);
        let mut found = HashMap::new();
        for _ in 0..TRIES {
            let answer = Box::pin(self.client.batch_get_item().set_request_items(Some(wanted)).send()).await?;
            for item in answer.responses.unwrap_or_default().into_values().flatten() {
                if let Some(AttributeValue::S(sk)) = item.get("sk") {
                    found.insert(sk.clone(), item);
                }
            }
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(found);
            }
        }
        Err(StoreError::busy("DynamoDB left keys unread"))
    }
}
