//! Sessions, and the one read by which the door decides whether a token still counts.

use std::collections::HashMap;

use domain::{
    IdentityId, MembershipStatus, Permission, Plan, Role, SessionId, TenantId, TenantStatus, refresh::Family,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, PasswordHash, Store, StoreError,
    item::{Found, item, n, read},
    keys::{Key, PLATFORM_ROLE, SECOND_FACTOR},
    membership,
    password::CLOSED,
    platform,
    reads::How,
    second_factor::CONFIRMED,
    signing::{generation_key, generation_of},
    transact::{Ended, Expr, Reason, Write, refusal},
};

/// A person signed in from one client: to a tenant, or to the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id; the access token's `sid`.
    pub session_id: SessionId,
    /// The person.
    pub identity_id: IdentityId,
    /// The tenant; none for a platform role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// What the person signed in from, to show in a list of sessions.
    pub client: String,
    /// The address the person signed in from.
    pub source_ip: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends, whatever happens.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
    /// When the person last showed their second factor in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_at: Option<Timestamp>,
    /// Its refresh tokens, and when it ends without another refresh.
    pub family: Family,
}

/// What the door needs to know; a part that is missing means no.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// The session, if it exists.
    pub session: Option<Standing>,
    /// The role of the membership, if it exists and is active; without a tenant, the platform role.
    pub role: Option<Role>,
    /// Where the tenant stands, if it exists.
    pub tenant: Option<TenantStatus>,
    /// What the tenant pays for, if it exists.
    pub plan: Option<Plan>,
    /// Whether the removal of the bootstrap credentials is on record; only looked at for platform roles.
    pub bootstrap_removed: bool,
    /// Whether the person has a second factor; only looked at where a route asks for a recent proof.
    pub second_factor: bool,
    /// The platform role of who acts in the person's place; only looked at where somebody does.
    pub operator: Option<Role>,
    /// The generation of the published signing keys: whoever has an earlier one has to read them again.
    pub signing_generation: u64,
}

impl Admission {
    /// The role, where session and tenant are in a state to use it: a tenant's role in a READY tenant, a platform role
    /// in none.
    #[must_use]
    pub fn admitted(&self, tenant: Option<&TenantId>, now: Timestamp) -> Option<Role> {
        let alive = self.session.as_ref().is_some_and(|session| now < session.family.ends_at);
        self.open_to(tenant).filter(|_| alive)
    }

    /// Whether the session is one in which this person of the platform acts, who still may; or with none, nobody but its own.
    #[must_use]
    pub fn is_acted_by(&self, operator: Option<&IdentityId>) -> bool {
        let same = self.session.as_ref().is_some_and(|session| session.impersonator.as_ref() == operator);
        let may = self.operator.is_some_and(|role| role.allows(Permission::UserImpersonate));
        same && (operator.is_none() || may)
    }

    /// As [`Admission::admitted`], for a session that is about to be made.
    #[must_use]
    pub fn open_to(&self, tenant: Option<&TenantId>) -> Option<Role> {
        let ready = tenant.is_none() || self.tenant == Some(TenantStatus::Ready);
        self.role.filter(|role| ready && role.is_platform() == tenant.is_none())
    }
}

/// Of a session, what changes and what ends it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Standing {
    /// The tenant that it works in now; none for a platform role.
    #[serde(default)]
    pub tenant_id: Option<TenantId>,
    /// When it ends, whatever happens.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
    /// When the person signed in, with their password.
    pub created_at: Timestamp,
    /// When they last showed their second factor.
    #[serde(default)]
    pub second_factor_at: Option<Timestamp>,
    /// Who of the platform acts in it, in the person's place.
    #[serde(default)]
    pub impersonator: Option<IdentityId>,
    /// Its refresh tokens, and when it ends without another refresh.
    pub family: Family,
}

#[derive(Deserialize)]
struct MemberPart {
    role: Role,
    status: MembershipStatus,
}

#[derive(Deserialize)]
struct PlatformPart {
    role: Role,
}

#[derive(Deserialize)]
pub(crate) struct TenantPart {
    pub(crate) plan: Plan,
    pub(crate) provisioning: StatusPart,
}

#[derive(Deserialize)]
pub(crate) struct StatusPart {
    pub(crate) status: TenantStatus,
}

/// How often a sign-in that another one outran is tried.
const TRIES: usize = 3;

impl Store {
    /// Starts a session.
    pub async fn create_session(&self, session: &Session, audit: &Audit) -> Result<(), StoreError> {
        self.commit(&[new(session)?], audit, session.session_id.as_str()).await
    }

    /// Starts a session for somebody who has shown their password, if it is still the one that was `matched`; and stores
    /// it `renewed`, where its parameters were old. A conflict of the `password` where it was changed meanwhile, and of the
    /// `membership` where that was ended. It is counted with both, so that such a change at this moment does not overlook it.
    pub async fn start_session(
        &self,
        session: &Session,
        matched: &PasswordHash,
        renewed: Option<&PasswordHash>,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        let mut writes = vec![still(&session.identity_id, matched, renewed, session.created_at), new(session)?];
        writes.push(comes_in(session));
        let mut refused = Vec::new();
        for _ in 0..TRIES {
            match self.transact(&writes, audit, session.session_id.as_str()).await? {
                Ended::Committed => return Ok(()),
                // Sign-ins of one person at once meet on the count: the next try succeeds.
                Ended::Cancelled(reasons) => refused = reasons,
            }
            if !refused.contains(&Reason::Race) {
                break;
            }
        }
        Err(refusal(&writes, &refused))
    }

    /// Session, membership and tenant in one `BatchGetItem`; without a tenant, session and platform role, and whether the
    /// bootstrap credentials are gone; with either, the generation of the signing keys. Strongly consistent, because a
    /// suspension or a revocation counts from the next request on.
    pub async fn admission(
        &self,
        identity: &IdentityId,
        session: &SessionId,
        tenant: Option<&TenantId>,
    ) -> Result<Admission, StoreError> {
        self.admission_with(identity, session, tenant, None).await
    }

    /// As [`Store::admission`], with a look at the person's second factor, which is one item more.
    pub async fn admission_and_factor(
        &self,
        identity: &IdentityId,
        session: &SessionId,
        tenant: Option<&TenantId>,
    ) -> Result<Admission, StoreError> {
        self.admission_with(identity, session, tenant, Some(Key::second_factor(identity))).await
    }

    /// As [`Store::admission`], with a look at the platform role of who acts in the person's place, one item more.
    pub async fn impersonated_admission(
        &self,
        identity: &IdentityId,
        session: &SessionId,
        tenant: Option<&TenantId>,
        operator: &IdentityId,
    ) -> Result<Admission, StoreError> {
        self.admission_with(identity, session, tenant, Some(Key::platform_role(operator))).await
    }

    async fn admission_with(
        &self,
        identity: &IdentityId,
        session: &SessionId,
        tenant: Option<&TenantId>,
        more: Option<Key>,
    ) -> Result<Admission, StoreError> {
        let generation = generation_key(session);
        let session = Key::session(identity, session);
        match tenant {
            Some(tenant) => self.tenant_admission(session, identity, tenant, generation, more).await,
            None => self.platform_admission(session, identity, generation, more).await,
        }
    }

    async fn admitting(&self, keys: &[Key], more: Option<Key>) -> Result<HashMap<String, Found>, StoreError> {
        match more {
            None => self.batch(keys, ADMITTING).await,
            Some(more) => self.batch(&[keys, &[more]].concat(), ADMITTING).await,
        }
    }

    async fn tenant_admission(
        &self,
        session: Key,
        identity: &IdentityId,
        tenant: &TenantId,
        generation: Key,
        more: Option<Key>,
    ) -> Result<Admission, StoreError> {
        let keys = [session, Key::member(tenant, identity), Key::tenant(tenant), generation];
        let [session, member, tenant, generation] = &keys;
        let mut found = self.admitting(&keys, more).await?;
        let mut admission = seen(&mut found, session)?;
        if let Some(item) = found.remove(&member.sk) {
            let member: MemberPart = read("membership", item)?;
            admission.role = (member.status == MembershipStatus::Active).then_some(member.role);
        }
        if let Some(item) = found.remove(&tenant.sk) {
            let TenantPart { plan, provisioning } = read("tenant", item)?;
            (admission.plan, admission.tenant) = (Some(plan), Some(provisioning.status));
        }
        if let Some(item) = found.remove(PLATFORM_ROLE) {
            admission.operator = Some(read::<PlatformPart>("platform role", item)?.role);
        }
        admission.signing_generation = generation_of(&mut found, generation)?;
        Ok(admission)
    }

    async fn platform_admission(
        &self,
        session: Key,
        identity: &IdentityId,
        generation: Key,
        more: Option<Key>,
    ) -> Result<Admission, StoreError> {
        let keys = [session, Key::platform_role(identity), Key::bootstrap(), generation];
        let [session, role, bootstrap, generation] = &keys;
        let mut found = self.admitting(&keys, more).await?;
        let mut admission = seen(&mut found, session)?;
        if let Some(item) = found.remove(&role.sk) {
            admission.role = Some(read::<PlatformPart>("platform role", item)?.role);
        }
        admission.bootstrap_removed = found.remove(&bootstrap.sk).is_some_and(|item| item.contains_key("removed_at"));
        admission.signing_generation = generation_of(&mut found, generation)?;
        Ok(admission)
    }
}

/// What a session begins with: a membership that may be used, or a platform role.
pub(crate) fn comes_in(session: &Session) -> Write {
    match &session.tenant_id {
        Some(tenant) => membership::comes_in(tenant, &session.identity_id),
        None => platform::comes_in(&session.identity_id),
    }
}

/// That the password is still the one that was matched, and is not being replaced; it is stored anew, where its parameters
/// were old. The session that starts with it is counted.
pub(crate) fn still(
    identity: &IdentityId,
    matched: &PasswordHash,
    renewed: Option<&PasswordHash>,
    now: Timestamp,
) -> Write {
    let unchanged =
        Expr::new(&format!("password_phc = :matched AND (attribute_not_exists({CLOSED}) OR {CLOSED} <= :now)"))
            .value(":matched", matched.attribute())
            .value(":now", n(now.as_second()))
            .value(":one", n(1));
    let (identity, counted) = (Key::identity(identity), "ADD sessions_started :one");
    match renewed {
        Some(renewed) => {
            let unchanged = unchanged.value(":renewed", renewed.attribute());
            Write::update("password", identity, &format!("SET password_phc = :renewed {counted}"), unchanged)
        }
        None => Write::update("password", identity, counted, unchanged),
    }
}

pub(crate) fn new(session: &Session) -> Result<Write, StoreError> {
    let key = Key::session(&session.identity_id, &session.session_id);
    let mut stored = item("session", &key, session)?;
    stored.insert("ttl".to_owned(), n(session.family.ends_at.as_second()));
    Ok(Write::put("session", key, stored).when(Expr::absent()))
}

/// What admission looks at of what is stored under its keys.
const ADMITTING: How = How::STRONG.only(
    "sk, tenant_id, impersonator, expires_at, created_at, second_factor_at, confirmed_at, #family, #role, #status, removed_at, \
     #provisioning.#status, #plan, #generation",
    &["family", "generation", "plan", "provisioning", "role", "status"],
);

/// What every admission looks at.
fn seen(found: &mut HashMap<String, Found>, session: &Key) -> Result<Admission, StoreError> {
    let session = found.remove(&session.sk).map(|item| read("session", item)).transpose()?;
    let second_factor = found.remove(SECOND_FACTOR).is_some_and(|item| item.contains_key(CONFIRMED));
    Ok(Admission { session, second_factor, ..Admission::default() })
}
