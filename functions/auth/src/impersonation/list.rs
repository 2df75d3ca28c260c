//! `GET /api/v1/impersonations`: who acted in whose place and why, the newest first; or who does at this moment. One Query, and
//! for those of this moment a look at their sessions.

use domain::{Permission, Rule};
use jiff::Timestamp;
use lambda::http::{Access, Cx, Filter, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor};
use serde::Serialize;
use store::{Impersonation, ImpersonationPosition};
use utoipa::ToSchema;

use super::Deps;

const FILTERS: &[Filter] = &[Filter { name: "active", about: "`true`: only those under way, all on one page." }];

/// One page.
#[derive(Serialize, ToSchema)]
#[schema(as = ImpersonationList)]
pub struct Answer {
    items: Vec<Entry>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
#[schema(as = Impersonation)]
struct Entry {
    impersonation_id: String,
    /// Who acts.
    by: String,
    /// In whose place.
    user_id: String,
    tenant_id: String,
    role: &'static str,
    reason: String,
    #[schema(value_type = String, format = "date-time")]
    started_at: Timestamp,
    /// The latest that it ends.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// When an operator ended it.
    #[schema(value_type = Option<String>, format = "date-time")]
    ended_at: Option<Timestamp>,
    ended_by: Option<String>,
}

impl From<Impersonation> for Entry {
    fn from(record: Impersonation) -> Self {
        Self {
            impersonation_id: record.impersonation_id.to_string(),
            by: record.by.to_string(),
            user_id: record.identity_id.to_string(),
            tenant_id: record.tenant_id.to_string(),
            role: record.role.as_str(),
            reason: record.reason.to_string(),
            started_at: record.started_at,
            expires_at: record.expires_at,
            ended_at: record.ended_at,
            ended_by: record.ended_by.map(|by| by.to_string()),
        }
    }
}

/// The route.
pub struct List;

impl Route for List {
    const POLICY: Policy = Policy::read(
        "auth-impersonation-list",
        "See who acted in whose place",
        "/api/v1/impersonations",
        Access::Permission(Permission::UserImpersonate, Scope::Platform),
        Rate::General,
    );
    const PAGED: bool = true;
    const FILTERS: &'static [Filter] = FILTERS;
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let Listing { limit, after } = cx.filtered::<ImpersonationPosition>(FILTERS)?;
        let (found, next) = match cx.filter("active", yes)? {
            Some(()) => (deps.store.active_impersonations(cx.now).await?, None),
            None => deps.store.impersonations(after.as_ref(), limit).await?,
        };
        let items = found.into_iter().map(Entry::from).collect();
        Ok(Reply::json(Answer { items, next_cursor: next.as_ref().map(cursor) }))
    }
}

fn yes(text: &str) -> Result<(), Rule> {
    if text == "true" { Ok(()) } else { Err(Rule::new("invalid", "is true, or left out")) }
}
