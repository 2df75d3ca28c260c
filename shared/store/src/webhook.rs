//! A tenant's webhooks: an item each, and one for each version of its signing secret.
//!
//! The sealed secrets lie among the values of the vault, under names that no value can have. So the re-seal moves them as it
//! moves those, and as with those no transaction stores one under a data key that is not the tenant's any more.

use std::collections::BTreeSet;

use domain::{Actor, Quota, TenantId, WebhookDelivery, WebhookEvent, WebhookId, WebhookUrl};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, IdempotencyRecord, Kept, Store, StoreError, TenantDataKey, TenantRecord,
    item::{attribute, b, item, n, read, s},
    keys::{Key, WEBHOOKS, tenant_partition},
    quota,
    reads::How,
    transact::{Expr, Write},
};

const WHAT: &str = "webhook";
const SECRET: &str = "webhook's secret";

/// A webhook as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Which one.
    pub webhook_id: WebhookId,
    /// Where it is.
    pub url: WebhookUrl,
    /// What it hears of.
    pub events: BTreeSet<WebhookEvent>,
    /// Which signing secret is in use: incremented by every rotation.
    pub version: u64,
    /// Until then messages are signed with the one before, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Actor,
    /// How the last message to it fared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<WebhookDelivery>,
}

/// A signing secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecret {
    /// Which one.
    pub version: u64,
    /// Opaque to the store.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
}

impl Webhook {
    /// The versions of the secret that sign now, the one in use first.
    fn versions(&self, now: Timestamp) -> Vec<u64> {
        let former = self.former_until.filter(|until| now < *until).map(|_| self.version - 1);
        std::iter::once(self.version).chain(former).collect()
    }
}

impl Store {
    /// Keeps a new webhook, where the tenant is READY and its plan has room for it. One transaction of five or six items.
    ///
    /// # Errors
    /// A conflict of the data key where that was renewed since it was read: seal again.
    pub async fn create_webhook(
        &self,
        tenant: &TenantId,
        webhook: &Webhook,
        secret: &WebhookSecret,
        under: &TenantDataKey,
        saved: Option<&IdempotencyRecord>,
        audit: &Audit,
    ) -> Result<Kept, StoreError> {
        let writes = vec![
            put(tenant, webhook)?.when(Expr::absent()),
            put_secret(tenant, webhook, secret)?,
            same_key(tenant, under),
            quota::one_more(tenant, Quota::Webhooks),
        ];
        self.keep(writes, saved, audit, webhook.webhook_id.as_str()).await
    }

    /// Puts another signing secret in the place of the one in use, which signs beside it for a while; the one before that is
    /// deleted. False where another one was put there, the webhook is gone or the data key was renewed: look again. One
    /// transaction of five items.
    pub async fn rotate_webhook(
        &self,
        tenant: &TenantId,
        rotated: &Webhook,
        secret: &WebhookSecret,
        under: &TenantDataKey,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let update = "SET version = :next, former_until = :until";
        let same = at_version(rotated.version - 1)
            .value(":next", n(rotated.version))
            .value(":until", attribute(WHAT, &rotated.former_until)?);
        let mut writes = vec![
            Write::update(WHAT, Key::webhook(tenant, &rotated.webhook_id), update, same),
            put_secret(tenant, rotated, secret)?,
            same_key(tenant, under),
        ];
        if rotated.version > 2 {
            writes.push(Write::delete(SECRET, Key::webhook_secret(tenant, &rotated.webhook_id, rotated.version - 2)));
        }
        self.commit_if(&writes, audit, &format!("{}#{}", rotated.webhook_id, rotated.version)).await
    }

    /// Deletes a webhook and its secrets. False where it is gone, or has another secret since it was read. One transaction of
    /// up to five items.
    pub async fn delete_webhook(
        &self,
        tenant: &TenantId,
        webhook: &Webhook,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let id = &webhook.webhook_id;
        let mut writes = vec![Write::delete(WHAT, Key::webhook(tenant, id)).when(at_version(webhook.version))];
        for version in webhook.version.saturating_sub(1).max(1)..=webhook.version {
            writes.push(Write::delete(SECRET, Key::webhook_secret(tenant, id, version)));
        }
        writes.push(quota::one_less(tenant, Quota::Webhooks));
        self.commit_if(&writes, audit, id.as_str()).await
    }

    /// One of the tenant's webhooks.
    pub async fn webhook(&self, tenant: &TenantId, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.record(WHAT, &Key::webhook(tenant, id)).await
    }

    /// A page of the tenant's webhooks, by id, and the id to go on after if there are more. One `Query`.
    pub async fn webhooks(
        &self,
        tenant: &TenantId,
        after: Option<&WebhookId>,
        limit: u16,
    ) -> Result<(Vec<Webhook>, Option<WebhookId>), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :webhooks)")
            .expression_attribute_values(":pk", s(tenant_partition(tenant)))
            .expression_attribute_values(":webhooks", s(WEBHOOKS))
            .set_exclusive_start_key(after.map(|id| Key::webhook(tenant, id).attributes()))
            .limit(i32::from(limit));
        let page = Box::pin(query.send()).await?;
        let more = page.last_evaluated_key.is_some();
        let found = page.items.unwrap_or_default().into_iter();
        let webhooks = found.map(|item| read(WHAT, item)).collect::<Result<Vec<Webhook>, _>>()?;
        let next = webhooks.last().filter(|_| more).map(|webhook| webhook.webhook_id.clone());
        Ok((webhooks, next))
    }

    /// The secrets that sign for the webhook now, that in use first, with the data key that opens them: one `BatchGetItem`,
    /// strongly consistent.
    pub async fn webhook_secrets(
        &self,
        tenant: &TenantId,
        webhook: &Webhook,
        now: Timestamp,
    ) -> Result<(Option<TenantDataKey>, Vec<WebhookSecret>), StoreError> {
        let versions = webhook.versions(now);
        let mut keys = vec![data_key(tenant)];
        keys.extend(versions.iter().map(|version| Key::webhook_secret(tenant, &webhook.webhook_id, *version)));
        let mut found = self.batch(&keys, How::STRONG).await?;
        let mut secrets = Vec::new();
        for key in &keys[1..] {
            secrets.extend(found.remove(&key.sk).map(|item| read(SECRET, item)).transpose()?);
        }
        let key = found.remove(&keys[0].sk).map(|item| read(TenantDataKey::WHAT, item)).transpose()?;
        Ok((key, secrets))
    }

    /// Notes how a message to the webhook fared, if there still is one. One write; whoever reads it wants the last.
    pub async fn note_delivery(
        &self,
        tenant: &TenantId,
        webhook: &WebhookId,
        delivery: &WebhookDelivery,
    ) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(Key::webhook(tenant, webhook).attributes()))
            .update_expression("SET delivered = :delivery")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":delivery", attribute(WHAT, delivery)?);
        match Box::pin(update.send()).await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn put(tenant: &TenantId, webhook: &Webhook) -> Result<Write, StoreError> {
    let key = Key::webhook(tenant, &webhook.webhook_id);
    let stored = item(WHAT, &key, webhook)?;
    Ok(Write::put(WHAT, key, stored))
}

fn put_secret(tenant: &TenantId, webhook: &Webhook, secret: &WebhookSecret) -> Result<Write, StoreError> {
    let key = Key::webhook_secret(tenant, &webhook.webhook_id, secret.version);
    let stored = item(SECRET, &key, secret)?;
    Ok(Write::put(SECRET, key, stored))
}

fn data_key(tenant: &TenantId) -> Key {
    Key::in_tenant(tenant, TenantDataKey::SK)
}

/// The key that the secret is sealed under is still the tenant's.
fn same_key(tenant: &TenantId, under: &TenantDataKey) -> Write {
    let same = Expr::new("#wrapped = :wrapped").name("#wrapped", "wrapped").value(":wrapped", b(&under.wrapped));
    Write::check(TenantDataKey::WHAT, data_key(tenant), same)
}

fn at_version(version: u64) -> Expr {
    Expr::new("version = :version").value(":version", n(version))
}
