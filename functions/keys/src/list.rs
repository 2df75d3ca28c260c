//! `GET /api/v1/tenants/{tenant_id}/api-keys`: the tenant's keys without their secrets, by id. One `Query` and one
//! `BatchGetItem` beside the door's read.

use domain::{ApiKeyId, Permission};
use lambda::http::{Access, Cx, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    entry,
    keeper::{Keeper, tenant_of},
};

/// One page.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyList)]
pub struct Answer {
    items: Vec<entry::Answer>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// The route.
pub struct List;

impl Route for List {
    const POLICY: Policy = Policy::read(
        "keys-list",
        "List a tenant's API keys",
        "/api/v1/tenants/{tenant_id}/api-keys",
        Access::Permission(Permission::ApiKeyRead, Scope::Tenant),
        Rate::General,
    );
    const PAGED: bool = true;
    type Deps = Keeper;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(keeper: &Keeper, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let (tenant, Listing { limit, after }) = (tenant_of(&cx)?, cx.listing::<ApiKeyId>()?);
        let (records, last) = keeper.store.api_keys(&tenant, after.as_ref(), limit).await?;
        let items = keeper.shown(&tenant, records, &cx).await?;
        Ok(Reply::json(Answer { items, next_cursor: last.as_ref().map(cursor) }))
    }
}
