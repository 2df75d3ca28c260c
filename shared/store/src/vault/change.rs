//! What changes a vault, each in one transaction with its audit entry.

use domain::{TenantId, VAULT_NAMES, VaultName};

use crate::{
    Audit, Store, StoreError, TenantDataKey, TenantRecord, VaultEntry, VaultSlot, VaultVersion,
    item::{b, item, n},
    keys::Key,
    transact::{Ended, Expr, Reason, Write, refusal},
};

use super::{ENTRY, StoredEntry, Used, VALUE};

impl Store {
    /// Writes the next version, sealed for [`VaultSlot::next`], by whom and when the audit entry says. The version before
    /// it becomes an earlier one, the eleventh goes. None where somebody else changed the name since the slot was read, or
    /// a re-seal the data key or the value: whatever is stored here is under the tenant's current one. Fails with a conflict
    /// of [`VAULT_FULL`] where the tenant has as many names as it may.
    pub async fn vault_write(
        &self,
        slot: &VaultSlot,
        sealed: Vec<u8>,
        audit: &Audit,
    ) -> Result<Option<VaultEntry>, StoreError> {
        let (tenant, name) = (&slot.tenant, &slot.name);
        let (versions, gone) = slot.after();
        let (by, at) = (audit.entry.actor.clone(), audit.entry.at);
        let (created_at, created_by) =
            slot.held.as_ref().map_or((at, by.clone()), |(entry, _)| (entry.created_at, entry.created_by.clone()));
        let entry =
            VaultEntry { name: name.clone(), versions, created_at, created_by, updated_at: at, updated_by: by.clone() };
        let value = VaultVersion { version: versions.current(), sealed, written_at: at, written_by: by };
        let mut writes = vec![put_entry(&entry, slot)?, put_value(&value, slot)?];
        match &slot.held {
            Some((_, before)) => writes.push(put(Key::vault_version(tenant, name, before.version), before)?),
            None => writes.push(unmark(tenant, name, slot.used)),
        }
        writes.extend(gone.map(|gone| Write::delete(VALUE, Key::vault_version(tenant, name, gone))));
        writes.push(same_key(slot));
        if slot.held.is_none() {
            writes.push(one_more(tenant));
        }
        let written = self.vault_change(&writes, audit, name, value.version).await?;
        Ok(written.then_some(entry))
    }

    /// Deletes every version; the last number stays behind. False where somebody else changed the name since.
    pub async fn vault_delete(&self, tenant: &TenantId, entry: &VaultEntry, audit: &Audit) -> Result<bool, StoreError> {
        let (name, used) = (&entry.name, entry.versions.current());
        let mark = Key::vault_used(tenant, name);
        let mark = Write::put(ENTRY, mark.clone(), item(ENTRY, &mark, &Used { used })?);
        let mut writes = vec![
            Write::delete(ENTRY, Key::vault_entry(tenant, name)).when(at_version(used)),
            Write::delete(VALUE, Key::vault_value(tenant, name)),
            mark,
        ];
        let earlier = entry.versions.earlier();
        writes.extend(earlier.map(|version| Write::delete(VALUE, Key::vault_version(tenant, name, version))));
        writes.push(one_less(tenant));
        match self.vault_change(&writes, audit, name, used).await {
            // The name is older than the count.
            Err(StoreError::Conflict(VAULT_FULL)) => {
                writes.pop();
                self.vault_change(&writes, audit, name, used).await
            }
            changed => changed,
        }
    }

    /// False where a condition or another transaction was in the way; a conflict where it was the count alone.
    async fn vault_change(
        &self,
        writes: &[Write],
        audit: &Audit,
        name: &VaultName,
        version: u64,
    ) -> Result<bool, StoreError> {
        let overtaken = |reason: &Reason| matches!(reason, Reason::Condition(_) | Reason::Race);
        match self.transact(writes, audit, &format!("{name}#{version}")).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons) if is_about_the_count(writes, &reasons) => Err(StoreError::Conflict(VAULT_FULL)),
            Ended::Cancelled(reasons) if reasons.iter().take(writes.len()).any(overtaken) => Ok(false),
            Ended::Cancelled(reasons) => Err(refusal(writes, &reasons)),
        }
    }
}

/// What a tenant's count of names is called where it is in the way.
pub const VAULT_FULL: &str = "count of the vault's names";

/// A name joins; names from before there was a count are not in it.
fn one_more(tenant: &TenantId) -> Write {
    let room = Expr::new("attribute_not_exists(#names) OR #names < :most")
        .name("#names", "names")
        .value(":most", n(VAULT_NAMES))
        .value(":one", n(1));
    Write::update(VAULT_FULL, Key::vault_count(tenant), "ADD #names :one", room)
}

fn one_less(tenant: &TenantId) -> Write {
    let some = Expr::new("#names > :none").name("#names", "names").value(":none", n(0)).value(":one", n(-1));
    Write::update(VAULT_FULL, Key::vault_count(tenant), "ADD #names :one", some)
}

fn is_about_the_count(writes: &[Write], reasons: &[Reason]) -> bool {
    let refused = |(_, reason): &(&Write, &Reason)| matches!(reason, Reason::Condition(_) | Reason::Race);
    let mut refused = writes.iter().zip(reasons).filter(refused);
    let first = refused.next();
    first.is_some_and(|(write, reason)| write.what == VAULT_FULL && matches!(reason, Reason::Condition(_)))
        && refused.next().is_none()
}

fn put_entry(entry: &VaultEntry, slot: &VaultSlot) -> Result<Write, StoreError> {
    let key = Key::vault_entry(&slot.tenant, &slot.name);
    let stored = item(ENTRY, &key, &StoredEntry::from(entry))?;
    let unchanged = if slot.held.is_some() { at_version(slot.current()) } else { Expr::absent() };
    Ok(Write::put(ENTRY, key, stored).when(unchanged))
}

/// In the place of what was read. The slot's reads are no snapshot: the value may be from before a re-seal has moved it, and the
/// data key from after.
fn put_value(value: &VaultVersion, slot: &VaultSlot) -> Result<Write, StoreError> {
    let write = put(Key::vault_value(&slot.tenant, &slot.name), value)?;
    Ok(match &slot.held {
        Some(_) => write.when(Expr::new("sealed = :before").value(":before", b(&slot.sealed))),
        None => write,
    })
}

fn put(key: Key, value: &VaultVersion) -> Result<Write, StoreError> {
    Ok(Write::put(VALUE, key.clone(), item(VALUE, &key, value)?))
}

/// Nothing was written since, for a number is used once.
fn at_version(version: u64) -> Expr {
    Expr::new("version = :version").value(":version", n(version))
}

/// The key that the slot was read with is still the tenant's.
fn same_key(slot: &VaultSlot) -> Write {
    let key = Key::in_tenant(&slot.tenant, TenantDataKey::SK);
    let same = match &slot.data_key {
        None => Expr::absent(),
        Some(held) => Expr::new("#wrapped = :wrapped").name("#wrapped", "wrapped").value(":wrapped", b(&held.wrapped)),
    };
    Write::check(TenantDataKey::WHAT, key, same)
}

/// Takes away what a deletion left behind, if that is still the last one.
fn unmark(tenant: &TenantId, name: &VaultName, used: u64) -> Write {
    let last = if used == 0 { Expr::absent() } else { Expr::new("used = :used").value(":used", n(used)) };
    Write::delete(ENTRY, Key::vault_used(tenant, name)).when(last)
}
