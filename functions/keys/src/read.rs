//! `GET /api/v1/tenants/{tenant_id}/api-keys/{key_id}`: one key without its secret. Two reads beside the door's.

use domain::{ApiKeyId, Permission};
use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds};

use crate::{
    entry,
    keeper::{Keeper, tenant_of},
};

/// The route.
pub struct Read;

impl Route for Read {
    const POLICY: Policy = Policy::read(
        "keys-read",
        "Look at an API key",
        "/api/v1/tenants/{tenant_id}/api-keys/{key_id}",
        Access::Permission(Permission::ApiKeyRead, Scope::Tenant),
        Rate::General,
    );
    type Deps = Keeper;
    type Body = ();
    type Answer = Json<entry::Answer>;
    type Error = Problem;

    async fn handle(keeper: &Keeper, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let (tenant, key) = (tenant_of(&cx)?, cx.path::<ApiKeyId>("key_id")?);
        let (record, used) = keeper.found(&tenant, &key).await?.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?;
        Ok(Reply::json(entry::Answer::of(keeper.kind, &tenant, record, used, cx.now)))
    }
}
