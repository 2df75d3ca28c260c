//! `POST /api/v1/tenants/{tenant_id}/suspend`: closes a READY tenant, with a reason, for everybody in it and from their next request
//! on. Nothing of it is changed. Two reads and one transaction.

use domain::{Action, Permission, Reason};
use http::Method;
use lambda::http::{
    Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope,
    Unknown, kinds,
};
use serde::Deserialize;
use store::{Store, Suspension};
use utoipa::ToSchema;

use crate::{
    answer::Answer,
    change::{Error, audit, moved, tenant_of},
};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = SuspensionRequest)]
pub struct Request {
    /// For the operators and the audit log.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 10, max_length = 500)]
    reason: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<Reason, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let reason = errors.require("reason", self.reason);
        let reason = reason.and_then(|text| Reason::parse(&text).map_err(|rule| errors.push(rule.at("/reason"))).ok());
        errors.finish(reason.ok_or_else(Vec::new))
    }
}

/// The route.
pub struct Suspend;

impl Route for Suspend {
    const POLICY: Policy = Policy {
        operation: "tenants-suspend",
        summary: "Close a tenant for the time being",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/suspend",
        access: Access::Permission(Permission::TenantUpdate, Scope::Platform),
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::WRONG_STATE],
    };
    type Deps = Store;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(store: &Store, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let reason = request.parse()?;
        let tenant = tenant_of(&cx)?;
        let mut audit = audit(&cx, &tenant, Action::TenantSuspended);
        audit.entry.after = audit.entry.after.with("reason", &reason);
        let suspension = Suspension { reason, by: cx.caller.actor(), at: cx.now };
        moved(store.suspend(&tenant, &suspension, &audit).await?, "READY")
    }
}
