//! `POST /api/v1/auth/sessions/revoke-others`: ends all of the caller's sessions but the one that calls.

use domain::Action;
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route};
use serde::Serialize;
use store::Store;
use utoipa::ToSchema;

use crate::session_revoke::audit;

/// How many there were.
#[derive(Serialize, ToSchema)]
#[schema(as = RevokedSessions)]
pub struct Answer {
    #[schema(example = 2)]
    revoked: usize,
}

/// The route.
pub struct RevokeOthers;

impl Route for RevokeOthers {
    const POLICY: Policy = Policy {
        operation: "auth-session-revoke-others",
        summary: "End all of your sessions but this one",
        method: Method::POST,
        path: "/api/v1/auth/sessions/revoke-others",
        access: Access::InPerson,
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[],
    };
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let member = cx.caller.member()?;
        let audit = audit(member, Action::SessionRevoked, &cx);
        let revoked = store.end_sessions(&member.identity, Some(&member.session), &audit.into()).await?;
        Ok(Reply::json(Answer { revoked }))
    }
}
