//! The tenants that have a certain record. There is no index of tenants to forget one in: a scan reads the whole table, at
//! one read unit for 4 KB, strongly consistent.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::TenantId;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError, TenantRecord,
    item::{Item, s},
    keys::Key,
};

/// How many items one request of a scan looks at, so that a page of tenants stays small.
const LOOKS_AT: i32 = 200;
/// How many requests a page may take: a few seconds' worth, where no tenant is found.
const REQUESTS: usize = 40;
/// As soon as this many tenants are found, the page is full.
const TENANTS: usize = 25;

/// A place in the table. It may name anything that is kept there, so it stays there and is not handed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pk: String,
    sk: String,
}

/// Some of the tenants that were looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantsPage {
    /// Which.
    pub tenants: Vec<TenantId>,
    /// Where to go on; none at the end of the table.
    pub next: Option<Cursor>,
}

/// What the record has to be like.
pub(crate) struct Wanted {
    pub(crate) filter: String,
    pub(crate) names: Vec<(&'static str, &'static str)>,
    pub(crate) values: Vec<(String, AttributeValue)>,
}

impl Store {
    /// The next tenants whose record of that kind is as wanted.
    pub(crate) async fn tenants_with<R: TenantRecord>(
        &self,
        wanted: &Wanted,
        from: Option<Cursor>,
    ) -> Result<TenantsPage, StoreError> {
        let mut page = TenantsPage { tenants: Vec::new(), next: from };
        for _ in 0..REQUESTS {
            let mut scan = self
                .client
                .scan()
                .table_name(&self.tables.core)
                .consistent_read(true)
                .limit(LOOKS_AT)
                .filter_expression(format!("sk = :sk AND ({})", wanted.filter))
                .projection_expression("pk")
                .expression_attribute_values(":sk", s(R::SK));
            for (name, meant) in &wanted.names {
                scan = scan.expression_attribute_names(*name, *meant);
            }
            for (name, value) in &wanted.values {
                scan = scan.expression_attribute_values(name, value.clone());
            }
            let start = page.next.take().map(|Cursor { pk, sk }| Key { pk, sk }.attributes());
            let found = Box::pin(scan.set_exclusive_start_key(start).send()).await?;
            page.tenants.extend(found.items().iter().filter_map(tenant_of));
            page.next = found.last_evaluated_key().and_then(Key::of).map(|Key { pk, sk }| Cursor { pk, sk });
            if page.next.is_none() || page.tenants.len() >= TENANTS {
                break;
            }
        }
        Ok(page)
    }
}

fn tenant_of(item: &Item) -> Option<TenantId> {
    TenantId::parse(item.get("pk")?.as_s().ok()?.strip_prefix("T#")?).ok()
}
