//! `POST /api/v1/vault/{name+}`, of which the last segment is `rollback`: an earlier version becomes the newest one.
//!
//! API Gateway takes a parameter with slashes only as the end of a path, so `{name}/rollback` is taken apart here. Every
//! POST needs the ending, and loses it once: `a/rollback` is a name like any other, rolled back at `a/rollback/rollback`.

use domain::{Permission, VaultName};
use http::Method;
use lambda::http::{
    Access, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, Unknown, kinds,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    change::{Change, Content, Error},
    entry,
    keeper::{Keeper, tenant_of},
};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = VaultRollbackRequest)]
pub struct Request {
    /// The version whose value to make the newest; between `oldest_version` and `version` of the entry.
    #[serde(default)]
    #[schema(value_type = u64, required, example = 2)]
    rollback_to: Field<u64>,
    /// The version that is current; 409 if another one is. Without it the value is written whatever is there.
    #[serde(default)]
    #[schema(value_type = Option<u64>, example = 3)]
    version: Field<u64>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<(u64, Option<u64>), Problem> {
        let mut errors = Errors::of(&self.unknown);
        let to = errors.require("rollback_to", self.rollback_to);
        let follows = errors.take("version", self.version);
        errors.finish(to.map(|to| (to, follows)).ok_or_else(Vec::new))
    }
}

/// The route.
pub struct Rollback;

impl Route for Rollback {
    const POLICY: Policy = Policy {
        operation: "vault-rollback",
        summary: "Make an earlier version of a value the newest",
        method: Method::POST,
        path: "/api/v1/vault/{name+}",
        access: Access::Permission(Permission::VaultManage, Scope::Own),
        rate: Rate::General,
        body_limit: 1_024,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::VERSION_CONFLICT],
    };
    const ENDING: &'static str = "/rollback";
    type Deps = Keeper;
    type Body = Json<Request>;
    type Answer = Json<entry::Answer>;
    type Error = Error;

    async fn handle(keeper: &Keeper, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let tenant = tenant_of(&cx)?;
        let name = cx.path_text("name").strip_suffix(Self::ENDING).and_then(|name| VaultName::parse(name).ok());
        let name = name.ok_or(Error::NotFound)?;
        let (to, follows) = request.parse()?;
        let change = Change { tenant, name, follows, content: Content::Earlier(to) };
        Ok(Reply::json(change.apply(keeper, &cx).await?.into()))
    }
}
