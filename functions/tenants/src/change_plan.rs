//! `PUT /api/v1/tenants/{tenant_id}/plan`: another plan, whose limits apply at once (REQUIREMENTS.md R39). For the platform, since
//! nobody here takes money. Refused where the tenant has more than the plan allows, or where its data would have to move. One
//! read and one transaction.

use domain::{Action, Permission, Plan};
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
#[schema(as = PlanChange)]
pub struct Request {
    /// `starter`, `professional` or `enterprise`.
    #[serde(default)]
    #[schema(value_type = String, required, example = "professional")]
    plan: Field<String>,
    /// The one that the change was decided on, where that matters.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    version: Field<u64>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<(Plan, Option<u64>), Problem> {
        let mut errors = Errors::of(&self.unknown);
        let plan = errors.require("plan", self.plan);
        let version = errors.take("version", self.version);
        let plan = plan.and_then(|text| Plan::parse(&text).map_err(|rule| errors.push(rule.at("/plan"))).ok());
        errors.finish(plan.map(|plan| (plan, version)).ok_or_else(Vec::new))
    }
}

/// The route.
pub struct ChangePlan;

impl Route for ChangePlan {
    const POLICY: Policy = Policy {
        operation: "tenants-change-plan",
        summary: "Change a tenant's plan",
        method: Method::PUT,
        path: "/api/v1/tenants/{tenant_id}/plan",
        access: Access::Permission(Permission::PlatformBilling, Scope::Platform),
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::VERSION_CONFLICT, &kinds::WRONG_STATE, &kinds::PLAN_LIMIT, &kinds::ISOLATION_CHANGE],
    };
    type Deps = Store;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(store: &Store, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let (plan, version) = request.parse()?;
        let tenant = tenant_of(&cx)?;
        let audit = audit(&cx, &tenant, Action::TenantPlanChanged);
        changed(store, store.change_plan(&tenant, version, plan, &audit).await?).await
    }
}
