//! `GET /api/v1/tenants/{tenant_id}`: one tenant, for its own people and for who runs the platform. One strong read, two where
//! it is not open.

use domain::Permission;
use lambda::http::{Access, Cx, Json, Policy, Rate, Reply, Route, Scope};
use store::Store;

use crate::{
    answer::Answer,
    change::{Error, tenant_of},
};

/// The route.
pub struct Read;

impl Route for Read {
    const POLICY: Policy = Policy::read(
        "tenants-read",
        "See a tenant",
        "/api/v1/tenants/{tenant_id}",
        Access::Permission(Permission::TenantRead, Scope::Tenant),
        Rate::General,
    );
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let tenant = store.tenant(&tenant_of(&cx)?).await?.ok_or(Error::NotFound)?;
        Ok(Reply::json(Answer::read(store, tenant).await?))
    }
}
