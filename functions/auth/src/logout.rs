//! `POST /api/v1/auth/logout`: ends the caller's session, and every token of it with it.

use domain::Action;
use http::{Method, header::SET_COOKIE};
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, refresh_cookie};
use store::Store;

use crate::session_revoke::audit;

/// The route.
pub struct Logout;

impl Route for Logout {
    const POLICY: Policy = Policy {
        operation: "auth-logout",
        summary: "Sign out",
        method: Method::POST,
        path: "/api/v1/auth/logout",
        access: Access::SignedIn,
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("only clears the cookie: the caller sends a bearer token"),
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
        // One that was ended at the same moment is ended.
        store.end_session(&member.identity, &member.session, &audit(member, Action::SessionEnded, &cx).into()).await?;
        let reply = Reply::new(());
        Ok(if cx.refresh_cookie().is_some() { reply.header(SET_COOKIE, &refresh_cookie("", 0)) } else { reply })
    }
}
