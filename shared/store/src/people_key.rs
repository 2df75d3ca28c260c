//! The data key under which values of people are sealed, whichever tenant they belong to.

use serde::{Deserialize, Serialize};

use crate::{Audit, Store, StoreError, item::item, keys::Key, transact::Expr, transact::Write};

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

    /// Keeps the first one. False where there is one.
    pub async fn keep_people_key(&self, made: &PeopleKey, audit: &Audit) -> Result<bool, StoreError> {
        let key = Key::people_key();
        let write = Write::put(WHAT, key.clone(), item(WHAT, &key, made)?).when(Expr::absent());
        self.commit_if(&[write], audit, &made.key_id).await
    }
}
