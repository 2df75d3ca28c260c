//! `GET /api/v1/subdomains/{name}`: whether a name can be had. One eventually consistent read; the claim decides.

use domain::{Rule, Subdomain};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route},
};
use serde::Serialize;
use store::{Availability as Claim, Store, StoreError};
use utoipa::ToSchema;

/// Whether the name can be had.
#[derive(Serialize, ToSchema)]
#[schema(as = SubdomainAvailability)]
pub struct Answer {
    /// The name that was asked about.
    name: String,
    /// `available`, `taken`, `reserved` or `invalid`.
    #[schema(pattern = "^(available|taken|reserved|invalid)$")]
    availability: &'static str,
    /// The rule that a reserved or invalid name breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Answer {
    fn refused(name: &str, rule: Rule) -> Self {
        let availability = if rule.code == "reserved" { "reserved" } else { "invalid" };
        Self { name: name.chars().take(64).collect(), availability, reason: Some(rule.detail) }
    }
}

/// The store.
pub struct Deps {
    store: Store,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { store: env.store()? })
    }
}

/// The store is all that can fail.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] StoreError);

impl From<Error> for Problem {
    fn from(Error(error): Error) -> Self {
        error.into()
    }
}

/// The route.
pub struct Availability;

impl Route for Availability {
    const POLICY: Policy = Policy {
        operation: "signup-subdomain",
        summary: "See whether a subdomain can be had",
        method: Method::GET,
        path: "/api/v1/subdomains/{name}",
        access: Access::Anonymous,
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("changes nothing"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let text = cx.path_text("name");
        let name = match Subdomain::parse(text) {
            Ok(name) => name,
            Err(rule) => return Ok(Reply::json(Answer::refused(text, rule))),
        };
        let availability = match deps.store.subdomain(&name).await? {
            Claim::Free => "available",
            // A tombstone is not told apart: who had the name is nobody's business.
            Claim::Taken | Claim::Tombstoned => "taken",
        };
        Ok(Reply::json(Answer { name: name.to_string(), availability, reason: None }))
    }
}
