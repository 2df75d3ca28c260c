//! Invitations: an address, a role, and the digest of the newest token that was mailed. One for each address and tenant.
//!
//! An invitation to be an admin takes a seat of the plan until it is accepted, withdrawn or, once it is outlived,
//! cleared away. So TTL takes tokens and never an invitation: a seat would be lost with it.

use domain::{Actor, EmailAddress, InvitationId, MembershipStatus, Role, Seats, TenantId, TokenDigest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, By, Earlier, IdempotencyRecord, Identity, MembersError, MembersRefusal, Membership, PasswordHash, Store,
    StoreError, idempotency, identity,
    item::{item, n, read, s},
    keys::{INVITATIONS, Key, tenant_partition},
    membership::why,
    seats,
    transact::{Expr, Refused, Write},
};

/// Somebody was asked to join a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id, of tenant and address.
    pub invitation_id: InvitationId,
    /// Where to.
    pub tenant_id: TenantId,
    /// Who, as the inviter wrote it.
    pub email: EmailAddress,
    /// As what.
    pub role: Role,
    /// Digest of the token in the newest mail; no other one opens it.
    pub token: TokenDigest,
    /// By whom.
    pub invited_by: Actor,
    /// When first.
    pub created_at: Timestamp,
    /// Until when the newest mail is good.
    pub expires_at: Timestamp,
}

/// Where a token leads.
#[derive(Serialize, Deserialize)]
struct Pointer {
    tenant_id: TenantId,
    invitation_id: InvitationId,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    expires_at: Timestamp,
}

/// Who accepts.
#[derive(Clone, Copy)]
pub enum Accepting<'a> {
    /// Nobody had the address: a new person, with their password.
    New(&'a Identity),
    /// A person without a password, and the one that they chose.
    First(&'a Identity, &'a PasswordHash),
    /// A person who has shown their password, which still is the one that was matched.
    Known(&'a Identity, &'a PasswordHash),
}

const WHAT: &str = "invitation";

impl Invitation {
    /// Whether its newest mail is still good.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    fn key(&self) -> Key {
        Key::invitation(&self.tenant_id, &self.invitation_id)
    }

    fn unchanged(&self) -> Expr {
        Expr::new("#token = :token").name("#token", "token").value(":token", s(self.token.as_str()))
    }

    fn pointer(&self) -> Result<Write, StoreError> {
        let key = Key::invitation_token(self.token.as_str());
        let Self { tenant_id, invitation_id, expires_at, .. } = self.clone();
        let mut stored = item("invitation token", &key, &Pointer { tenant_id, invitation_id, expires_at })?;
        stored.insert("ttl".to_owned(), n(self.expires_at.as_second()));
        Ok(Write::put("invitation token", key, stored).when(Expr::absent()))
    }

    fn no_pointer(&self) -> Write {
        Write::delete("invitation token", Key::invitation_token(self.token.as_str()))
    }
}

impl Store {
    /// Keeps an invitation and its token, in a READY tenant with room for it. [`MembersRefusal::There`] where the address
    /// has one, open or outlived; what an earlier request under the same idempotency key left, if there was one. One
    /// transaction of four or five items.
    ///
    /// # Errors
    /// [`MembersRefusal`]; [`StoreError`].
    pub async fn invite(
        &self,
        by: By<'_>,
        invitation: &Invitation,
        saved: Option<&IdempotencyRecord>,
        audit: &Audit,
    ) -> Result<Option<Earlier>, MembersError> {
        let (tenant, seat) = (&invitation.tenant_id, Seats::of_invitation(invitation.role));
        let stored = item(WHAT, &invitation.key(), invitation)?;
        let mut writes = vec![
            Write::put(WHAT, invitation.key(), stored).when(Expr::absent()),
            invitation.pointer()?,
            seats::in_ready(tenant, seat),
            by.still(tenant),
        ];
        if let Some(saved) = saved {
            writes.insert(0, saved.save()?);
        }
        match (self.commit_or_why(&writes, audit, invitation.token.as_str()).await?, saved) {
            (None, _) => Ok(None),
            (Some(Refused { what: idempotency::WHAT, held: Some(held) }), Some(saved)) => {
                Ok(Some(saved.compare(held)?))
            }
            (Some(refused), _) if refused.what == WHAT => Err(MembersRefusal::There.into()),
            (Some(refused), _) => Err(why(refused, seat)?.into()),
        }
    }

    /// Another token in place of the one before, which opens nothing any more. One transaction of four items.
    ///
    /// # Errors
    /// [`MembersRefusal`]; [`StoreError`].
    pub async fn renew_invitation(
        &self,
        by: By<'_>,
        before: &Invitation,
        after: &Invitation,
        audit: &Audit,
    ) -> Result<(), MembersError> {
        let renewed = before
            .unchanged()
            .name("#expires_at", "expires_at")
            .value(":new", s(after.token.as_str()))
            .value(":expires_at", s(after.expires_at.to_string()));
        let writes = [
            Write::update(WHAT, before.key(), "SET #token = :new, #expires_at = :expires_at", renewed),
            before.no_pointer(),
            after.pointer()?,
            by.still(&before.tenant_id),
        ];
        let refused = self.commit_or_why(&writes, audit, after.token.as_str()).await?;
        refused.map_or(Ok(()), |refused| Err(why(refused, Seats::default())?.into()))
    }

    /// Takes an invitation away, with its token and its seat: by somebody, or because it is outlived. One transaction of
    /// up to four items.
    ///
    /// # Errors
    /// [`MembersRefusal`]; [`StoreError`].
    pub async fn withdraw_invitation(
        &self,
        by: Option<By<'_>>,
        invitation: &Invitation,
        audit: &Audit,
    ) -> Result<(), MembersError> {
        let seat = Seats::of_invitation(invitation.role).until(Seats::default());
        let gone = Write::delete(WHAT, invitation.key()).when(invitation.unchanged());
        let mut writes = vec![gone, invitation.no_pointer()];
        writes.extend(seats::write(&invitation.tenant_id, seat));
        writes.extend(by.map(|by| by.still(&invitation.tenant_id)));
        let refused = self.commit_or_why(&writes, audit, invitation.token.as_str()).await?;
        refused.map_or(Ok(()), |refused| Err(why(refused, seat)?.into()))
    }

    /// The invitation that a token opens, if it still does: two reads, the second only for a token that is known.
    pub async fn issued_invitation(
        &self,
        digest: &TokenDigest,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        let key = Key::invitation_token(digest.as_str());
        let Some(pointer) = self.record::<Pointer>("invitation token", &key).await? else { return Ok(None) };
        let found = self.invitation(&pointer.tenant_id, &pointer.invitation_id).await?;
        Ok(found.filter(|invitation| invitation.token == *digest && invitation.is_open(now)))
    }

    /// An invitation (strongly consistent).
    pub async fn invitation(&self, tenant: &TenantId, id: &InvitationId) -> Result<Option<Invitation>, StoreError> {
        self.record(WHAT, &Key::invitation(tenant, id)).await
    }

    /// A page of a tenant's invitations, by id, and the id to go on after if there are more. One `Query`.
    pub async fn invitations(
        &self,
        tenant: &TenantId,
        after: Option<&InvitationId>,
        limit: u16,
    ) -> Result<(Vec<Invitation>, Option<InvitationId>), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :invitation)")
            .expression_attribute_values(":pk", s(tenant_partition(tenant)))
            .expression_attribute_values(":invitation", s(INVITATIONS))
            .set_exclusive_start_key(after.map(|last| Key::invitation(tenant, last).attributes()))
            .limit(i32::from(limit));
        let page = Box::pin(query.send()).await?;
        let more = page.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let found = page.items.unwrap_or_default().into_iter();
        let invitations: Vec<Invitation> = found.map(|item| read(WHAT, item)).collect::<Result<_, _>>()?;
        let next = invitations.last().filter(|_| more).map(|last| last.invitation_id.clone());
        Ok((invitations, next))
    }

    /// Uses an invitation up: token, invitation and seat become a membership, in a READY tenant. Of two calls at once one
    /// succeeds. [`MembersRefusal::There`] where somebody claimed the address meanwhile: look again. One transaction of
    /// up to seven items.
    ///
    /// # Errors
    /// [`MembersRefusal`]; [`StoreError`].
    pub async fn accept_invitation(
        &self,
        invitation: &Invitation,
        membership: &Membership,
        who: Accepting<'_>,
        audit: &Audit,
    ) -> Result<(), MembersError> {
        let seated = Seats::of_invitation(invitation.role);
        let change = seated.until(Seats::of(membership.role, MembershipStatus::Active));
        let alive = Expr::new("expires_at > :now").value(":now", n(audit.entry.at.as_second()));
        let mut writes = vec![
            invitation.no_pointer().when(alive),
            Write::delete(WHAT, invitation.key()).when(invitation.unchanged()),
            seats::in_ready(&invitation.tenant_id, change),
        ];
        writes.extend(who.writes()?);
        writes.extend(identity::relate(membership)?);
        match self.commit_or_why(&writes, audit, invitation.token.as_str()).await? {
            None => Ok(()),
            Some(refused) if refused.what == "email claim" => Err(MembersRefusal::There.into()),
            Some(refused) => Err(why(refused, change)?.into()),
        }
    }
}

impl Accepting<'_> {
    /// Whoever has the token has read the mail, so the address is theirs.
    fn writes(self) -> Result<Vec<Write>, StoreError> {
        const JOIN: &str = "SET password_phc = :phc, email_verified = :yes ADD memberships :one";
        let (person, phc, condition) = match self {
            Self::New(person) => return Ok(identity::claim(person)?.to_vec()),
            Self::First(person, chosen) => {
                (person, chosen, "attribute_exists(pk) AND attribute_not_exists(password_phc)")
            }
            Self::Known(person, matched) => (person, matched, "password_phc = :phc"),
        };
        let expr = Expr::new(condition)
            .value(":phc", phc.attribute())
            .value(":one", n(1))
            .value(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        let identity = Write::update("identity", Key::identity(&person.identity_id), JOIN, expr);
        let temporary = Write::delete("temporary password", Key::temporary(&person.identity_id));
        Ok(if matches!(self, Self::First(..)) { vec![identity, temporary] } else { vec![identity] })
    }
}
