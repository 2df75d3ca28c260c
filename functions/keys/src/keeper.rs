//! What every route of the group works with.

use std::sync::Arc;

use domain::{ApiKeyId, ApiKeyKind, Entropy, TenantId};
use jiff::Timestamp;
use lambda::{
    Env, FromEnv, StartError,
    http::{Cx, Problem},
};
use store::{ApiKeyRecord, Limits, Store, StoreError};

use crate::entry;

/// The store, the table where uses are noted, which kind of keys the stage has, and randomness.
pub struct Keeper {
    pub(crate) store: Store,
    pub(crate) uses: Limits,
    pub(crate) kind: ApiKeyKind,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl FromEnv for Keeper {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let kind = ApiKeyKind::of_stage(env.required("STAGE")?);
        Ok(Self { store: env.store()?, uses: env.limits()?, kind, entropy: env.entropy.clone() })
    }
}

impl Keeper {
    /// What the API says of these keys of the tenant's: one `BatchGetItem`.
    pub(crate) async fn shown(
        &self,
        tenant: &TenantId,
        records: Vec<ApiKeyRecord>,
        cx: &Cx,
    ) -> Result<Vec<entry::Answer>, StoreError> {
        let ids: Vec<&ApiKeyId> = records.iter().map(|record| &record.key_id).collect();
        let mut uses = self.uses.key_uses(tenant, &ids).await?;
        let shown = |record: ApiKeyRecord| {
            let used = uses.remove(&record.key_id);
            entry::Answer::of(self.kind, tenant, record, used, cx.now)
        };
        Ok(records.into_iter().map(shown).collect())
    }

    /// A key, and when it was last used: two reads.
    pub(crate) async fn found(
        &self,
        tenant: &TenantId,
        key: &ApiKeyId,
    ) -> Result<Option<(ApiKeyRecord, Option<Timestamp>)>, StoreError> {
        let Some(record) = self.store.api_key(tenant, key).await? else { return Ok(None) };
        let used = self.uses.key_uses(tenant, &[key]).await?.remove(key);
        Ok(Some((record, used)))
    }
}

/// The tenant of the path; the door has let the caller through to it.
pub(crate) fn tenant_of(cx: &Cx) -> Result<TenantId, Problem> {
    cx.path("tenant_id")
}
