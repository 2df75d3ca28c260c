//! A tenant's API keys: one item each, in the tenant's partition, and the one read by which the door decides.
//!
//! The item is small and has no secret, only digests. When a key was last used is in the table of counts
//! (`crate::limits`), so that a function that only reads needs no right to write here.
//!
//! The tenant counts its keys, as its plan limits them (`crate::quota`). So a key is never left to TTL, which would lose the
//! count; one that has ended stays in the list until somebody needs the room.

use domain::{Actor, ApiKeyId, ApiKeyScopes, ApiKeySecrets, Label, Plan, Quota, TenantId, TenantStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Earlier, IdempotencyRecord, Store, StoreError, idempotency,
    item::{Item, item, n, read, s},
    keys::{API_KEYS, Key, tenant_partition},
    quota,
    reads::How,
    session::TenantPart,
    transact::{Ended, Expr, Reason, Refused, Write, refusal},
};

const WHAT: &str = "API key";

/// What became of something that a plan limits, and that is made once for each idempotency key.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is there.
    Done,
    /// There is no such tenant.
    NoTenant,
    /// The tenant is not READY.
    NotReady,
    /// The plan has no room for it.
    Full(Plan),
    /// An earlier request has the idempotency key.
    Before(Earlier),
}

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRecord {
    /// Which one.
    pub key_id: ApiKeyId,
    /// What it is for.
    pub name: Label,
    /// What it may do.
    pub scopes: ApiKeyScopes,
    /// A limit of its own, below its tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_hour: Option<u32>,
    /// What opens it.
    pub secrets: ApiKeySecrets,
    /// Incremented by every rotation.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Actor,
    /// When its secret was last replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<Timestamp>,
}

/// What the door needs to know of a key; a part that is missing means no.
#[derive(Debug, Default)]
pub struct ApiKeyAdmission {
    /// The key, if it exists.
    pub key: Option<ApiKeyStanding>,
    /// Where the tenant stands, if it exists.
    pub tenant: Option<TenantStatus>,
    /// What it pays for.
    pub plan: Option<Plan>,
}

/// Of a key, what decides whether it is let in.
#[derive(Debug, Deserialize)]
pub struct ApiKeyStanding {
    /// What it may do.
    pub scopes: ApiKeyScopes,
    /// A limit of its own, below its tenant's.
    #[serde(default)]
    pub calls_per_hour: Option<u32>,
    /// What opens it.
    pub secrets: ApiKeySecrets,
}

impl Store {
    /// The key and its tenant: one `BatchGetItem` of two items, strongly consistent, because a revocation or a suspension
    /// counts from the next request on. The same for a key that does not exist.
    pub async fn api_key_admission(&self, tenant: &TenantId, key: &ApiKeyId) -> Result<ApiKeyAdmission, StoreError> {
        const ADMITTING: How = How::STRONG.only(
            "sk, secrets, calls_per_hour, #scopes, #plan, #provisioning.#status",
            &["scopes", "plan", "provisioning", "status"],
        );
        let keys = [Key::api_key(tenant, key), Key::tenant(tenant)];
        let [key, tenant] = &keys;
        let mut found = self.batch(&keys, ADMITTING).await?;
        let tenant = found.remove(&tenant.sk).map(|item| read::<TenantPart>("tenant", item)).transpose()?;
        let key = found.remove(&key.sk).map(|item| read(WHAT, item)).transpose()?;
        let (tenant, plan) = tenant.map(|it| (it.provisioning.status, it.plan)).unzip();
        Ok(ApiKeyAdmission { key, tenant, plan })
    }

    /// Keeps a new key, if there is such a tenant, READY and with room for it. One transaction of up to four items.
    pub async fn create_api_key(
        &self,
        tenant: &TenantId,
        record: &ApiKeyRecord,
        saved: Option<&IdempotencyRecord>,
        audit: &Audit,
    ) -> Result<Kept, StoreError> {
        let put = Write::put(WHAT, Key::api_key(tenant, &record.key_id), stored(tenant, record)?).when(Expr::absent());
        self.keep(vec![put, quota::one_more(tenant, Quota::ApiKeys)], saved, audit, record.key_id.as_str()).await
    }

    /// The writes, among them a count of the tenant's, and the saved answer before them.
    pub(crate) async fn keep(
        &self,
        mut writes: Vec<Write>,
        saved: Option<&IdempotencyRecord>,
        audit: &Audit,
        salt: &str,
    ) -> Result<Kept, StoreError> {
        if let Some(saved) = saved {
            writes.insert(0, saved.save()?);
        }
        match (self.commit_or_why(&writes, audit, salt).await?, saved) {
            (None, _) => Ok(Kept::Done),
            (Some(Refused { what: idempotency::WHAT, held: Some(held) }), Some(saved)) => {
                Ok(Kept::Before(saved.compare(held)?))
            }
            (Some(Refused { what: quota::WHAT, held }), _) => quota::full(held),
            (Some(Refused { what, .. }), _) => Err(StoreError::Conflict(what)),
        }
    }

    /// A key of the tenant's.
    pub async fn api_key(&self, tenant: &TenantId, key: &ApiKeyId) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.record(WHAT, &Key::api_key(tenant, key)).await
    }

    /// A page of the tenant's keys, by id, and the id to go on after if there are more. One `Query`.
    pub async fn api_keys(
        &self,
        tenant: &TenantId,
        after: Option<&ApiKeyId>,
        limit: u16,
    ) -> Result<(Vec<ApiKeyRecord>, Option<ApiKeyId>), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :keys)")
            .expression_attribute_values(":pk", s(tenant_partition(tenant)))
            .expression_attribute_values(":keys", s(API_KEYS))
            .set_exclusive_start_key(after.map(|key| Key::api_key(tenant, key).attributes()))
            .limit(i32::from(limit));
        let page = Box::pin(query.send()).await?;
        let more = page.last_evaluated_key.is_some();
        let found = page.items.unwrap_or_default().into_iter();
        let records = found.map(|item| read(WHAT, item)).collect::<Result<Vec<ApiKeyRecord>, _>>()?;
        let next = records.last().filter(|_| more).map(|record| record.key_id.clone());
        Ok((records, next))
    }

    /// Puts the rotated key in the place of the one of the version before. False where somebody else rotated or revoked it
    /// since: of two at once one wins, and the other's new secret opens nothing.
    pub async fn rotate_api_key(
        &self,
        tenant: &TenantId,
        rotated: &ApiKeyRecord,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let unchanged = Expr::new("version = :version").value(":version", n(rotated.version.saturating_sub(1)));
        let put = Write::put(WHAT, Key::api_key(tenant, &rotated.key_id), stored(tenant, rotated)?).when(unchanged);
        let (writes, salt) = ([put], format!("{}#{}", rotated.key_id, rotated.version));
        match self.transact(&writes, audit, &salt).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons) if matches!(reasons.first(), Some(Reason::Condition(_) | Reason::Race)) => {
                Ok(false)
            }
            Ended::Cancelled(reasons) => Err(refusal(&writes, &reasons)),
        }
    }

    /// Deletes the key; from the next request on it opens nothing. False where there is none.
    pub async fn revoke_api_key(&self, tenant: &TenantId, key: &ApiKeyId, audit: &Audit) -> Result<bool, StoreError> {
        self.delete_api_key(tenant, key, Expr::new("attribute_exists(pk)"), audit).await
    }

    /// Deletes a key that has ended. False where it is gone, or was rotated since it was read.
    pub async fn clear_api_key(
        &self,
        tenant: &TenantId,
        ended: &ApiKeyRecord,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let unchanged = Expr::new("version = :version").value(":version", n(ended.version));
        self.delete_api_key(tenant, &ended.key_id, unchanged, audit).await
    }

    async fn delete_api_key(
        &self,
        tenant: &TenantId,
        key: &ApiKeyId,
        when: Expr,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let delete = Write::delete(WHAT, Key::api_key(tenant, key)).when(when);
        self.commit_if(&[delete, quota::one_less(tenant, Quota::ApiKeys)], audit, key.as_str()).await
    }
}

fn stored(tenant: &TenantId, record: &ApiKeyRecord) -> Result<Item, StoreError> {
    item(WHAT, &Key::api_key(tenant, &record.key_id), record)
}
