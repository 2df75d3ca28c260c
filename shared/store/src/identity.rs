//! People, and which tenants they belong to.
//!
//! A person is found by the claim on the address, and lives in a partition of their own together with pointers to their
//! tenants. The membership in the tenant's partition decides; the pointer is there to list them.
//! The identity counts its memberships, so that it can only be removed when nobody else has come to rely on it.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{EmailAddress, IdentityId, MembershipStatus, PersonName, Role, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    IssuedTemporary, PlatformUser, Store, StoreError,
    item::{item, n, read, s},
    keys::{
        IDENTITY, Key, MEMBERS, PLATFORM_ROLE, SECOND_FACTOR, SESSIONS, TEMPORARY, hex_digest, identity_partition,
        tenant_partition,
    },
    second_factor::CONFIRMED,
    transact::{Expr, Write},
};

/// A password hash as a PHC string. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes the string as it is.
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// For the verifier.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// To know it again without keeping it a second time.
    #[must_use]
    pub fn digest(&self) -> String {
        hex_digest(&[self.0.as_bytes()])
    }

    pub(crate) fn attribute(&self) -> AttributeValue {
        s(&self.0)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// A person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The person's id.
    pub identity_id: IdentityId,
    /// The address as the person wrote it.
    pub email: EmailAddress,
    /// The person's name.
    pub name: PersonName,
    /// None until activated.
    pub password_phc: Option<PasswordHash>,
    /// Whether the person has shown that the address is theirs.
    pub email_verified: bool,
    /// How many tenants the person belongs to.
    pub memberships: u32,
    /// The provisioning attempt that made it, if one did: `{tenant_id}#{attempt}`.
    pub made_by: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// A person in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The person.
    pub identity_id: IdentityId,
    /// What the person may do there.
    pub role: Role,
    /// Whether it may be used.
    pub status: MembershipStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// The provisioning attempt that made it; 0 where none did.
    pub attempt: u32,
    /// How the person came: `signup`, `invitation`.
    pub via: String,
    /// Incremented by every change; a change that names an older one is refused.
    #[serde(default = "first")]
    pub version: u64,
}

const fn first() -> u64 {
    1
}

/// A membership as seen from the person: enough to choose a tenant by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipPointer {
    /// The tenant.
    pub tenant_id: TenantId,
    /// What the person may do there, to show; the membership itself decides.
    pub role: Role,
    /// The attempt that made it, so that an undo leaves later ones alone.
    pub attempt: u32,
}

#[derive(Serialize, Deserialize)]
struct EmailClaim {
    identity_id: IdentityId,
    made_by: Option<String>,
}

/// What signing in needs to know.
#[derive(Debug)]
pub struct LoginView {
    /// The person.
    pub identity: Identity,
    /// The person's tenants.
    pub memberships: Vec<MembershipPointer>,
    /// The person's platform role, if they have one.
    pub platform: Option<PlatformUser>,
    /// Whether the person has a second factor that is confirmed.
    pub second_factor: bool,
    /// The temporary password, if one was mailed and not used.
    pub temporary: Option<IssuedTemporary>,
}

impl Store {
    /// Who claimed the address (strongly consistent, so that a second tenant of the same person finds the first's identity).
    pub async fn identity_by_email(&self, email: &EmailAddress) -> Result<Option<IdentityId>, StoreError> {
        let claim: Option<EmailClaim> = self.record("email claim", &Key::email(&email.normalized())).await?;
        Ok(claim.map(|claim| claim.identity_id))
    }

    /// A person's record (strongly consistent).
    pub async fn identity(&self, id: &IdentityId) -> Result<Option<Identity>, StoreError> {
        self.record("identity", &Key::identity(id)).await
    }

    /// Who signs in, by address: two reads. For an unknown address the second is the same for `nobody`, an id that is not
    /// taken, so that its time tells nothing.
    pub async fn login_view(&self, email: &EmailAddress, nobody: IdentityId) -> Result<Option<LoginView>, StoreError> {
        let id = self.identity_by_email(email).await?.unwrap_or(nobody);
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk < :sessions")
            .expression_attribute_values(":pk", s(identity_partition(&id)))
            .expression_attribute_values(":sessions", s(SESSIONS));
        let items = Box::pin(query.send()).await?.items.unwrap_or_default();
        let (mut identity, mut memberships, mut platform) = (None, Vec::new(), None);
        let (mut temporary, mut second_factor) = (None, false);
        for item in items {
            match Key::of(&item) {
                Some(key) if key.sk == SECOND_FACTOR => second_factor = item.contains_key(CONFIRMED),
                Some(key) if key.sk == IDENTITY => identity = Some(read("identity", item)?),
                Some(key) if key.sk == PLATFORM_ROLE => platform = Some(read("platform role", item)?),
                Some(key) if key.sk == TEMPORARY => temporary = Some(read("temporary password", item)?),
                Some(key) if key.sk.starts_with("TENANT#") => memberships.push(read("membership pointer", item)?),
                _ => {}
            }
        }
        Ok(identity.map(|identity| LoginView { identity, memberships, platform, second_factor, temporary }))
    }

    /// Which tenants a person belongs to: one Query, strongly consistent.
    pub async fn tenants_of(&self, id: &IdentityId) -> Result<Vec<MembershipPointer>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :tenant)")
            .expression_attribute_values(":pk", s(identity_partition(id)))
            .expression_attribute_values(":tenant", s("TENANT#"));
        let found = Box::pin(query.send()).await?;
        found.items.unwrap_or_default().into_iter().map(|item| read("membership pointer", item)).collect()
    }

    /// The members of a tenant: one page, strongly consistent.
    pub async fn members(&self, tenant: &TenantId) -> Result<Vec<Membership>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :member)")
            .expression_attribute_values(":pk", s(tenant_partition(tenant)))
            .expression_attribute_values(":member", s(MEMBERS));
        let found = Box::pin(query.send()).await?;
        found.items.unwrap_or_default().into_iter().map(|item| read("membership", item)).collect()
    }
}

fn maker(tenant: &TenantId, attempt: u32) -> String {
    format!("{tenant}#{attempt}")
}

/// A new person with their first membership. Refused as a conflict of the `email claim` where the address was claimed
/// meanwhile; the next try finds that identity and calls [`join`].
pub(crate) fn create(identity: &Identity, membership: &Membership) -> Result<Vec<Write>, StoreError> {
    let made_by = Some(maker(&membership.tenant_id, membership.attempt)).filter(|_| membership.attempt > 0);
    let mut writes = claim(&Identity { memberships: 1, made_by, ..identity.clone() })?.to_vec();
    writes.extend(relate(membership)?);
    Ok(writes)
}

/// A new person with the claim on their address.
pub(crate) fn claim(identity: &Identity) -> Result<[Write; 2], StoreError> {
    let claim_key = Key::email(&identity.email.normalized());
    let claim = EmailClaim { identity_id: identity.identity_id.clone(), made_by: identity.made_by.clone() };
    let claim = Write::put("email claim", claim_key.clone(), item("email claim", &claim_key, &claim)?);
    let key = Key::identity(&identity.identity_id);
    let person = Write::put("identity", key.clone(), item("identity", &key, identity)?);
    Ok([claim.when(Expr::absent()), person.when(Expr::absent())])
}

/// A membership for a person who is there already. Of the person only the count changes, never a credential.
pub(crate) fn join(membership: &Membership) -> Result<Vec<Write>, StoreError> {
    let exists = Expr::new("attribute_exists(pk)").value(":one", n(1));
    let count = Write::update("identity", Key::identity(&membership.identity_id), "ADD memberships :one", exists);
    let mut writes = vec![count];
    writes.extend(relate(membership)?);
    Ok(writes)
}

pub(crate) fn relate(membership: &Membership) -> Result<[Write; 2], StoreError> {
    let Membership { tenant_id, identity_id, role, attempt, .. } = membership;
    let pointer = MembershipPointer { tenant_id: tenant_id.clone(), role: *role, attempt: *attempt };
    let (here, there) = (Key::member(tenant_id, identity_id), Key::pointer(identity_id, tenant_id));
    Ok([
        Write::put("membership", here.clone(), item("membership", &here, membership)?).when(Expr::absent()),
        Write::put("membership pointer", there.clone(), item("membership pointer", &there, &pointer)?)
            .when(Expr::absent()),
    ])
}

/// Takes back a membership, and the person with it where this attempt made both and the person neither activated nor
/// joined anybody else. A person who moved on between the read and the write is a conflict, and the next try sees it.
pub(crate) fn leave(membership: &Membership, identity: &Identity) -> Vec<Write> {
    let Membership { tenant_id, identity_id, attempt, .. } = membership;
    let ours = Expr::new("attempt = :attempt").value(":attempt", n(attempt));
    let mut writes = vec![
        Write::delete("membership", Key::member(tenant_id, identity_id)).when(ours.clone()),
        Write::delete("membership pointer", Key::pointer(identity_id, tenant_id)).when(ours),
    ];
    let made_by = maker(tenant_id, *attempt);
    if identity.made_by.as_ref() == Some(&made_by) && identity.password_phc.is_none() && identity.memberships == 1 {
        let unused = Expr::new("made_by = :maker AND attribute_not_exists(password_phc) AND memberships = :one")
            .value(":maker", s(&made_by))
            .value(":one", n(1));
        let claimed = Expr::new("made_by = :maker").value(":maker", s(&made_by));
        writes.push(Write::delete("identity", Key::identity(identity_id)).when(unused));
        writes.push(Write::delete("email claim", Key::email(&identity.email.normalized())).when(claimed));
    } else {
        let still_used = Expr::new("attribute_exists(pk)").value(":less", n(-1));
        writes.push(Write::update("identity", Key::identity(identity_id), "ADD memberships :less", still_used));
    }
    writes
}
