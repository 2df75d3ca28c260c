//! Saved answers, by `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
//!
//! The record is written in the transaction that does the work, so there is no moment in which the work is done and the
//! answer is not saved, and none in which a key is taken by a request that died.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{Item, item, n, read},
    keys::{Key, hex_digest},
    transact::{Expr, Write},
};

/// How long an answer is kept, in seconds.
const KEPT: i64 = 24 * 3_600;

/// The answer to save under a caller's key.
#[derive(Clone)]
pub struct IdempotencyRecord {
    key: Key,
    stored: Saved,
    now: i64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    fingerprint: String,
    #[serde(with = "serde_bytes")]
    response: Vec<u8>,
    ttl: i64,
}

/// What an earlier request under the same key left.
#[derive(Debug, PartialEq, Eq)]
pub enum Earlier {
    /// The same request: its answer, as it was saved.
    Replay(Vec<u8>),
    /// Another request.
    Mismatch,
}

pub(crate) const WHAT: &str = "idempotency record";

impl Store {
    /// What an earlier request left under the key of this one: one read. The transaction asks again, for who comes at the
    /// same moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn earlier(&self, record: &IdempotencyRecord) -> Result<Option<Earlier>, StoreError> {
        let held: Option<Saved> = self.record(WHAT, &record.key).await?;
        Ok(held.filter(|held| held.ttl >= record.now).map(|held| record.judge(held)))
    }

    /// Forgets the answer, where what it promised was not done after all. One write.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self, record: &IdempotencyRecord) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.tables.core);
        Box::pin(delete.set_key(Some(record.key.attributes())).send()).await?;
        Ok(())
    }
}

impl IdempotencyRecord {
    /// `scope` keeps callers apart (a tenant, or an IP for the anonymous), `request` is whatever must be the same for the
    /// answer to be the same, and `response` is opaque: sealed by the caller where it holds a token.
    #[must_use]
    pub fn new(operation: &str, scope: &str, key: &str, request: &[u8], response: Vec<u8>, now: Timestamp) -> Self {
        let now = now.as_second();
        Self {
            key: Key::idempotency(&hex_digest(&[scope.as_bytes(), key.as_bytes()]), operation),
            stored: Saved { fingerprint: hex_digest(&[request]), response, ttl: now + KEPT },
            now,
        }
    }

    fn judge(&self, held: Saved) -> Earlier {
        if held.fingerprint == self.stored.fingerprint { Earlier::Replay(held.response) } else { Earlier::Mismatch }
    }

    /// TTL deletes late (up to days), so an expired record counts as none.
    pub(crate) fn save(&self) -> Result<Write, StoreError> {
        let stored = item(WHAT, &self.key, &self.stored)?;
        let free = Expr::new("attribute_not_exists(pk) OR #ttl < :now").name("#ttl", "ttl").value(":now", n(self.now));
        Ok(Write::put(WHAT, self.key.clone(), stored).when(free))
    }

    /// Compares with the record that refused [`Self::save`].
    pub(crate) fn compare(&self, held: Item) -> Result<Earlier, StoreError> {
        Ok(self.judge(read(WHAT, held)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, request: &[u8]) -> IdempotencyRecord {
        IdempotencyRecord::new("tenant.create", "203.0.113.7", key, request, b"answer".to_vec(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_same_request_is_answered_as_before_and_another_is_not() {
        let first = record("k", b"a");
        let held = item("idempotency record", &first.key, &first.stored).unwrap();
        assert!(held["response"].is_b());
        assert_eq!(first.compare(held.clone()).unwrap(), Earlier::Replay(b"answer".to_vec()));
        assert_eq!(record("k", b"b").compare(held).unwrap(), Earlier::Mismatch);
    }

    #[test]
    fn scope_and_key_do_not_run_into_each_other() {
        let of = |scope, key| IdempotencyRecord::new("o", scope, key, b"", vec![], Timestamp::UNIX_EPOCH).key;
        assert_ne!(of("ab", "c"), of("a", "bc"));
    }
}
