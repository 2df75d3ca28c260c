//! `DELETE /api/v1/impersonations/{impersonation_id}`: ends one, whoever began it; the next request made with it is refused. One
//! Query, a look at sessions, one transaction.

use domain::{Action, Permission, SessionId};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, Scope, kinds};

use super::{Deps, audit};

/// The route.
pub struct End;

impl Route for End {
    const POLICY: Policy = Policy {
        operation: "auth-impersonation-end",
        summary: "End an impersonation",
        method: Method::DELETE,
        path: "/api/v1/impersonations/{impersonation_id}",
        access: Access::Permission(Permission::UserImpersonate, Scope::Platform),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = ();
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<()>, Problem> {
        let id: SessionId = cx.path("impersonation_id")?;
        let by = &cx.caller.member()?.identity;
        let over = || Problem::new(&kinds::NOT_FOUND);
        let active = deps.store.active_impersonations(cx.now).await?;
        let record = active.into_iter().find(|record| record.impersonation_id == id).ok_or_else(over)?;
        let audit = audit(&cx, &record, Action::ImpersonationEnded);
        let ended = deps.store.end_impersonation(&record, by, &audit.into()).await?;
        if ended { Ok(Reply::new(())) } else { Err(over()) }
    }
}
