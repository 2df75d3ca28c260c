//! Who calls: from credentials to a [`Caller`], and whether the route's policy lets that caller in.
//!
//! The tenant comes from the verified token and from nowhere else. A route that a caller may not know about answers 404.

use domain::{Actor, IdentityId, Permission, Role, SessionId, StatusToken, TenantId, TenantStatus, TokenDigest};
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use jiff::Timestamp;
use store::Store;

use super::{
    policy::Access,
    problem::{Problem, kinds},
};
use crate::{
    Env, StartError,
    access_token::{Refused, Verifier},
};

/// Who calls.
#[derive(Clone)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// The bearer of a well-formed status token. Whether it is the tenant's is decided by the store's one read.
    StatusToken(TokenDigest),
    /// Somebody with a live session.
    Member(Member),
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
}

impl Caller {
    /// The member, where the policy guarantees one.
    ///
    /// # Errors
    /// 401, if a route asks for a member that its policy did not.
    pub fn member(&self) -> Result<&Member, Problem> {
        match self {
            Self::Member(member) => Ok(member),
            Self::Anonymous | Self::StatusToken(_) => Err(unauthenticated()),
        }
    }

    /// Who the audit entry names.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Anonymous | Self::StatusToken(_) => Actor::Anonymous,
            Self::Member(member) => Actor::Identity(member.identity.clone()),
        }
    }
}

/// Turns credentials into callers.
pub struct Authenticator {
    verifier: Verifier,
    store: Store,
}

impl Authenticator {
    /// Reads `TOKEN_ISSUER` and `TOKEN_AUDIENCE`, and the public keys.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn from_env(env: &Env) -> Result<Self, StartError> {
        let verifier = Verifier::new(env.required("TOKEN_ISSUER")?, env.required("TOKEN_AUDIENCE")?);
        let store = env.store()?;
        verifier.warm(&store).await?;
        Ok(Self { verifier, store })
    }

    /// The caller, if the policy lets it in. An anonymous route looks at no credentials.
    ///
    /// Costs nothing for a status token, and one `BatchGetItem` of three items for a session: revocation, suspension
    /// and a changed role act at once.
    pub(super) async fn admit(
        &self,
        access: Access,
        headers: &HeaderMap,
        path_tenant: Option<&str>,
        now: Timestamp,
    ) -> Result<Caller, Problem> {
        let caller = self.identify(access, headers, now).await?;
        allow(access, &caller, path_tenant)?;
        if let Caller::Member(member) = &caller {
            same_tenant(member, headers)?;
        }
        Ok(caller)
    }

    async fn identify(&self, access: Access, headers: &HeaderMap, now: Timestamp) -> Result<Caller, Problem> {
        let Some(token) = bearer(headers)? else { return Err(unauthenticated()) };
        if let (Access::StatusToken { .. }, Ok(token)) = (access, StatusToken::parse(token)) {
            return Ok(Caller::StatusToken(token.digest()));
        }
        let claims = self.verifier.verify(token, &self.store, now).await.map_err(refused)?;
        let Some(tenant) = &claims.tid else { return Err(unauthenticated()) };
        let admission = self.store.admission(&claims.sub, &claims.sid, tenant).await?;
        let alive = admission.session_expires_at.is_some_and(|end| now < end);
        let open = admission.tenant == claims.tid.is_some().then_some(TenantStatus::Ready);
        match admission.role.filter(|role| alive && open && role.is_platform() == claims.tid.is_none()) {
            Some(role) => {
                Ok(Caller::Member(Member { identity: claims.sub, session: claims.sid, tenant: claims.tid, role }))
            }
            None => Err(unauthenticated()),
        }
    }
}

/// Default deny: each way in is written here.
fn allow(access: Access, caller: &Caller, path_tenant: Option<&str>) -> Result<(), Problem> {
    match (access, caller) {
        (Access::Anonymous | Access::Signature, _)
        | (Access::SignedIn, Caller::Member(_))
        | (Access::StatusToken { .. }, Caller::StatusToken(_)) => Ok(()),
        (Access::StatusToken { or: permission } | Access::Permission(permission), Caller::Member(member)) => {
            permitted(member, permission, path_tenant)
        }
        (Access::SignedIn | Access::Permission(_), Caller::Anonymous | Caller::StatusToken(_))
        | (Access::StatusToken { .. }, Caller::Anonymous) => Err(unauthenticated()),
    }
}

fn permitted(member: &Member, permission: Permission, path_tenant: Option<&str>) -> Result<(), Problem> {
    let own = path_tenant.is_none_or(|path| member.tenant.as_ref().is_some_and(|own| own.to_string() == path));
    if !own && !member.role.is_platform() {
        return Err(Problem::new(&kinds::NOT_FOUND));
    }
    if member.role.permissions().contains(&permission) { Ok(()) } else { Err(Problem::new(&kinds::FORBIDDEN)) }
}

/// R10: `X-Tenant-ID`, where sent, must equal the token's tenant. It never chooses one.
fn same_tenant(member: &Member, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(sent) = headers.get("x-tenant-id") else { return Ok(()) };
    let same = member.tenant.as_ref().is_some_and(|own| own.to_string().as_bytes() == sent.as_bytes());
    if same { Ok(()) } else { Err(Problem::new(&kinds::TENANT_MISMATCH)) }
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
pub(super) fn unauthenticated() -> Problem {
    Problem::new(&kinds::UNAUTHENTICATED).header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}
