//! The audit entry that every change carries into its transaction. The table is append-only: a put, never onto another.

use std::{fmt, str::FromStr};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::{AuditEntry, Plan, Rule, TenantId};
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    item::{Item, item, n, read, s},
    keys::{Key, hex_digest, tenant_partition},
    transact::{Expr, Write},
};

/// Entries without a tenant's plan are kept as long as the longest plan keeps its own.
const LONGEST: Plan = Plan::Enterprise;

const DAY: i64 = 86_400;

/// An audit entry and how long it is kept.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Who did what to whom, under which request.
    pub entry: AuditEntry,
    /// What else the same transaction did.
    more: Vec<AuditEntry>,
    plan: Plan,
}

/// Where in a tenant's audit log one goes on: after the entry whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPosition(String);

impl fmt::Display for AuditPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AuditPosition {
    type Err = Rule;

    fn from_str(text: &str) -> Result<Self, Rule> {
        let is_time = |time: &str| time.parse::<Timestamp>().is_ok();
        let is_digest = |digest: &str| digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text.split_once('#') {
            Some((time, digest)) if is_time(time) && is_digest(digest) => Ok(Self(text.to_owned())),
            _ => Err(Rule::new("invalid", "is no place in the audit log")),
        }
    }
}

impl From<AuditEntry> for Audit {
    fn from(entry: AuditEntry) -> Self {
        Self { entry, more: Vec::new(), plan: LONGEST }
    }
}

impl Audit {
    /// Keeps the entry for as long as the plan promises; without this, for as long as the longest does. Calls that read
    /// or write the tenant's record do this themselves.
    #[must_use]
    pub fn kept_for(self, plan: Plan) -> Self {
        Self { plan, ..self }
    }

    /// Another entry of the same transaction.
    #[must_use]
    pub fn and(mut self, entry: AuditEntry) -> Self {
        self.more.push(entry);
        self
    }

    /// An entry about that tenant, whatever the caller wrote there.
    pub(crate) fn about(mut self, tenant: &TenantId, plan: Plan) -> Self {
        self.entry.tenant = Some(tenant.clone());
        self.kept_for(plan)
    }

    /// `salt` tells apart two entries of the same content: the key of what was changed, with its version where it has one.
    pub(crate) fn writes(&self, salt: &str) -> Result<Vec<Write>, StoreError> {
        let write = |entry: &AuditEntry| {
            let key = key_of(entry, salt);
            let stored = self.item(entry, &key)?;
            Ok(Write::put("audit entry", key, stored).when(Expr::absent()))
        };
        std::iter::once(&self.entry).chain(&self.more).map(write).collect()
    }

    fn item(&self, entry: &AuditEntry, key: &Key) -> Result<Item, StoreError> {
        let mut stored = item("audit entry", key, entry)?;
        let kept = i64::from(self.plan.limits().audit_retention_days) * DAY;
        stored.insert("ttl".to_owned(), n(entry.at.as_second() + kept));
        Ok(stored)
    }
}

fn key_of(entry: &AuditEntry, salt: &str) -> Key {
    let digest = hex_digest(&[salt, &format!("{entry:?}")].map(str::as_bytes));
    Key {
        pk: entry.tenant.as_ref().map_or_else(|| "PLATFORM".to_owned(), tenant_partition),
        sk: format!("{:.3}#{}", entry.at, &digest[..16]),
    }
}

impl Store {
    /// Some of a tenant's entries from before `until`, oldest first, and where to go on if there are more: one strongly
    /// consistent Query of at most 1 MB.
    pub async fn audit_page(
        &self,
        tenant: &TenantId,
        after: Option<&AuditPosition>,
        until: Timestamp,
    ) -> Result<(Vec<AuditEntry>, Option<AuditPosition>), StoreError> {
        let pk = tenant_partition(tenant);
        let start = after.map(|after| Key { pk: pk.clone(), sk: after.0.clone() }.attributes());
        let query = self
            .client
            .query()
            .table_name(&self.tables.audit)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk < :until")
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":until", s(format!("{until:.3}")))
            .set_exclusive_start_key(start);
        let page = Box::pin(query.send()).await?;
        let next = page.last_evaluated_key.as_ref().and_then(Key::of).map(|key| AuditPosition(key.sk));
        let found = page.items.unwrap_or_default().into_iter();
        Ok((found.map(|item| read("audit entry", item)).collect::<Result<_, _>>()?, next))
    }

    /// Writes an entry about something that changed nothing, such as a look at a secret. Its key is a digest of the entry,
    /// so one that is there already is this one, whose first answer got lost.
    pub async fn note(&self, audit: &Audit, salt: &str) -> Result<(), StoreError> {
        let key = key_of(&audit.entry, salt);
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.audit)
            .set_item(Some(audit.item(&audit.entry, &key)?))
            .condition_expression("attribute_not_exists(pk)");
        match Box::pin(put.send()).await {
            Err(error)
                if !error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }
}
