//! `PATCH /api/v1/tenants/{tenant_id}`: another name for the tenant's company. Subdomain and region are for ever, and the plan has
//! a route of its own. One read and one transaction.

use domain::{Action, CompanyName, Permission};
use http::Method;
use lambda::http::{
    Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope,
    Unknown, kinds,
};
use serde::Deserialize;
use store::Store;
use utoipa::ToSchema;

use crate::{
    answer::Answer,
    change::{Error, audit, changed, tenant_of},
};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = TenantChange)]
pub struct Request {
    /// The one that the change was decided on.
    #[serde(default)]
    #[schema(value_type = u64, required)]
    version: Field<u64>,
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 2, max_length = 100)]
    company_name: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<(u64, CompanyName), Problem> {
        let mut errors = Errors::of(&self.unknown);
        let version = errors.require("version", self.version);
        let name = errors.require("company_name", self.company_name);
        let name = name.and_then(|n| CompanyName::parse(&n).map_err(|rule| errors.push(rule.at("/company_name"))).ok());
        errors.finish(version.zip(name).ok_or_else(Vec::new))
    }
}

/// The route.
pub struct Update;

impl Route for Update {
    const POLICY: Policy = Policy {
        operation: "tenants-update",
        summary: "Change what a tenant says of itself",
        method: Method::PATCH,
        path: "/api/v1/tenants/{tenant_id}",
        access: Access::Permission(Permission::TenantUpdate, Scope::Tenant),
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::VERSION_CONFLICT, &kinds::WRONG_STATE],
    };
    type Deps = Store;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(store: &Store, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let (version, name) = request.parse()?;
        let tenant = tenant_of(&cx)?;
        let audit = audit(&cx, &tenant, Action::TenantUpdated);
        changed(store, store.rename_tenant(&tenant, version, &name, audit).await?).await
    }
}
