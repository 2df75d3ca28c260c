//! The door for API keys (REQUIREMENTS.md R18): `Authorization: Bearer ink_live_…`.
//!
//! One header for every credential, so that there is one that proxies and logs have to hide, and never two that disagree.
//! A key opens the routes of the tenant whose permission it has; every other route is forbidden to it, a person's own (their
//! sessions, their password, their second factor) and the platform's.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{ApiKey, ApiKeyId, ApiKeyKind, ApiKeyScopes, Permission, Plan, TenantId, TenantStatus};
use jiff::Timestamp;
use store::{KEY_USE_GRAIN, Limits, Store};

use super::unauthenticated;
use crate::{
    Env, StartError,
    http::{
        policy::{Access, Policy, Scope},
        problem::{Problem, kinds},
    },
};

/// Keys whose use a function remembers to have noted; beyond that it notes them again.
const REMEMBERED: usize = 1_024;

/// A service of the tenant's, by its key.
#[derive(Debug, Clone)]
pub struct Service {
    /// Which key.
    pub key: ApiKeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: ApiKeyScopes,
    /// A limit of its own, below its tenant's.
    pub calls_per_hour: Option<u32>,
}

impl Service {
    /// As [`super::permitted`], for a key.
    pub(super) fn permitted(&self, access: Access, path_tenant: Option<&str>) -> Result<(), Problem> {
        if path_tenant.is_some_and(|path| path != self.tenant.as_str()) {
            return Err(Problem::new(&kinds::NOT_FOUND));
        }
        let may = matches!(access, Access::Permission(permission, Scope::Own | Scope::Tenant) if self.scopes.allow(permission));
        if may { Ok(()) } else { Err(Problem::new(&kinds::FORBIDDEN)) }
    }
}

/// Reads keys, and notes their use.
pub(super) struct ApiKeys {
    kind: ApiKeyKind,
    /// Only where a route takes keys.
    uses: Option<Uses>,
}

struct Uses {
    limits: Limits,
    noted: Mutex<HashMap<(TenantId, ApiKeyId), Timestamp>>,
}

impl ApiKeys {
    /// Reads `STAGE`, and `LIMITS_TABLE` where one of the routes takes keys.
    pub(super) fn from_env(env: &Env, policies: &[&Policy]) -> Result<Self, StartError> {
        let takes_keys = policies.iter().any(|policy| policy.access.key_permission().is_some());
        let uses = if takes_keys { Some(Uses { limits: env.limits()?, noted: Mutex::default() }) } else { None };
        Ok(Self { kind: ApiKeyKind::of_stage(env.required("STAGE")?), uses })
    }

    /// Whether the text has the form of one.
    pub(super) fn could_be(&self, text: &str) -> bool {
        ApiKey::parse(self.kind, text).is_ok()
    }

    /// Whose key it is, and their plan. A text that is none costs nothing; any other, one `BatchGetItem` of two items, whether there is such
    /// a key or not.
    pub(super) async fn holder(
        &self,
        text: &str,
        store: &Store,
        now: Timestamp,
    ) -> Result<(Service, Option<Plan>), Problem> {
        let key = ApiKey::parse(self.kind, text).map_err(|rule| unauthenticated().source(rule))?;
        let digest = key.digest();
        let admission = store.api_key_admission(key.tenant(), key.id()).await?;
        let ready = admission.tenant == Some(TenantStatus::Ready);
        let standing = admission.key.filter(|standing| standing.secrets.accept(&digest, now) && ready);
        let standing = standing.ok_or_else(unauthenticated)?;
        let service = Service {
            key: key.id().clone(),
            tenant: key.tenant().clone(),
            scopes: standing.scopes,
            calls_per_hour: standing.calls_per_hour,
        };
        Ok((service, admission.plan))
    }

    /// Notes that a key was let in: a write for the first call of an hour, and nothing for the others. Where it cannot be
    /// written the call goes on: nothing is decided by it.
    pub(super) async fn note(&self, service: &Service, now: Timestamp) {
        let Some(uses) = self.uses.as_ref().filter(|uses| uses.is_due(service, now)) else { return };
        if let Err(error) = uses.limits.note_key_use(&service.tenant, &service.key, now).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(key = service.key.as_str(), error, "the use of an API key was not noted");
        }
    }
}

impl Uses {
    /// Whether this function has not noted it for an hour; then it counts as noted from now on.
    fn is_due(&self, service: &Service, now: Timestamp) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = (service.tenant.clone(), service.key.clone());
        if noted.get(&whose).is_some_and(|at| now.duration_since(*at) < KEY_USE_GRAIN) {
            return false;
        }
        if noted.len() >= REMEMBERED {
            noted.clear();
        }
        noted.insert(whose, now);
        true
    }
}

impl Access {
    /// The permission by which API keys are let in; none where they are not.
    pub fn key_permission(self) -> Option<Permission> {
        match self {
            Self::Permission(permission, Scope::Own | Scope::Tenant) => {
                Some(permission).filter(|permission| domain::api_key::GRANTABLE.contains(permission))
            }
            _ => None,
        }
    }
}
