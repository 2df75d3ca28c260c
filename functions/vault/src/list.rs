//! `GET /api/v1/vault`: what there is, without the values, by name. One `Query` beside the door's read.

use domain::{Permission, VaultName};
use lambda::http::{Access, Cx, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    entry,
    keeper::{Keeper, tenant_of},
};

/// One page.
#[derive(Serialize, ToSchema)]
#[schema(as = VaultList)]
pub struct Answer {
    /// In the order of the names' bytes.
    items: Vec<entry::Answer>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// The route.
pub struct List;

impl Route for List {
    const POLICY: Policy = Policy::read(
        "vault-list",
        "List what is in the vault, without the values",
        "/api/v1/vault",
        Access::Permission(Permission::VaultManage, Scope::Own),
        Rate::General,
    );
    const PAGED: bool = true;
    type Deps = Keeper;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(keeper: &Keeper, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let (tenant, Listing { limit, after }) = (tenant_of(&cx)?, cx.listing::<VaultName>()?);
        let (entries, last) = keeper.store.vault_entries(&tenant, after.as_ref(), limit).await?;
        let items = entries.into_iter().map(Into::into).collect();
        Ok(Reply::json(Answer { items, next_cursor: last.as_ref().map(cursor) }))
    }
}
