//! When an API key was last used, to the hour, in the table of counts: nothing that a restore would need.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, KeysAndAttributes},
};
use domain::{ApiKeyId, TenantId};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Limits, StoreError,
    item::{n, s},
};

/// How exactly it is known, and so how often it is written at most.
pub const KEY_USE_GRAIN: SignedDuration = SignedDuration::from_hours(1);
/// Longer than any key lives.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
const AT: &str = "used_at";

fn place(tenant: &TenantId, key: &ApiKeyId) -> String {
    format!("api-key-used#{tenant}#{key}")
}

impl Limits {
    /// Notes that the key is used now, unless the last hour has such a note. One write, or none.
    pub async fn note_key_use(&self, tenant: &TenantId, key: &ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        let due = now.saturating_sub(KEY_USE_GRAIN).unwrap_or(Timestamp::MIN);
        let forgotten = now.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", s(place(tenant, key)))
            .update_expression("SET #at = :now, #ttl = :ttl")
            .condition_expression("attribute_not_exists(#at) OR #at <= :due")
            .expression_attribute_names("#at", AT)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(now.as_millisecond()))
            .expression_attribute_values(":due", n(due.as_millisecond()))
            .expression_attribute_values(":ttl", n(forgotten.as_second()));
        match Box::pin(update.send()).await {
            Err(error)
                if !matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) =>
            {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// When each of these was last used; who is not in the answer never was. At most a hundred: one `BatchGetItem`, eventually
    /// consistent, since it is known to the hour.
    pub async fn key_uses(
        &self,
        tenant: &TenantId,
        keys: &[&ApiKeyId],
    ) -> Result<BTreeMap<ApiKeyId, Timestamp>, StoreError> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let by_place: HashMap<String, &ApiKeyId> = keys.iter().map(|key| (place(tenant, key), *key)).collect();
        let wanted = by_place.keys().map(|place| HashMap::from([("pk".to_owned(), s(place))])).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(wanted)).build()?;
        let get = self.client.batch_get_item().request_items(&self.table, wanted);
        let answer = Box::pin(get.send()).await?;
        if answer.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
            return Err(StoreError::busy("DynamoDB left keys unread"));
        }
        let found = answer.responses.unwrap_or_default().into_values().flatten();
        let used = |item: HashMap<String, AttributeValue>| {
            let key = by_place.get(item.get("pk")?.as_s().ok()?)?;
            let at = item.get(AT)?.as_n().ok()?.parse().ok()?;
            Some(((*key).clone(), Timestamp::from_millisecond(at).ok()?))
        };
        Ok(found.filter_map(used).collect())
    }
}
