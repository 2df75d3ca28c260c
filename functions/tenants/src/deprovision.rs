//! `DELETE /api/v1/tenants/{tenant_id}`: gives a tenant up. It is closed at once, can be restored for 30 days, and is removed for good
//! then. Asks for a recent proof of who calls. Two reads and one transaction.

use domain::{Action, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Rate, Reply, Route, Scope, StepUp, kinds};
use store::Store;

use crate::{
    answer::Answer,
    change::{Error, audit, moved, tenant_of},
};

/// The route.
pub struct Deprovision;

impl Route for Deprovision {
    const POLICY: Policy = Policy {
        operation: "tenants-deprovision",
        summary: "Give a tenant up; it is removed after 30 days",
        method: Method::DELETE,
        path: "/api/v1/tenants/{tenant_id}",
        access: Access::SteppedUp {
            by: StepUp::FactorOrPassword,
            permission: Some((Permission::TenantDelete, Scope::Tenant)),
        },
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 202,
        problems: &[&kinds::WRONG_STATE],
    };
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let tenant = tenant_of(&cx)?;
        let audit = audit(&cx, &tenant, Action::TenantDeprovisioned);
        let order = store.deprovision(&tenant, &cx.caller.actor(), &audit).await?;
        moved(order, "READY, SUSPENDED or FAILED")
    }
}
