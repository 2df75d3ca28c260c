//! `GET /api/v1/admin/secrets`: the stage's secrets from outside, a page at a time. One ListSecrets; what changed in the last
//! five minutes may be missing there, and is not where a secret is asked for by its name.

use domain::{Permission, SecretName};
use lambda::http::{Access, Cx, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor, not_a_cursor};
use secrets::SecretError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{secret, secret_read::Reading};

/// One page.
#[derive(Serialize, ToSchema)]
#[schema(as = SecretList)]
pub struct Answer {
    /// In Secrets Manager's order.
    items: Vec<secret::Answer>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// The route.
pub struct ListSecrets;

impl Route for ListSecrets {
    const POLICY: Policy = Policy::read(
        "admin-secret-list",
        "List the platform's secrets: ages, rotations and versions, no values",
        "/api/v1/admin/secrets",
        Access::Permission(Permission::PlatformMonitoring, Scope::Platform),
        Rate::General,
    );
    const PAGED: bool = true;
    type Deps = Reading;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(Reading { of, .. }: &Reading, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let Listing { limit, after } = cx.listing::<String>()?;
        let found = of.secrets.overviews(&SecretName::prefix(&of.stage), limit, after).await;
        let (page, next) = found.map_err(|error| match error {
            SecretError::NoSuchPage => not_a_cursor(),
            other => other.into(),
        })?;
        let items = page.into_iter().map(|found| secret::Answer::of(found, cx.now)).collect();
        Ok(Reply::json(Answer { items, next_cursor: next.as_ref().map(cursor) }))
    }
}
