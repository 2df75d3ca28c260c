//! The data key under which values of people are sealed, whichever tenant they belong to.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Store, StoreError,
    item::{item, s},
    keys::Key,
    reseal,
    transact::{Expr, Write},
};

const WHAT: &str = "people's data key";

/// The key, wrapped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleKey {
    /// The key-encryption key that it is wrapped under.
    pub key_id: String,
    /// Opaque to the store.
    #[serde(with = "serde_bytes")]
    pub wrapped: Vec<u8>,
}

impl Store {
    /// The key, once somebody has needed one: one strong read.
    pub async fn people_key(&self) -> Result<Option<PeopleKey>, StoreError> {
        self.record(WHAT, &Key::people_key()).await
    }

    /// Keeps the first one. False where there is one, or the key that it is wrapped under is going out of use.
    pub async fn keep_people_key(&self, made: &PeopleKey, audit: &Audit) -> Result<bool, StoreError> {
        let key = Key::people_key();
        let write = Write::put(WHAT, key.clone(), item(WHAT, &key, made)?).when(Expr::absent());
        self.commit_if(&[write, reseal::people_fence(&made.key_id)], audit, &made.key_id).await
    }

    /// Puts the same key, wrapped anew, in place of what was read. False where somebody else was faster.
    pub async fn rewrap_people_key(
        &self,
        before: &PeopleKey,
        after: &PeopleKey,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        // Reserved by DynamoDB.
        let unchanged = Expr::new("key_id = :before")
            .name("#wrapped", "wrapped")
            .value(":before", s(&before.key_id))
            .value(":after", s(&after.key_id))
            .value(":wrapped", AttributeValue::B(Blob::new(after.wrapped.clone())));
        let write = Write::update(WHAT, Key::people_key(), "SET key_id = :after, #wrapped = :wrapped", unchanged);
        self.commit_if(&[write], audit, &after.key_id).await
    }
}
