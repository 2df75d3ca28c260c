//! `GET /api/v1/subdomains/{name}`: whether a name can be had. One eventually consistent read; the claim decides.

use domain::{Rule, Subdomain};
use lambda::http::{Access, Cx, Json, Policy, Rate, Reply, Route};
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

/// The route.
pub struct Availability;

impl Route for Availability {
    const POLICY: Policy = Policy::read(
        "signup-subdomain",
        "See whether a subdomain can be had",
        "/api/v1/subdomains/{name}",
        Access::Anonymous,
        Rate::General,
    );
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = StoreError;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, StoreError> {
        let text = cx.path_text("name");
        let name = match Subdomain::parse(text) {
            Ok(name) => name,
            Err(rule) => return Ok(Reply::json(Answer::refused(text, rule))),
        };
        let availability = match store.subdomain(&name).await? {
            Claim::Free => "available",
            // A tombstone is not told apart: who had the name is nobody's business.
            Claim::Taken | Claim::Tombstoned => "taken",
        };
        Ok(Reply::json(Answer { name: name.to_string(), availability, reason: None }))
    }
}
