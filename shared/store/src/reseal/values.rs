//! One tenant's part of the re-seal: a new data key, the values moved to it, the old one forgotten.
//!
//! From the transaction that stores the new data key on, no transaction stores a value under the old one: each checks that
//! the key it sealed under is still the tenant's. So a pass over the values finds all there ever will be, and where it
//! stands is kept with the old data key.

use std::collections::BTreeSet;

use domain::{TenantId, VaultName, WebhookId};
use serde::Deserialize;

use crate::{
    Audit, FormerDataKey, SealedSecrets, Store, StoreError, TenantDataKey, TenantRecord, TenantSecrets,
    item::{Item, attribute, b, n, read, s},
    keys::{Key, OF_WEBHOOKS, VAULT_VALUES, hex_digest, tenant_partition},
    transact::{Expr, Write},
};

use super::WHAT;

/// How many values are moved in one transaction: of the largest, with what they replace, 3 MB of the 4 that fit.
const VALUES: i32 = 24;
/// Sorts after every value: the pass is through.
const THROUGH: &str = "VAULT-VALUE$";

/// A value of a tenant's vault, or the secret of a webhook; current or earlier.
pub struct SealedValue {
    /// What it is sealed for.
    pub sealed_as: String,
    /// Which version.
    pub version: u64,
    /// Opaque to the store.
    pub sealed: Vec<u8>,
    key: Key,
}

/// Some values, in the order of their keys.
pub struct SealedPage {
    /// The values.
    pub values: Vec<SealedValue>,
    up_to: String,
}

#[derive(Deserialize)]
struct Stored {
    version: u64,
    #[serde(with = "serde_bytes")]
    sealed: Vec<u8>,
}

#[derive(Deserialize)]
struct Fence {
    retired: BTreeSet<String>,
}

impl FormerDataKey {
    /// Whether every value has been moved.
    #[must_use]
    pub fn is_through(&self) -> bool {
        self.moved_to.as_deref() == Some(THROUGH)
    }
}

impl Store {
    /// Puts a new data key before the tenant's, which becomes its [`FormerDataKey`]. False where the tenant's data key is
    /// another one by now. Refused as a conflict of the fence as by [`crate::Effects::data_key`].
    pub async fn renew_data_key(
        &self,
        tenant: &TenantId,
        before: &TenantDataKey,
        after: &TenantDataKey,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let alone = Expr::new("#wrapped = :before AND attribute_not_exists(#previous)")
            .name("#previous", "previous")
            .name("#wrapped", "wrapped")
            .value(":before", b(&before.wrapped))
            .value(":key", s(&after.key_id))
            .value(":wrapped", b(&after.wrapped))
            .value(":previous", attribute(TenantDataKey::WHAT, &after.previous)?);
        let update = "SET key_id = :key, #wrapped = :wrapped, #previous = :previous";
        let renew = Write::update(TenantDataKey::WHAT, data_key(tenant), update, alone);
        let writes = [renew, super::fence(tenant, &after.key_id)];
        match self.reseal_change(&writes[..], audit, &salt(after)).await {
            // The fence is no race: the caller's ring is too old.
            Ok(false) if self.is_fenced(tenant, &after.key_id).await? => Err(StoreError::Conflict(super::FENCE)),
            ended => ended,
        }
    }

    /// The tenant's values that have not been gone through yet: one page of a `Query`, strongly consistent.
    pub async fn sealed_values(&self, tenant: &TenantId, former: &FormerDataKey) -> Result<SealedPage, StoreError> {
        let after = former.moved_to.clone().map(|sk| Key::in_tenant(tenant, &sk).attributes());
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :values)")
            .expression_attribute_values(":pk", s(tenant_partition(tenant)))
            .expression_attribute_values(":values", s(VAULT_VALUES))
            .set_exclusive_start_key(after)
            .limit(VALUES);
        let page = Box::pin(query.send()).await?;
        let next = page.last_evaluated_key.as_ref().and_then(Key::of).map(|key| key.sk);
        let values = page.items.unwrap_or_default().into_iter().map(sealed_value).collect::<Result<_, _>>()?;
        Ok(SealedPage { values, up_to: next.unwrap_or_else(|| THROUGH.to_owned()) })
    }

    /// Writes values of a page anew, sealed under the tenant's data key, and how far the pass is. False where a value or
    /// the data key is another one by now: read the page again.
    pub async fn move_values(
        &self,
        tenant: &TenantId,
        key: &TenantDataKey,
        page: &SealedPage,
        anew: &[(&SealedValue, Vec<u8>)],
        secrets: Option<(&SealedSecrets, &SealedSecrets)>,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let mut writes: Vec<Write> = anew.iter().map(|(value, sealed)| replace(value, sealed)).collect();
        if let Some((before, after)) = secrets {
            writes.push(TenantSecrets::replace(tenant, before, after)?);
        }
        let update = "SET #previous.moved_to = :to";
        let mut expr = unmoved(key).value(":to", s(&page.up_to));
        match key.previous.as_ref().and_then(|former| former.moved_to.as_ref()) {
            None => expr.text.push_str(" AND attribute_not_exists(#previous.moved_to)"),
            Some(from) => {
                expr.text.push_str(" AND #previous.moved_to = :from");
                expr = expr.value(":from", s(from));
            }
        }
        writes.push(Write::update(TenantDataKey::WHAT, data_key(tenant), update, expr));
        self.reseal_change(&writes, audit, &format!("{}#{}", salt(key), page.up_to)).await
    }

    /// Forgets the data key before the tenant's, once the pass is through, and counts the tenant if that was its last.
    /// False where it has been done.
    pub async fn forget_former_data_key(
        &self,
        tenant: &TenantId,
        key: &TenantDataKey,
        last: bool,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let mut through = unmoved(key).value(":through", s(THROUGH));
        through.text.push_str(" AND #previous.moved_to = :through");
        let writes = [
            Write::update(TenantDataKey::WHAT, data_key(tenant), "REMOVE #previous", through),
            Write::update(WHAT, Key::reseal(), "ADD done :one", Expr::default().value(":one", n(u8::from(last)))),
            Write::delete(WHAT, Key::reseal_left(tenant)),
        ];
        self.reseal_change(&writes, audit, &salt(key)).await
    }

    async fn is_fenced(&self, tenant: &TenantId, key_id: &str) -> Result<bool, StoreError> {
        let fence: Option<Fence> = self.record(super::FENCE, &Key::reseal_fence_of(tenant)).await?;
        Ok(fence.is_some_and(|fence| fence.retired.contains(key_id)))
    }
}

fn data_key(tenant: &TenantId) -> Key {
    Key::in_tenant(tenant, TenantDataKey::SK)
}

/// A data key is never wrapped twice with the same nonce: this tells the entries about two of them apart.
fn salt(key: &TenantDataKey) -> String {
    hex_digest(&[&key.wrapped])
}

/// The two keys are what they were.
fn unmoved(key: &TenantDataKey) -> Expr {
    let former = key.previous.as_ref().map(|former| former.wrapped.as_slice()).unwrap_or_default();
    Expr::new("#wrapped = :wrapped AND #previous.#wrapped = :former")
        .name("#previous", "previous")
        .name("#wrapped", "wrapped")
        .value(":wrapped", b(&key.wrapped))
        .value(":former", b(former))
}

fn replace(value: &SealedValue, sealed: &[u8]) -> Write {
    let same = Expr::new("sealed = :before").value(":before", b(&value.sealed)).value(":sealed", b(sealed));
    Write::update("vault value", value.key.clone(), "SET sealed = :sealed", same)
}

fn sealed_value(found: Item) -> Result<SealedValue, StoreError> {
    let misplaced = || StoreError::corrupt("vault value", std::io::Error::other("its key cannot be"));
    let key = Key::of(&found).ok_or_else(misplaced)?;
    let place = key.sk.strip_prefix(VAULT_VALUES).ok_or_else(misplaced)?;
    let sealed_as = sealed_as(place).ok_or_else(misplaced)?;
    let Stored { version, sealed } = read("vault value", found)?;
    Ok(SealedValue { sealed_as, version, sealed, key })
}

fn sealed_as(place: &str) -> Option<String> {
    let (webhook, place) = place.strip_prefix(OF_WEBHOOKS).map_or((false, place), |id| (true, id));
    let name = place.split('#').next()?;
    if webhook {
        return WebhookId::parse(name).ok().map(|id| id.sealed_as());
    }
    VaultName::parse(name).ok().map(|name| name.sealed_as())
}
