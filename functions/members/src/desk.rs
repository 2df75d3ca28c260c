//! What the routes that change something work with, and who acts in which tenant.

use std::sync::Arc;

use domain::{Action, AuditEntry, Entropy, Facts, Role, TenantId};
use lambda::{
    Env, FromEnv, StartError,
    http::{Cx, Member, Problem, Throttle, kinds},
};
use mail::Mailer;
use store::{By, Store};

/// The store, the mails, what counts them, and randomness.
pub struct Desk {
    pub(crate) store: Store,
    pub(crate) mailer: Mailer,
    pub(crate) throttle: Throttle,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl FromEnv for Desk {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let mailer = Mailer::new(&env.sdk, env.parsed("MAIL_FROM")?, env.required("PUBLIC_URL")?.to_owned());
        Ok(Self { store: env.store()?, mailer, throttle: Throttle::from_env(env)?, entropy: env.entropy.clone() })
    }
}

/// Somebody acts in the tenant of the path; the door has let them.
pub(crate) struct Acting<'a> {
    pub(crate) tenant: TenantId,
    member: &'a Member,
}

impl<'a> Acting<'a> {
    pub(crate) fn of(cx: &'a Cx) -> Result<Self, Problem> {
        Ok(Self { tenant: cx.path("tenant_id")?, member: cx.caller.member()? })
    }

    pub(crate) fn by(&self) -> By<'a> {
        By { identity: &self.member.identity, role: self.member.role }
    }

    /// 403 for a role above the caller's own: to give it, or to change who has it.
    pub(crate) fn reaches(&self, role: Role) -> Result<(), Problem> {
        let above = || Problem::new(&kinds::FORBIDDEN).detail(format!("{role} is above your own role"));
        if self.member.role.may_give(role) { Ok(()) } else { Err(above()) }
    }

    pub(crate) fn audit(&self, cx: &Cx, action: Action, before: Facts, after: Facts) -> AuditEntry {
        cx.audit(action, Some(self.tenant.clone()), before, after)
    }
}
