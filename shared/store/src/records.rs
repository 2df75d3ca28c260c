//! What provisioning makes for a tenant: one item each in the tenant's partition, marked with the attempt that made it.

use domain::{CorrelationId, Isolation, TenantId, TokenDigest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Store, StoreError,
    item::{b, item, n, read},
    keys::Key,
    transact::{Expr, Write},
};

/// A kind of record of which a tenant has at most one.
pub trait TenantRecord: Serialize + DeserializeOwned + sealed::Sealed {
    /// What it is called in errors.
    const WHAT: &'static str;
    /// Its sort key.
    const SK: &'static str;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! record {
    ($type:ty, $what:literal, $sk:literal) => {
        impl sealed::Sealed for $type {}
        impl TenantRecord for $type {
            const WHAT: &'static str = $what;
            const SK: &'static str = $sk;
        }
    };
}

/// Where a tenant's data lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Shared or its own.
    pub kind: Isolation,
    /// The table.
    pub table: String,
}

/// A tenant's four secrets, or where they are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TenantSecrets {
    /// Sealed, here.
    Pool(SealedSecrets),
    /// In a secret of Secrets Manager.
    Silo {
        /// Which one.
        arn: String,
    },
}

/// Ciphertexts; opaque to the store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecrets {
    /// Which values these are, from 1. They are sealed for it.
    #[serde(default = "first")]
    pub version: u64,
    /// Signs the tenant's tokens.
    #[serde(with = "serde_bytes")]
    pub jwt: Vec<u8>,
    /// Encrypts the tenant's data.
    #[serde(with = "serde_bytes")]
    pub encryption: Vec<u8>,
    /// Signs the tenant's cookies.
    #[serde(with = "serde_bytes")]
    pub cookie: Vec<u8>,
    /// Signs what is sent to the tenant's webhooks.
    #[serde(with = "serde_bytes")]
    pub webhook: Vec<u8>,
    /// The values before these, which the tenant's application still accepts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<SealedSecrets>>,
    /// When these were made; long ago, where they are from before that was kept.
    #[serde(default = "long_ago")]
    pub made_at: Timestamp,
    /// The request id of the rotation that made them, until it has been announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unannounced: Option<CorrelationId>,
}

fn first() -> u64 {
    SealedSecrets::FIRST
}

fn long_ago() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

impl SealedSecrets {
    /// The version that provisioning makes.
    pub const FIRST: u64 = 1;

    /// Version `version`: what `value` makes for each name.
    pub fn make<E>(
        version: u64,
        made_at: Timestamp,
        mut value: impl FnMut(&'static str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let (jwt, encryption) = (value("jwt")?, value("encryption")?);
        let (cookie, webhook) = (value("cookie")?, value("webhook")?);
        Ok(Self { version, jwt, encryption, cookie, webhook, previous: None, made_at, unannounced: None })
    }

    /// What each value is sealed for, and the value.
    pub fn values(&self) -> [(&'static str, &[u8]); 4] {
        [("jwt", &self.jwt), ("encryption", &self.encryption), ("cookie", &self.cookie), ("webhook", &self.webhook)]
    }

    /// The same with every value, the former ones too, as `change` makes it out of its name, version and ciphertext.
    pub fn map<E>(&self, change: &impl Fn(&str, u64, &[u8]) -> Result<Vec<u8>, E>) -> Result<Self, E> {
        let mut values = self.values().into_iter();
        let next = |name: &'static str| {
            let (_, value) = values.next().unwrap_or((name, &[]));
            change(name, self.version, value)
        };
        let changed = Self::make(self.version, self.made_at, next)?;
        let previous = self.previous.as_ref().map(|former| former.map(change).map(Box::new)).transpose()?;
        Ok(Self { previous, unannounced: self.unannounced.clone(), ..changed })
    }
}

impl TenantSecrets {
    /// Attribute by attribute, so that the mark of the attempt that made them stays. Each seal has a nonce of its own, so
    /// one of them tells whether any is another.
    pub(crate) fn replace(
        tenant: &TenantId,
        before: &SealedSecrets,
        after: &SealedSecrets,
    ) -> Result<Write, StoreError> {
        let key = Key::in_tenant(tenant, Self::SK);
        let mut expr = Expr::new("jwt = :before").value(":before", b(&before.jwt));
        let mut sets = Vec::new();
        for (n, (name, value)) in item(Self::WHAT, &key, after)?.into_iter().enumerate() {
            if !["pk", "sk"].contains(&name.as_str()) {
                sets.push(format!("#n{n} = :v{n}"));
                expr = expr.name(&format!("#n{n}"), &name).value(&format!(":v{n}"), value);
            }
        }
        Ok(Write::update(Self::WHAT, key, &format!("SET {}", sets.join(", ")), expr))
    }
}

/// The key that the tenant's values are sealed under, wrapped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDataKey {
    /// The key-encryption key that it is under, so that the re-seal job finds it.
    pub key_id: String,
    /// Opaque to the store.
    #[serde(with = "serde_bytes")]
    pub wrapped: Vec<u8>,
    /// The key before it, until every value is sealed anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<FormerDataKey>,
}

/// A data key that values may still be sealed under, while a re-seal moves them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerDataKey {
    /// As of [`TenantDataKey`].
    pub key_id: String,
    /// Opaque to the store.
    #[serde(with = "serde_bytes")]
    pub wrapped: Vec<u8>,
    /// The sort key up to which the tenant's values have been sealed anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
}

/// The tenant's application plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Who deploys it: `none`, `webhook`.
    pub deployer: String,
    /// How far it is.
    pub state: StackState,
    /// The digest of the task token that the deployer must answer with.
    pub task_token: Option<TokenDigest>,
}

/// How far a stack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackState {
    /// The deployer has been asked.
    Requested,
    /// It is there.
    Deployed,
    /// The deployer has been asked to remove it.
    Removing,
}

/// The tenant's host name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostName {
    /// The name.
    pub host: String,
    /// How its certificate stands.
    pub certificate: String,
}

/// Which schema the tenant's data is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The version of the last migration.
    pub version: u32,
}

record!(Database, "database record", "DATABASE");
record!(TenantSecrets, "tenant secrets", "SECRETS");
record!(TenantDataKey, "data key", "DATA-KEY");
record!(Stack, "stack record", "STACK");
record!(HostName, "domain record", "DOMAIN");
record!(Schema, "schema record", "SCHEMA");

/// A record with the attempt that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made<R> {
    /// The attempt.
    pub attempt: u32,
    /// The record.
    pub record: R,
}

impl Store {
    /// A tenant's record of that kind (strongly consistent).
    pub async fn made<R: TenantRecord>(&self, tenant: &TenantId) -> Result<Option<Made<R>>, StoreError> {
        let Some(found) = self.get(&Key::in_tenant(tenant, R::SK)).await? else { return Ok(None) };
        let Stamp { attempt } = read(R::WHAT, found.clone())?;
        Ok(Some(Made { attempt, record: read(R::WHAT, found)? }))
    }
}

#[derive(Deserialize)]
struct Stamp {
    attempt: u32,
}

/// Stores the record in place of an older one. The transaction's condition on the tenant keeps late attempts out.
pub(crate) fn keep<R: TenantRecord>(tenant: &TenantId, attempt: u32, record: &R) -> Result<Write, StoreError> {
    let key = Key::in_tenant(tenant, R::SK);
    let mut stored = item(R::WHAT, &key, record)?;
    stored.insert("attempt".to_owned(), n(attempt));
    Ok(Write::put(R::WHAT, key, stored))
}

/// Deletes what the attempt made; what another attempt made, or nobody, is left as it is.
pub(crate) fn undo(what: &'static str, key: Key, attempt: u32) -> Write {
    Write::delete(what, key).when(Expr::new("attempt = :attempt").value(":attempt", n(attempt))).optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_secrets_are_stored_as_binary_and_come_back() {
        let blob = |byte| vec![byte; 60];
        let made = |version| {
            SealedSecrets::make::<()>(version, Timestamp::UNIX_EPOCH, |name| Ok(blob(name.len() as u8))).unwrap()
        };
        let secrets = TenantSecrets::Pool(SealedSecrets { previous: Some(Box::new(made(1))), ..made(2) });
        let key = Key { pk: "T#x".into(), sk: "SECRETS".into() };
        let stored = item("tenant secrets", &key, &secrets).unwrap();
        assert!(stored["webhook"].is_b());
        assert_eq!(stored["kind"].as_s().unwrap(), "pool");
        let back: TenantSecrets = read("tenant secrets", stored).unwrap();
        assert!(back == secrets);
    }

    #[test]
    fn an_absent_option_is_an_absent_attribute() {
        let stack = Stack { deployer: "none".into(), state: StackState::Deployed, task_token: None };
        let stored = item("stack record", &Key { pk: "T#x".into(), sk: "STACK".into() }, &stack).unwrap();
        assert!(!stored.contains_key("task_token"));
        assert_eq!(read::<Stack>("stack record", stored).unwrap(), stack);
    }
}
