//! `GET /api/v1/auth/sessions`: where the caller is signed in. One Query beside the door's own read.

use domain::{SessionId, TenantId};
use jiff::Timestamp;
use lambda::http::{Access, Cx, Json, Listing, Policy, Problem, Rate, Reply, Route, cursor};
use serde::Serialize;
use store::{Session, Store};
use utoipa::ToSchema;

/// A page of sessions.
#[derive(Serialize, ToSchema)]
#[schema(as = Sessions)]
pub struct Answer {
    items: Vec<Shown>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// One session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct Shown {
    #[schema(value_type = String, example = "ses_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    session_id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// The tenant that it works in; a platform role has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "tenant-demo-1f2e3d4c")]
    tenant_id: Option<TenantId>,
    /// The user agent of the sign-in.
    client: String,
    /// The address of the sign-in.
    source_ip: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// The last sign-in or refresh; an access token may have been used since.
    #[schema(value_type = String, format = "date-time")]
    refreshed_at: Timestamp,
    /// When it ends unless it is refreshed.
    #[schema(value_type = String, format = "date-time")]
    ends_at: Timestamp,
    /// When it ends, whatever happens.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

impl Shown {
    fn of(session: Session, current: &SessionId) -> Self {
        let Session { session_id, tenant_id, client, source_ip, created_at, expires_at, family, .. } = session;
        let (refreshed_at, ends_at, current) = (family.issued_at(), family.ends_at, session_id == *current);
        Self { session_id, current, tenant_id, client, source_ip, created_at, refreshed_at, ends_at, expires_at }
    }
}

/// The route.
pub struct ListSessions;

impl Route for ListSessions {
    const POLICY: Policy = Policy::read(
        "auth-session-list",
        "List your sessions",
        "/api/v1/auth/sessions",
        Access::SignedIn,
        Rate::General,
    );
    const PAGED: bool = true;
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let member = cx.caller.member()?;
        let Listing { limit, after } = cx.listing::<SessionId>()?;
        let page = store.sessions(&member.identity, after.as_ref(), limit.into()).await?;
        // TTL takes away what has ended, some time later.
        let live = page.sessions.into_iter().filter(|session| cx.now < session.family.ends_at);
        let items = live.map(|session| Shown::of(session, &member.session)).collect();
        Ok(Reply::json(Answer { items, next_cursor: page.next.as_ref().map(cursor) }))
    }
}
