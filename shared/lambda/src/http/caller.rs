//! Who calls: from credentials to a [`Caller`], and whether the route's policy lets that caller in.
//!
//! The tenant comes from the verified token and from nowhere else. A route that a caller may not know about answers 404.

mod api_key;

use domain::{
    Actor, ApiKey, IdentityId, MfaToken, Permission, Plan, Role, SessionId, StatusToken, TenantId, TokenDigest,
};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use jiff::Timestamp;
use store::{Admission, Store, StoreError};

use self::api_key::ApiKeys;
pub use self::api_key::Service;
use super::{
    policy::{Access, Policy, Scope},
    problem::{Problem, kinds},
    step_up::{Lacks, asked, proven},
};
use crate::{
    Env, StartError,
    access_token::{Claims, Refused, Verified, Verifier},
};

/// Warns the operators in every answer to them.
pub const WARNING: HeaderName = HeaderName::from_static("x-innkeeper-warning");
/// The [`WARNING`] until the bootstrap credentials are removed.
pub const BOOTSTRAP_PRESENT: HeaderValue = HeaderValue::from_static("bootstrap-credentials-present");

/// Who calls.
#[derive(Clone)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// The bearer of a well-formed status token. Whether it is the tenant's is decided by the store's one read.
    StatusToken(TokenDigest),
    /// The bearer of a well-formed token of a sign-in that waits for its second factor. Whether it still does is decided
    /// by the store's one read.
    SigningIn(TokenDigest),
    /// Somebody with a live session.
    Member(Member),
    /// A service of a tenant's, by its API key.
    Service(Service),
    /// Who has the internal secret.
    Internal,
}

/// Somebody with a live session.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub identity: IdentityId,
    /// Their session.
    pub session: SessionId,
    /// The active tenant; platform roles have none.
    pub tenant: Option<TenantId>,
    /// The role as stored now, not as of the token's issue.
    pub role: Role,
    /// Who of the platform acts, where it is not the person.
    pub impersonator: Option<IdentityId>,
}

impl Member {
    /// Who the audit entry names.
    pub fn actor(&self) -> Actor {
        let of = self.identity.clone();
        match self.impersonator.clone() {
            Some(by) => Actor::Impersonator { by, of },
            None => Actor::Identity(of),
        }
    }

    /// Whether it may be done, by this person or in their place.
    pub fn allows(&self, permission: Permission) -> bool {
        self.role.allows(permission) && !(self.impersonator.is_some() && permission.is_personal())
    }
}

impl Caller {
    /// The member, where the policy guarantees one.
    ///
    /// # Errors
    /// 401, if a route asks for a member that its policy did not.
    pub fn member(&self) -> Result<&Member, Problem> {
        match self {
            Self::Member(member) => Ok(member),
            Self::Anonymous | Self::StatusToken(_) | Self::SigningIn(_) | Self::Service(_) | Self::Internal => {
                Err(unauthenticated())
            }
        }
    }

    /// The tenant that the caller is a member or a service of; platform roles are of none.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Member(member) => member.tenant.as_ref(),
            Self::Service(service) => Some(&service.tenant),
            Self::Anonymous | Self::StatusToken(_) | Self::SigningIn(_) | Self::Internal => None,
        }
    }

    /// Who the audit entry names.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Anonymous | Self::StatusToken(_) | Self::SigningIn(_) => Actor::Anonymous,
            Self::Member(member) => member.actor(),
            Self::Service(service) => Actor::ApiKey(service.key.clone()),
            Self::Internal => Actor::Function("internal".to_owned()),
        }
    }
}

/// A caller, let in.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    /// A platform role calls while the removal of the bootstrap credentials is not on record.
    pub(super) warned: bool,
    /// What their tenant pays for.
    pub(super) plan: Option<Plan>,
    /// What a session lacks for a route that asks for it.
    lacks: Lacks,
}

impl From<Caller> for Admitted {
    fn from(caller: Caller) -> Self {
        Self { caller, warned: false, plan: None, lacks: Lacks::NOTHING }
    }
}

/// Turns credentials into callers.
pub struct Authenticator {
    verifier: Verifier,
    store: Store,
    api_keys: ApiKeys,
    platform_needs_factor: bool,
}

impl Authenticator {
    /// Reads `TOKEN_ISSUER`, `TOKEN_AUDIENCE`, `STAGE` and `REQUIRE_PLATFORM_MFA`, and the public keys.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn from_env(env: &Env, policies: &[&Policy]) -> Result<Self, StartError> {
        let verifier = Verifier::new(env.required("TOKEN_ISSUER")?, env.required("TOKEN_AUDIENCE")?);
        let (store, api_keys) = (env.store()?, ApiKeys::from_env(env, policies)?);
        verifier.warm(&store).await?;
        Ok(Self { verifier, store, api_keys, platform_needs_factor: env.requires_platform_mfa()? })
    }

    /// The caller, if the policy lets it in. An anonymous route looks at no credentials.
    ///
    /// Costs nothing for a status token and the token of a sign-in, and one `BatchGetItem` of four items for a session, of
    /// a tenant or of the platform, five where the route asks for a recent proof: revocation, suspension, a changed role,
    /// a new second factor and a retired signing key act at once. For an API key one of two items, and a write for the first
    /// call of an hour.
    pub(super) async fn admit(
        &self,
        access: Access,
        headers: &HeaderMap,
        path_tenant: Option<&str>,
        now: Timestamp,
    ) -> Result<Admitted, Problem> {
        let admitted = self.identify(access, headers, now).await?;
        let let_in = allow(access, &admitted.caller, path_tenant)
            .and_then(|()| same_tenant(tenant_of(&admitted.caller, path_tenant), headers))
            .and_then(|()| in_person(access, &admitted.caller))
            .and_then(|()| proven(access, admitted.lacks));
        match let_in {
            Ok(()) => {
                if let Caller::Service(service) = &admitted.caller {
                    self.api_keys.note(service, now).await;
                }
                Ok(admitted)
            }
            Err(problem) if admitted.warned => Err(problem.header(WARNING, BOOTSTRAP_PRESENT)),
            Err(problem) => Err(problem),
        }
    }

    /// Whether the caller shows what could be an API key, good or not: a read tells.
    pub(super) fn is_shown_key(&self, headers: &HeaderMap) -> bool {
        matches!(bearer(headers), Ok(Some(token)) if self.api_keys.could_be(token))
    }

    async fn identify(&self, access: Access, headers: &HeaderMap, now: Timestamp) -> Result<Admitted, Problem> {
        let Some(token) = bearer(headers)? else { return Err(unauthenticated()) };
        if let (Access::StatusToken { .. }, Ok(token)) = (access, StatusToken::parse(token)) {
            return Ok(Caller::StatusToken(token.digest()).into());
        }
        if let (Access::SigningIn { .. }, Ok(token)) = (access, MfaToken::parse(token)) {
            return Ok(Caller::SigningIn(token.digest()).into());
        }
        if ApiKey::is_meant(token) {
            let (service, plan) = self.api_keys.holder(token, &self.store, now).await?;
            return Ok(Admitted { plan, ..Caller::Service(service).into() });
        }
        let Verified { claims, generation, .. } =
            self.verifier.verified(token, &self.store, now).await.map_err(refused)?;
        let Claims { sub, sid, tid: tenant, act, .. } = claims;
        let impersonator = act.map(|act| act.sub);
        let admission = match &impersonator {
            Some(by) => self.store.impersonated_admission(&sub, &sid, tenant.as_ref(), by).await?,
            None => self.admission(access, &sub, &sid, tenant.as_ref()).await?,
        };
        if generation < admission.signing_generation {
            // A key was retired since the keys were read: perhaps this token's.
            self.verifier.keys().catch_up(&self.store, admission.signing_generation).await?;
            self.verifier.verified(token, &self.store, now).await.map_err(refused)?;
        }
        let role = admission.admitted(tenant.as_ref(), now).ok_or_else(unauthenticated)?;
        if !admission.is_acted_by(impersonator.as_ref()) {
            return Err(unauthenticated());
        }
        let warned = tenant.is_none() && !admission.bootstrap_removed;
        let plan = admission.plan;
        let lacks = Lacks::of(&admission, role.is_platform() && self.platform_needs_factor, now);
        let member = Member { identity: sub, session: sid, tenant, role, impersonator };
        Ok(Admitted { caller: Caller::Member(member), warned, plan, lacks })
    }

    async fn admission(
        &self,
        access: Access,
        identity: &IdentityId,
        session: &SessionId,
        tenant: Option<&TenantId>,
    ) -> Result<Admission, StoreError> {
        match asked(access) {
            Some(_) => self.store.admission_and_factor(identity, session, tenant).await,
            None => self.store.admission(identity, session, tenant).await,
        }
    }
}

/// Default deny: each way in is written here.
fn allow(access: Access, caller: &Caller, path_tenant: Option<&str>) -> Result<(), Problem> {
    match (access, caller) {
        (Access::Anonymous | Access::OneTimeToken | Access::Signature, _)
        | (Access::SignedIn | Access::InPerson | Access::SteppedUp { permission: None, .. }, Caller::Member(_))
        | (Access::SigningIn { .. }, Caller::Member(_) | Caller::SigningIn(_))
        | (Access::Internal | Access::InternalSigned, Caller::Internal)
        | (Access::StatusToken { .. }, Caller::StatusToken(_)) => Ok(()),
        (Access::StatusToken { or }, Caller::Member(member)) => permitted(member, or, Scope::Tenant, path_tenant),
        (
            Access::Permission(permission, scope) | Access::SteppedUp { permission: Some((permission, scope)), .. },
            Caller::Member(member),
        ) => permitted(member, permission, scope, path_tenant),
        (
            Access::SignedIn
            | Access::InPerson
            | Access::Permission(..)
            | Access::StatusToken { .. }
            | Access::SteppedUp { .. }
            | Access::SigningIn { .. },
            Caller::Service(service),
        ) => service.permitted(access, path_tenant),
        (
            Access::SignedIn
            | Access::InPerson
            | Access::Permission(..)
            | Access::StatusToken { .. }
            | Access::SteppedUp { .. }
            | Access::SigningIn { .. },
            Caller::Anonymous | Caller::StatusToken(_) | Caller::SigningIn(_),
        ) => Err(unauthenticated()),
        (Access::Internal | Access::InternalSigned, _) | (_, Caller::Internal) => {
            Err(Problem::new(&kinds::INTERNAL_SECRET_REFUSED))
        }
    }
}

/// What an impersonator may not do, in a place where the member may.
fn in_person(access: Access, caller: &Caller) -> Result<(), Problem> {
    let Caller::Member(Member { impersonator: Some(_), .. }) = caller else { return Ok(()) };
    let open = match access {
        Access::Permission(permission, _) | Access::StatusToken { or: permission } => !permission.is_personal(),
        Access::SignedIn => true,
        _ => false,
    };
    if open { Ok(()) } else { Err(Problem::new(&kinds::IMPERSONATED)) }
}

fn permitted(member: &Member, permission: Permission, scope: Scope, path_tenant: Option<&str>) -> Result<(), Problem> {
    let platform = member.role.is_platform();
    let own = path_tenant.is_none_or(|path| member.tenant.as_ref().is_some_and(|own| own.as_str() == path));
    if !own && !platform {
        return Err(Problem::new(&kinds::NOT_FOUND));
    }
    let in_scope = match scope {
        Scope::Own => !platform,
        Scope::Tenant => true,
        Scope::Platform => platform,
    };
    if in_scope && member.role.allows(permission) { Ok(()) } else { Err(Problem::new(&kinds::FORBIDDEN)) }
}

/// R10: `X-Tenant-ID`, where sent, must equal the token's tenant. It never chooses one.
fn same_tenant(own: Option<&str>, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(sent) = headers.get("x-tenant-id") else { return Ok(()) };
    let same = own.is_some_and(|own| own.as_bytes() == sent.as_bytes());
    if same { Ok(()) } else { Err(Problem::new(&kinds::TENANT_MISMATCH)) }
}

/// The tenant that the credentials are for. A status token's is the one in the path, or it opens nothing there.
fn tenant_of<'c>(caller: &'c Caller, path_tenant: Option<&'c str>) -> Option<&'c str> {
    match caller {
        Caller::Member(member) => member.tenant.as_ref().map(TenantId::as_str),
        Caller::Service(service) => Some(service.tenant.as_str()),
        Caller::StatusToken(_) => path_tenant,
        Caller::Anonymous | Caller::SigningIn(_) | Caller::Internal => None,
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(unauthenticated());
    }
    let text = value.to_str().map_err(|_| unauthenticated())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(unauthenticated()) }
}

fn refused(reason: Refused) -> Problem {
    match reason {
        Refused::Keys(error) => error.into(),
        other => unauthenticated().source(other),
    }
}

/// 401 with the challenge that RFC 6750 section 3 asks for.
pub fn unauthenticated() -> Problem {
    Problem::new(&kinds::UNAUTHENTICATED).header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

#[cfg(test)]
mod tests;
