//! Changes of who belongs to a tenant, and as what.
//!
//! Whoever acts is held to the role that the door saw: the transaction has a look at it, so that of two owners who demote
//! each other one is refused. The tenant's counts change with the membership ([`crate::seats`]).

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{IdentityId, MembershipStatus, Role, Seats, TenantId};
use serde::Deserialize;

use crate::{
    Audit, Identity, MembersError, MembersRefusal, Membership, Store, StoreError,
    item::{n, read, s},
    keys::{Key, MEMBERS, SESSIONS, identity_partition, tenant_partition},
    platform,
    reads::{How, all_pages},
    seats,
    transact::{Expr, Refused, Write},
};

/// Sessions that end in the transaction that sends a member away; more are ended after it, when they open nothing.
pub(crate) const AT_ONCE: usize = 90;
/// How often sign-ins may outrun the end of a membership before it no longer waits for them.
const TRIES: usize = 4;
pub(crate) const MEMBERSHIP: &str = "membership";
/// How many sessions were begun with a membership, or moved to its tenant.
const STARTED: &str = "sessions_started";

/// Who changes memberships, with the role as it was seen.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The person.
    pub identity: &'a IdentityId,
    /// Their role, in the tenant or on the platform.
    pub role: Role,
}

pub(crate) const ACTOR: &str = "actor";

impl By<'_> {
    /// Over themselves nobody needs a look: the version stands for what was read, which has to be what the door saw.
    fn entitled(self, over: &Membership) -> Result<Option<Write>, MembersRefusal> {
        if *self.identity != over.identity_id {
            return Ok(Some(self.still(&over.tenant_id)));
        }
        let same = over.role == self.role && over.status == MembershipStatus::Active;
        if same { Ok(None) } else { Err(MembersRefusal::NotEntitled) }
    }

    pub(crate) fn still(self, tenant: &TenantId) -> Write {
        if self.role.is_platform() {
            return platform::has_role(ACTOR, self.identity, self.role);
        }
        let expr = Expr::new("#role = :role").name("#role", "role").value(":role", s(self.role.as_str()));
        let mut expr = expr.name("#status", "status").value(":active", s(MembershipStatus::Active.as_str()));
        expr.text += " AND #status = :active";
        Write::check(ACTOR, Key::member(tenant, self.identity), expr)
    }
}

/// That the person may come into the tenant at this moment. It is counted, so that who ends the membership at the same moment
/// does not overlook the session.
pub(crate) fn comes_in(tenant: &TenantId, identity: &IdentityId) -> Write {
    let active = Expr::new("#status = :active")
        .name("#status", "status")
        .value(":active", s(MembershipStatus::Active.as_str()))
        .value(":one", n(1));
    Write::update(MEMBERSHIP, Key::member(tenant, identity), &format!("ADD {STARTED} :one"), active)
}

/// Of a membership, what a sign-in leaves as it was, and what it counts.
#[derive(Deserialize)]
struct Begun {
    version: u64,
    #[serde(default)]
    sessions_started: u64,
}

impl Begun {
    /// One more condition on the membership: nobody has come in since.
    fn still(&self, write: &mut Write) {
        let mut expr = write.expr.take().unwrap_or_default();
        if self.sessions_started == 0 {
            expr.text += &format!(" AND attribute_not_exists({STARTED})");
        } else {
            expr.text += &format!(" AND {STARTED} = :started");
            expr = expr.value(":started", n(self.sessions_started));
        }
        write.expr = Some(expr);
    }
}

impl Store {
    /// A page of a tenant's members, by id, with who they are; and the id to go on after if there are more. One `Query`
    /// and one `BatchGetItem`, strongly consistent.
    pub async fn member_page(
        &self,
        tenant: &TenantId,
        after: Option<&IdentityId>,
        limit: u16,
    ) -> Result<(Vec<(Membership, Identity)>, Option<IdentityId>), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :member)")
            .expression_attribute_values(":pk", s(tenant_partition(tenant)))
            .expression_attribute_values(":member", s(MEMBERS))
            .set_exclusive_start_key(after.map(|last| Key::member(tenant, last).attributes()))
            .limit(i32::from(limit));
        let page = Box::pin(query.send()).await?;
        let more = page.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let found = page.items.unwrap_or_default().into_iter();
        let members: Vec<Membership> = found.map(|item| read("membership", item)).collect::<Result<_, _>>()?;
        let next = members.last().filter(|_| more).map(|last| last.identity_id.clone());
        Ok((self.with_people(members, |member| &member.identity_id).await?, next))
    }

    /// Each with its person: one `BatchGetItem`.
    pub(crate) async fn with_people<T>(
        &self,
        listed: Vec<T>,
        id: impl Fn(&T) -> &IdentityId,
    ) -> Result<Vec<(T, Identity)>, StoreError> {
        if listed.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Key> = listed.iter().map(|entry| Key::identity(id(entry))).collect();
        let mut people = self.batch_by_key(&keys, How::STRONG).await?;
        let mut found = Vec::with_capacity(listed.len());
        for (entry, key) in listed.into_iter().zip(&keys) {
            // Who left between the two reads belongs to nobody's list.
            if let Some(item) = people.remove(key) {
                found.push((entry, read("identity", item)?));
            }
        }
        Ok(found)
    }

    /// A membership (strongly consistent).
    pub async fn membership(&self, tenant: &TenantId, identity: &IdentityId) -> Result<Option<Membership>, StoreError> {
        self.record("membership", &Key::member(tenant, identity)).await
    }

    /// Gives a membership another role or status, as long as it is the version that was read. Where it is disabled, the
    /// person's sessions in the tenant end. One transaction of up to four items and the sessions; a read and a Query for those.
    ///
    /// # Errors
    /// [`MembersRefusal`]; [`StoreError`].
    pub async fn change_membership(
        &self,
        by: By<'_>,
        before: &Membership,
        after: &Membership,
        audit: &Audit,
    ) -> Result<(), MembersError> {
        let change = Seats::of(before.role, before.status).until(Seats::of(after.role, after.status));
        let mut writes = vec![changed(before, after), pointed(after)];
        writes.extend(seats::write(&before.tenant_id, change));
        writes.extend(by.entitled(before)?);
        if after.status == MembershipStatus::Disabled {
            return self.membership_ended(writes, change, before, audit).await;
        }
        let refused = self.commit_or_why(&writes, audit, &salt(before)).await?;
        refused.map_or(Ok(()), |refused| Err(why(refused, change)?.into()))
    }

    /// Takes a membership away, as long as it is the version that was read, and ends the person's sessions in the tenant.
    /// The person stays, for they may belong elsewhere. A read, a Query and one transaction, of up to five items and the sessions.
    ///
    /// # Errors
    /// [`MembersRefusal`]; [`StoreError`].
    pub async fn remove_membership(&self, by: By<'_>, member: &Membership, audit: &Audit) -> Result<(), MembersError> {
        let change = Seats::of(member.role, member.status).until(Seats::default());
        let (tenant, identity) = (&member.tenant_id, &member.identity_id);
        let one_less = Expr::new("attribute_exists(pk)").value(":less", n(-1));
        let mut writes = vec![
            Write::delete(MEMBERSHIP, Key::member(tenant, identity)).when(unchanged(member)),
            Write::delete("membership pointer", Key::pointer(identity, tenant)),
            Write::update("identity", Key::identity(identity), "ADD memberships :less", one_less),
        ];
        writes.extend(seats::write(tenant, change));
        writes.extend(by.entitled(member)?);
        self.membership_ended(writes, change, member, audit).await
    }

    /// The first write is the membership's. A session that begins between the look at them and the transaction makes its condition
    /// fail, and the next try ends that one with the others. The last try does without, so that no number of sign-ins is in its way:
    /// nobody comes in any more when it looks again.
    async fn membership_ended(
        &self,
        writes: Vec<Write>,
        change: Seats,
        member: &Membership,
        audit: &Audit,
    ) -> Result<(), MembersError> {
        let key = Key::member(&member.tenant_id, &member.identity_id);
        for tried in 1..=TRIES {
            let begun: Option<Begun> = self.record(MEMBERSHIP, &key).await?;
            let Some(begun) = begun.filter(|begun| begun.version == member.version) else {
                return Err(MembersRefusal::Outrun.into());
            };
            let mut writes = writes.clone();
            if tried < TRIES {
                begun.still(&mut writes[0]);
            }
            let mut later = self.sessions_in(member).await?;
            writes.extend(later.drain(..later.len().min(AT_ONCE)));
            match self.commit_or_why(&writes, audit, &salt(member)).await? {
                Some(refused) if tried < TRIES && refused.what == MEMBERSHIP && refused.held.is_some() => continue,
                Some(refused) => return Err(why(refused, change)?.into()),
                None if tried == TRIES => later = self.sessions_in(member).await?,
                None => {}
            }
            for some in later.chunks(AT_ONCE) {
                self.commit(some, audit, &some[0].key.sk).await?;
            }
            return Ok(());
        }
        Err(StoreError::busy("the membership is contended").into())
    }

    /// The end of each of the person's sessions that works in the tenant.
    pub(crate) async fn sessions_in(&self, member: &Membership) -> Result<Vec<Write>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sessions)")
            .filter_expression("tenant_id = :tenant")
            .projection_expression("pk, sk")
            .expression_attribute_values(":pk", AttributeValue::S(identity_partition(&member.identity_id)))
            .expression_attribute_values(":sessions", s(SESSIONS))
            .expression_attribute_values(":tenant", s(member.tenant_id.as_str()));
        let found = all_pages(query).await?;
        Ok(found.iter().filter_map(Key::of).map(|key| Write::delete("session", key)).collect())
    }
}

pub(crate) fn unchanged(member: &Membership) -> Expr {
    Expr::new("version = :version").value(":version", n(member.version))
}

fn salt(member: &Membership) -> String {
    format!("{}#{}", member.identity_id, member.version)
}

fn changed(before: &Membership, after: &Membership) -> Write {
    let expr = unchanged(before)
        .name("#role", "role")
        .name("#status", "status")
        .value(":role", s(after.role.as_str()))
        .value(":status", s(after.status.as_str()))
        .value(":next", n(after.version));
    let update = "SET #role = :role, #status = :status, version = :next";
    Write::update(MEMBERSHIP, Key::member(&before.tenant_id, &before.identity_id), update, expr)
}

/// The pointer shows the role, and decides nothing.
fn pointed(after: &Membership) -> Write {
    let expr = Expr::new("attribute_exists(pk)").name("#role", "role").value(":role", s(after.role.as_str()));
    let key = Key::pointer(&after.identity_id, &after.tenant_id);
    Write::update("membership pointer", key, "SET #role = :role", expr)
}

/// Which rule a refused write stands for.
pub(crate) fn why(refused: Refused, change: Seats) -> Result<MembersRefusal, StoreError> {
    match refused.what {
        seats::WHAT => seats::refused(change, refused.held),
        ACTOR => Ok(MembersRefusal::NotEntitled),
        _ => Ok(MembersRefusal::Outrun),
    }
}
