//! `DELETE /api/v1/auth/mfa/totp`: removes the authenticator and its recovery codes, and ends all sessions of the person.
//! Three reads and two transactions or more beside the door's own read, one for each hundred sessions, and a mail.

use domain::Action;
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, StepUp, kinds};
use mail::FactorChange;

use super::enrol::Deps;
use crate::session_revoke::audit;

/// The route.
pub struct Remove;

impl Route for Remove {
    const POLICY: Policy = Policy {
        operation: "auth-mfa-remove",
        summary: "Remove your authenticator",
        method: Method::DELETE,
        path: "/api/v1/auth/mfa/totp",
        access: Access::SteppedUp { by: StepUp::Factor, permission: None },
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::NO_SECOND_FACTOR],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = ();
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<()>, Problem> {
        let (member, none) = (cx.caller.member()?, || Problem::new(&kinds::NO_SECOND_FACTOR));
        let (person, factor) = deps.store.person_and_factor(&member.identity).await?;
        factor.filter(|factor| factor.confirmed_at.is_some()).ok_or_else(none)?;
        // The sessions first: where the rest fails, the factor is still asked for.
        let ended = audit(member, Action::SessionRevoked, &cx).into();
        deps.store.end_sessions(&member.identity, None, &ended).await?;
        let removed = audit(member, Action::SecondFactorRemoved, &cx);
        if !deps.store.remove_second_factor(&member.identity, &removed.into()).await? {
            return Err(none());
        }
        // And what was opened with the factor meanwhile: from now on nothing is.
        deps.store.end_sessions(&member.identity, None, &ended).await?;
        if let Some(person) = person {
            deps.notices.factor(&person, FactorChange::Removed, cx.now).await;
        }
        Ok(Reply::new(()))
    }
}
