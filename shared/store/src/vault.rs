//! A tenant's vault: for each name an entry without its value, the current value, and the values before it.
//!
//! Lists read entries alone, so they cost nothing for the values; the current value has a key of its own, so that one
//! read finds it, and never an older one, whatever is written meanwhile. A version's number is used once for ever: a
//! deleted name leaves the last one behind. What is sealed is opaque here.

mod change;

pub use change::VAULT_FULL;

use domain::{Actor, TenantId, VaultName, VaultVersions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError, TenantDataKey, TenantRecord,
    item::{read, s},
    keys::{Key, VAULT, tenant_partition},
    reads::How,
};

/// How often a name is read again that changed while it was read.
const TRIES: usize = 5;

/// What is known of a name without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultEntry {
    /// The name.
    pub name: VaultName,
    /// The versions that are kept.
    pub versions: VaultVersions,
    /// When the name was made, since it was last deleted.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Actor,
    /// When the current version was written.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: Actor,
}

/// One version of a value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultVersion {
    /// Its number.
    pub version: u64,
    /// Opaque to the store.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
    /// When it was written.
    pub written_at: Timestamp,
    /// By whom.
    pub written_by: Actor,
}

/// A name as a change finds it.
pub struct VaultSlot {
    /// Whose.
    pub tenant: TenantId,
    /// The name.
    pub name: VaultName,
    /// The key that values are sealed under.
    pub data_key: Option<TenantDataKey>,
    /// What is there, if anything is.
    pub held: Option<(VaultEntry, VaultVersion)>,
    /// The last number that the name used before it was deleted; 0 if it never was.
    used: u64,
    /// The current version as it was read, whatever `held` is made of it.
    sealed: Vec<u8>,
}

impl VaultSlot {
    /// The number of the current version; 0 where there is none.
    pub fn current(&self) -> u64 {
        self.held.as_ref().map_or(0, |(entry, _)| entry.versions.current())
    }

    /// The number that the next version gets.
    pub fn next(&self) -> u64 {
        self.after().0.current()
    }

    fn after(&self) -> (VaultVersions, Option<u64>) {
        match &self.held {
            Some((entry, _)) => entry.versions.next(),
            None => (VaultVersions::first_after(self.used), None),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredEntry {
    name: VaultName,
    version: u64,
    oldest: u64,
    created_at: Timestamp,
    created_by: Actor,
    updated_at: Timestamp,
    updated_by: Actor,
}

/// What a deleted name leaves behind.
#[derive(Serialize, Deserialize)]
struct Used {
    used: u64,
}

impl TryFrom<StoredEntry> for VaultEntry {
    type Error = StoreError;

    fn try_from(stored: StoredEntry) -> Result<Self, StoreError> {
        let StoredEntry { name, version, oldest, created_at, created_by, updated_at, updated_by } = stored;
        let versions = VaultVersions::stored(oldest, version)
            .ok_or_else(|| StoreError::corrupt(ENTRY, std::io::Error::other("its versions cannot be")))?;
        Ok(Self { name, versions, created_at, created_by, updated_at, updated_by })
    }
}

impl From<&VaultEntry> for StoredEntry {
    fn from(entry: &VaultEntry) -> Self {
        let VaultEntry { name, versions, created_at, created_by, updated_at, updated_by } = entry.clone();
        let (version, oldest) = (versions.current(), versions.oldest());
        Self { name, version, oldest, created_at, created_by, updated_at, updated_by }
    }
}

const ENTRY: &str = "vault entry";
const VALUE: &str = "vault value";

impl Store {
    /// The current version of a value, with the data key that opens it: one `BatchGetItem`, strongly consistent.
    pub async fn vault_value(
        &self,
        tenant: &TenantId,
        name: &VaultName,
    ) -> Result<(Option<TenantDataKey>, Option<VaultVersion>), StoreError> {
        let keys = [data_key(tenant), Key::vault_value(tenant, name)];
        let [data_key, value] = &keys;
        let mut found = self.batch(&keys, How::STRONG).await?;
        let key = found.remove(&data_key.sk).map(|item| read(TenantDataKey::WHAT, item)).transpose()?;
        Ok((key, found.remove(&value.sk).map(|item| read(VALUE, item)).transpose()?))
    }

    /// An earlier version of a value.
    pub async fn vault_version(
        &self,
        tenant: &TenantId,
        name: &VaultName,
        version: u64,
    ) -> Result<Option<VaultVersion>, StoreError> {
        self.record(VALUE, &Key::vault_version(tenant, name, version)).await
    }

    /// What is known of a name.
    pub async fn vault_entry(&self, tenant: &TenantId, name: &VaultName) -> Result<Option<VaultEntry>, StoreError> {
        let stored: Option<StoredEntry> = self.record(ENTRY, &Key::vault_entry(tenant, name)).await?;
        stored.map(TryInto::try_into).transpose()
    }

    /// A name, to change it: one `BatchGetItem`, as long as nobody else changes it at that moment.
    pub async fn vault_slot(&self, tenant: &TenantId, name: &VaultName) -> Result<VaultSlot, StoreError> {
        for _ in 0..TRIES {
            if let Some(slot) = self.vault_slot_once(tenant, name).await? {
                return Ok(slot);
            }
        }
        Err(StoreError::busy("the vault entry changes all the time"))
    }

    /// None where entry and value were read on two sides of a change.
    async fn vault_slot_once(&self, tenant: &TenantId, name: &VaultName) -> Result<Option<VaultSlot>, StoreError> {
        let (entry, value) = (Key::vault_entry(tenant, name), Key::vault_value(tenant, name));
        let keys = [data_key(tenant), entry, value, Key::vault_used(tenant, name)];
        let [data_key, entry, value, used] = &keys;
        let mut found = self.batch(&keys, How::STRONG).await?;
        let data_key = found.remove(&data_key.sk).map(|item| read(TenantDataKey::WHAT, item)).transpose()?;
        let used = found.remove(&used.sk).map(|item| read(ENTRY, item)).transpose()?.map_or(0, |it: Used| it.used);
        let entry: Option<StoredEntry> = found.remove(&entry.sk).map(|item| read(ENTRY, item)).transpose()?;
        let value: Option<VaultVersion> = found.remove(&value.sk).map(|item| read(VALUE, item)).transpose()?;
        let held = match (entry, value) {
            (Some(entry), Some(value)) if entry.version == value.version => Some((entry.try_into()?, value)),
            (None, None) => None,
            _ => return Ok(None),
        };
        let sealed = held.as_ref().map(|(_, value): &(VaultEntry, VaultVersion)| value.sealed.clone());
        let (tenant, name, sealed) = (tenant.clone(), name.clone(), sealed.unwrap_or_default());
        Ok(Some(VaultSlot { tenant, name, data_key, held, used, sealed }))
    }

    /// A page of the tenant's entries, by name, and the name to go on after if there are more. One `Query`.
    pub async fn vault_entries(
        &self,
        tenant: &TenantId,
        after: Option<&VaultName>,
        limit: u16,
    ) -> Result<(Vec<VaultEntry>, Option<VaultName>), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :vault)")
            .expression_attribute_values(":pk", s(tenant_partition(tenant)))
            .expression_attribute_values(":vault", s(VAULT))
            .set_exclusive_start_key(after.map(|name| Key::vault_entry(tenant, name).attributes()))
            .limit(i32::from(limit));
        let page = Box::pin(query.send()).await?;
        let more = page.last_evaluated_key.is_some();
        let found = page.items.unwrap_or_default().into_iter();
        let entries = found
            .map(|item| read::<StoredEntry>(ENTRY, item)?.try_into())
            .collect::<Result<Vec<VaultEntry>, StoreError>>()?;
        let next = entries.last().filter(|_| more).map(|entry| entry.name.clone());
        Ok((entries, next))
    }
}

fn data_key(tenant: &TenantId) -> Key {
    Key::in_tenant(tenant, TenantDataKey::SK)
}
