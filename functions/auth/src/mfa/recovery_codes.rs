//! `POST /api/v1/auth/mfa/recovery-codes`: ten new recovery codes, shown this once; the old ones are void. One read, one
//! transaction and one mail beside the door's own read.

use domain::Action;
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route, StepUp, kinds};
use mail::FactorChange;
use serde::Serialize;
use utoipa::ToSchema;

use super::{enrol::Deps, new_recovery_codes, shown};
use crate::session_revoke::audit;

/// The codes.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
pub struct Answer {
    /// Each is good for one sign-in without the authenticator.
    #[schema(example = json!(["k7m2qp-3fz6xa-b5wlne-7tq4hd"]))]
    recovery_codes: Vec<String>,
}

/// The route.
pub struct RenewRecoveryCodes;

impl Route for RenewRecoveryCodes {
    const POLICY: Policy = Policy {
        operation: "auth-mfa-recovery-codes",
        summary: "Get new recovery codes",
        method: Method::POST,
        path: "/api/v1/auth/mfa/recovery-codes",
        access: Access::SteppedUp { by: StepUp::Factor, permission: None },
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::NO_SECOND_FACTOR],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let member = cx.caller.member()?;
        let (codes, digests) = new_recovery_codes(&*deps.entropy);
        // Read first: who is to be told must not be what fails when the old codes are void.
        let person = deps.store.identity(&member.identity).await?;
        let renewed = audit(member, Action::RecoveryCodesRenewed, &cx);
        if !deps.store.renew_recovery_codes(&member.identity, &digests, &renewed.into()).await? {
            return Err(Problem::new(&kinds::NO_SECOND_FACTOR));
        }
        if let Some(person) = person {
            deps.notices.factor(&person, FactorChange::RecoveryCodesRenewed, cx.now).await;
        }
        Ok(Reply::json(Answer { recovery_codes: shown(&codes) }))
    }
}
