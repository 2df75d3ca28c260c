//! All tenants, for the platform: one small item each in one partition, in the order of their names.
//!
//! Listing items and not an index: an index would copy the whole record with every step of provisioning (its status is
//! inside), or need the status a second time in it; an item is written only where what it shows changes, in the same
//! transaction, and is never behind. Two write units for each of about five changes in a tenant's life.

use domain::{CompanyName, Plan, Region, Subdomain, TenantId, TenantStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError, Tenant,
    item::{Item, item, read, s},
    keys::{Key, TENANTS},
    transact::{Expr, Write},
};

/// Items that one Query looks at where most may not be wanted: about 250 KB, 31 eventually consistent read units.
const LOOKED_AT: i32 = 1_000;
/// Queries for one page. A filter that finds little costs so much and no more, and the page is short.
const QUERIES: usize = 8;

/// A tenant in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantEntry {
    /// Its id.
    pub tenant_id: TenantId,
    /// Its company.
    pub company_name: CompanyName,
    /// What it pays for.
    pub plan: Plan,
    /// Where it lives.
    pub region: Region,
    /// Where it stands.
    pub status: TenantStatus,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// Which tenants to list; what is none is not looked at.
#[derive(Debug, Clone, Default)]
pub struct TenantFilter {
    /// Those that stand so.
    pub status: Option<TenantStatus>,
    /// Those with this plan.
    pub plan: Option<Plan>,
    /// Those in this region.
    pub region: Option<Region>,
    /// Those whose subdomain begins with this text.
    pub subdomain_prefix: Option<String>,
}

/// A page of tenants, in the order of their ids. It may be shorter than asked for, even empty, and not be the last.
#[derive(Debug)]
pub struct TenantPage {
    /// The tenants.
    pub tenants: Vec<TenantEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<TenantId>,
}

/// The entry of a new tenant.
pub(crate) fn enlist(tenant: &Tenant) -> Result<Write, StoreError> {
    let key = Key::tenant_entry(&tenant.tenant_id);
    let entry = entry(tenant, tenant.provisioning.status())?;
    Ok(Write::put("tenant entry", key, entry))
}

/// The tenant's entry in place of the one before. The condition on the tenant's own record keeps late ones out. An update,
/// so that a step needs no right to put.
pub(crate) fn listed(tenant: &Tenant, status: TenantStatus) -> Result<Write, StoreError> {
    let key = Key::tenant_entry(&tenant.tenant_id);
    let (mut expr, mut sets) = (Expr::default(), Vec::new());
    for (name, value) in entry(tenant, status)?.into_iter().filter(|(name, _)| !["pk", "sk"].contains(&name.as_str())) {
        sets.push(format!("#{name} = :{name}"));
        expr = expr.name(&format!("#{name}"), &name).value(&format!(":{name}"), value);
    }
    Ok(Write::update("tenant entry", key, &format!("SET {}", sets.join(", ")), expr))
}

fn entry(tenant: &Tenant, status: TenantStatus) -> Result<Item, StoreError> {
    let entry = TenantEntry {
        tenant_id: tenant.tenant_id.clone(),
        company_name: tenant.company_name.clone(),
        plan: tenant.plan,
        region: tenant.region.clone(),
        status,
        created_at: tenant.provisioning.created_at(),
    };
    item("tenant entry", &Key::tenant_entry(&tenant.tenant_id), &entry)
}

impl TenantFilter {
    /// What DynamoDB leaves out.
    fn expression(&self) -> Option<Expr> {
        let mut wanted = Vec::new();
        let mut expr = Expr::default();
        let fields = [
            ("status", self.status.map(|status| status.to_string())),
            ("plan", self.plan.map(|plan| plan.to_string())),
            ("region", self.region.as_ref().map(ToString::to_string)),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                expr = expr.name(&format!("#{name}"), name).value(&format!(":{name}"), s(value));
                wanted.push(format!("#{name} = :{name}"));
            }
        }
        (!wanted.is_empty()).then(|| Expr { text: wanted.join(" AND "), ..expr })
    }

    /// How the ids of the tenants that it takes begin.
    #[must_use]
    pub fn id_prefix(&self) -> String {
        format!("tenant-{}", self.subdomain_prefix.as_deref().unwrap_or_default())
    }

    /// An id goes on after the subdomain, so its beginning may be more than the subdomain's.
    fn takes(&self, subdomain: &Subdomain) -> bool {
        self.subdomain_prefix.as_ref().is_none_or(|prefix| subdomain.as_str().starts_with(prefix))
    }
}

impl Store {
    /// A page of the tenants after `after`, which the filter takes by its beginning. One eventually consistent Query without a filter, at most eight with one.
    pub async fn tenants(
        &self,
        filter: &TenantFilter,
        after: Option<&TenantId>,
        limit: u16,
    ) -> Result<TenantPage, StoreError> {
        let wanted = usize::from(limit);
        let expression = filter.expression();
        let looked_at = if expression.is_some() { LOOKED_AT } else { i32::from(limit) };
        let mut tenants: Vec<TenantEntry> = Vec::new();
        let mut start = after.cloned();
        for _ in 0..QUERIES {
            let Expr { text, names, values } = expression.clone().unwrap_or_default();
            let query = self
                .client
                .query()
                .table_name(&self.tables.core)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .set_filter_expression(Some(text).filter(|text| !text.is_empty()))
                .set_expression_attribute_names(Some(names).filter(|names| !names.is_empty()))
                .set_expression_attribute_values(Some(values))
                .expression_attribute_values(":pk", s(TENANTS))
                .expression_attribute_values(":prefix", s(filter.id_prefix()))
                .set_exclusive_start_key(start.as_ref().map(|last| Key::tenant_entry(last).attributes()))
                .limit(looked_at);
            let page = Box::pin(query.send()).await?;
            for item in page.items.unwrap_or_default() {
                let entry: TenantEntry = read("tenant entry", item)?;
                if filter.takes(&entry.tenant_id.subdomain()) {
                    tenants.push(entry);
                }
            }
            start = page.last_evaluated_key.as_ref().and_then(Key::of).and_then(|key| TenantId::parse(&key.sk).ok());
            if tenants.len() > wanted {
                tenants.truncate(wanted);
                start = tenants.last().map(|last| last.tenant_id.clone());
            }
            if start.is_none() || tenants.len() == wanted {
                break;
            }
        }
        Ok(TenantPage { tenants, next: start })
    }
}
