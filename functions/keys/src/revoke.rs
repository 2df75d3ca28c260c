//! `DELETE /api/v1/tenants/{tenant_id}/api-keys/{key_id}`: from the next request on the key opens nothing. One transaction
//! beside the door's read. It asks for no recent proof: who sees a key misused is not sent to sign in first.

use domain::{Action, ApiKeyId, Facts, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, Scope, kinds};

use crate::keeper::{Keeper, tenant_of};

/// The route.
pub struct Revoke;

impl Route for Revoke {
    const POLICY: Policy = Policy {
        operation: "keys-revoke",
        summary: "Revoke an API key",
        method: Method::DELETE,
        path: "/api/v1/tenants/{tenant_id}/api-keys/{key_id}",
        access: Access::Permission(Permission::ApiKeyManage, Scope::Tenant),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[],
    };
    type Deps = Keeper;
    type Body = ();
    type Answer = ();
    type Error = Problem;

    async fn handle(keeper: &Keeper, cx: Cx, (): ()) -> Result<Reply<()>, Problem> {
        let (tenant, key) = (tenant_of(&cx)?, cx.path::<ApiKeyId>("key_id")?);
        let before = Facts::new().with("key_id", &key);
        let entry = cx.audit(Action::ApiKeyRevoked, Some(tenant.clone()), before, Facts::new());
        let revoked = keeper.store.revoke_api_key(&tenant, &key, &entry.into()).await?;
        if revoked { Ok(Reply::new(())) } else { Err(Problem::new(&kinds::NOT_FOUND)) }
    }
}
