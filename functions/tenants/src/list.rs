//! `GET /api/v1/tenants`: all tenants, by name, for who runs the platform. One Query of half a read unit for each 16 tenants;
//! with a filter at most eight Queries of 1 000 tenants each, and a page that may be short of what was asked for.

use domain::{CompanyName, Permission, Plan, Region, Rule, TenantId, TenantStatus};
use jiff::Timestamp;
use lambda::http::{
    Access, Cx, Filter, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor, not_a_cursor,
};
use serde::Serialize;
use store::{Store, TenantEntry, TenantFilter};
use utoipa::ToSchema;

const FILTERS: &[Filter] = &[
    Filter { name: "status", about: "Only tenants that stand so, such as READY." },
    Filter { name: "plan", about: "Only tenants with this plan." },
    Filter { name: "region", about: "Only tenants in this region." },
    Filter { name: "subdomain_prefix", about: "Only tenants whose subdomain begins so." },
];

/// One page.
#[derive(Serialize, ToSchema)]
#[schema(as = TenantList)]
pub struct Answer {
    /// In the order of their ids. With a filter there may be fewer than `limit`, even none, and more to come.
    items: Vec<Entry>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// A tenant in the list.
#[derive(Serialize, ToSchema)]
#[schema(as = TenantEntry)]
struct Entry {
    #[schema(example = "tenant-demo-1f2e3d4c")]
    tenant_id: String,
    #[schema(value_type = String)]
    company_name: CompanyName,
    subdomain: String,
    plan: &'static str,
    region: String,
    status: &'static str,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<TenantEntry> for Entry {
    fn from(entry: TenantEntry) -> Self {
        Self {
            tenant_id: entry.tenant_id.to_string(),
            subdomain: entry.tenant_id.subdomain().to_string(),
            company_name: entry.company_name,
            plan: entry.plan.as_str(),
            region: entry.region.to_string(),
            status: entry.status.as_str(),
            created_at: entry.created_at,
        }
    }
}

/// The route.
pub struct List;

impl Route for List {
    const POLICY: Policy = Policy::read(
        "tenants-list",
        "List the tenants of the platform",
        "/api/v1/tenants",
        Access::Permission(Permission::TenantRead, Scope::Platform),
        Rate::General,
    );
    const PAGED: bool = true;
    const FILTERS: &'static [Filter] = FILTERS;
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let Listing { limit, after } = cx.filtered::<TenantId>(FILTERS)?;
        let filter = TenantFilter {
            status: cx.filter("status", TenantStatus::parse)?,
            plan: cx.filter("plan", Plan::parse)?,
            region: cx.filter("region", Region::parse)?,
            subdomain_prefix: cx.filter("subdomain_prefix", beginning)?,
        };
        let is_outside = |after: &TenantId| !after.as_str().starts_with(&filter.id_prefix());
        if after.as_ref().is_some_and(is_outside) {
            return Err(not_a_cursor());
        }
        let page = store.tenants(&filter, after.as_ref(), limit).await?;
        let items = page.tenants.into_iter().map(Entry::from).collect();
        Ok(Reply::json(Answer { items, next_cursor: page.next.as_ref().map(cursor) }))
    }
}

/// What a subdomain can begin with: 1 to 30 of its characters.
fn beginning(text: &str) -> Result<String, Rule> {
    let fits = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) && (1..=30).contains(&text.len());
    if fits { Ok(text.to_owned()) } else { Err(Rule::new("invalid", "takes 1 to 30 of a-z, 0-9 and `-`")) }
}
