//! The public halves of the signing keys. They live here so that a function which only verifies needs no secret.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Store, StoreError,
    item::{item, read, s},
    keys::{Key, SIGNING},
    transact::{Ended, Expr, Reason, Write, refusal},
};

/// An Ed25519 public key as in a JWK (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The key's id.
    pub kid: String,
    /// The key, base64url.
    pub x: String,
    /// From when on it may sign.
    pub not_before: Timestamp,
    /// When the last token signed by it has died; none while it is in use.
    pub retire_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// Publishes a key. False where the id is taken already, as after a repeated call; the stored key stays as it is.
    pub async fn publish_signing_key(&self, key: &PublicKey, audit: &Audit) -> Result<bool, StoreError> {
        let at = Key::signing(&key.kid);
        let writes = [Write::put("signing key", at.clone(), item("signing key", &at, key)?).when(Expr::absent())];
        match self.transact(&writes, audit, &key.kid).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons) if matches!(reasons.first(), Some(Reason::Condition(_))) => Ok(false),
            Ended::Cancelled(reasons) => Err(refusal(&writes, &reasons)),
        }
    }

    /// All published keys, the retired included (strongly consistent; a handful).
    pub async fn signing_keys(&self) -> Result<Vec<PublicKey>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(SIGNING));
        let found = Box::pin(query.send()).await?;
        found.items.unwrap_or_default().into_iter().map(|item| read("signing key", item)).collect()
    }
}
