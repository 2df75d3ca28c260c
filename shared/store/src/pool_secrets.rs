//! The rotation of the secrets of tenants in the pool: who is due, the new values, and that they have been announced.
//!
//! The new values and the audit entry are one transaction, which also leaves a mark; the mark goes once the event is out, so
//! that a crash between the two loses no event.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, SealedSecrets, Store, StoreError, TenantDataKey, TenantRecord, TenantSecrets,
    item::{attribute, b, item, n, s},
    keys::Key,
    scan::{Cursor, TenantsPage, Wanted},
    transact::{Ended, Expr, Reason, Write, refusal},
};

const PASS: &str = "pass over the pool's secrets";

/// How far the pass over all tenants is. No change of the business: it has no audit entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSecretsPass {
    /// Where to go on; none where the last pass is through.
    pub next: Option<Cursor>,
    /// When it was written.
    pub at: Timestamp,
}

impl Store {
    /// How far the pass is: one `GetItem`; none before the first.
    pub async fn pool_secrets_pass(&self) -> Result<Option<PoolSecretsPass>, StoreError> {
        self.record(PASS, &Key::pool_secrets_pass()).await
    }

    /// Keeps how far it is. Of two at once the later one stands; the other's tenants are looked at again.
    pub async fn keep_pool_secrets_pass(&self, pass: &PoolSecretsPass) -> Result<(), StoreError> {
        let key = Key::pool_secrets_pass();
        let put = self.client.put_item().table_name(&self.tables.core).set_item(Some(item(PASS, &key, pass)?));
        Box::pin(put.send()).await?;
        Ok(())
    }

    /// Tenants of the pool whose secrets were made before that, or have not been announced.
    pub async fn pool_secrets_due(&self, before: Timestamp, from: Option<Cursor>) -> Result<TenantsPage, StoreError> {
        let wanted = Wanted {
            filter: "kind = :pool AND (made_at < :before OR attribute_not_exists(made_at) OR \
                     attribute_exists(unannounced))"
                .to_owned(),
            names: Vec::new(),
            values: vec![
                (":pool".to_owned(), s("pool")),
                (":before".to_owned(), attribute(TenantSecrets::WHAT, &before)?),
            ],
        };
        self.tenants_with::<TenantSecrets>(&wanted, from).await
    }

    /// Puts `after`, sealed under that data key, in the place of `before`. False where either is another one by now.
    pub async fn rotate_pool_secrets(
        &self,
        tenant: &TenantId,
        key: &TenantDataKey,
        before: &SealedSecrets,
        after: &SealedSecrets,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let same = Expr::new("#wrapped = :wrapped").name("#wrapped", "wrapped").value(":wrapped", b(&key.wrapped));
        let writes = [
            TenantSecrets::replace(tenant, before, after)?,
            Write::check(TenantDataKey::WHAT, Key::in_tenant(tenant, TenantDataKey::SK), same),
        ];
        let overtaken = |reason: &Reason| matches!(reason, Reason::Condition(_) | Reason::Race);
        match self.transact(&writes, audit, &after.version.to_string()).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons) if reasons.iter().take(writes.len()).any(overtaken) => Ok(false),
            Ended::Cancelled(reasons) => Err(refusal(&writes, &reasons)),
        }
    }

    /// Takes the mark away: whoever listens has been told of this version.
    pub async fn pool_secrets_announced(&self, tenant: &TenantId, version: u64) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(Key::in_tenant(tenant, TenantSecrets::SK).attributes()))
            .update_expression("REMOVE unannounced")
            .condition_expression("version = :version")
            .expression_attribute_values(":version", n(version));
        match Box::pin(update.send()).await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // A later version has a mark of its own.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(error.into()),
            },
        }
    }
}
