//! `POST /api/v1/tenants/{tenant_id}/restore`: takes back that a tenant was given up, until its removal begins. For the platform: nobody
//! is signed in to such a tenant. Two reads and one transaction.

use domain::{Action, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Rate, Reply, Route, Scope, kinds};
use store::Store;

use crate::{
    answer::Answer,
    change::{Error, audit, moved, tenant_of},
};

/// The route.
pub struct Restore;

impl Route for Restore {
    const POLICY: Policy = Policy {
        operation: "tenants-restore",
        summary: "Take back that a tenant was given up",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/restore",
        access: Access::Permission(Permission::TenantUpdate, Scope::Platform),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::WRONG_STATE],
    };
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let tenant = tenant_of(&cx)?;
        let audit = audit(&cx, &tenant, Action::TenantRestored);
        moved(store.restore(&tenant, &audit).await?, "DEPROVISIONING, before the removal begins")
    }
}
