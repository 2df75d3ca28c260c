//! `DELETE /api/v1/auth/sessions/{session_id}`: ends one of the caller's own sessions.

use domain::{Action, AuditEntry, Facts, SessionId};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Member, Policy, Problem, Rate, Reply, Route, kinds};
use store::Store;

/// The route.
pub struct RevokeSession;

impl Route for RevokeSession {
    const POLICY: Policy = Policy {
        operation: "auth-session-revoke",
        summary: "End one of your sessions",
        method: Method::DELETE,
        path: "/api/v1/auth/sessions/{session_id}",
        access: Access::InPerson,
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[],
    };
    type Deps = Store;
    type Body = ();
    type Answer = ();
    type Error = Problem;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<()>, Problem> {
        let member = cx.caller.member()?;
        let session: SessionId = cx.path("session_id")?;
        let mut audit = audit(member, Action::SessionRevoked, &cx);
        audit.before = audit.before.with("session_id", &session);
        // The key is in the caller's own partition: a session of somebody else is not there.
        let ended = store.end_session(&member.identity, &session, &audit.into()).await?;
        if ended { Ok(Reply::new(())) } else { Err(Problem::new(&kinds::NOT_FOUND)) }
    }
}

/// What the caller did with their session.
pub(crate) fn audit(member: &Member, action: Action, cx: &Cx) -> AuditEntry {
    cx.audit(action, member.tenant.clone(), Facts::new().with("session_id", &member.session), Facts::new())
}
