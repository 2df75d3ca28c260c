//! `POST /api/v1/tenants/{tenant_id}/activate`: opens a suspended tenant. Whoever was disabled in it alone stays so. Two reads and one
//! transaction.

use domain::{Action, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Rate, Reply, Route, Scope, kinds};
use store::Store;

use crate::{
    answer::Answer,
    change::{Error, audit, moved, tenant_of},
};

/// The route.
pub struct Activate;

impl Route for Activate {
    const POLICY: Policy = Policy {
        operation: "tenants-activate",
        summary: "Open a suspended tenant",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/activate",
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
        let audit = audit(&cx, &tenant, Action::TenantResumed);
        moved(store.resume(&tenant, &audit).await?, "SUSPENDED")
    }
}
