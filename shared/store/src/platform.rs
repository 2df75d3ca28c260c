//! The people who run the platform, and the bootstrap credentials by which the first of them comes in.
//!
//! A platform role is a record in the person's own partition, where the door reads it with the session. A second record, in
//! one partition for all, lists them: there are few. The bootstrap admin's identity claims no address, so that whoever
//! owns that address, or signs up with it, has nothing to do with it.

use domain::{IdentityId, Role, TokenDigest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, By, Identity, IssuedActivation, Store, StoreError, activation, identity,
    item::{item, n, read, s},
    keys::{Key, PLATFORM_USERS, SESSIONS, identity_partition},
    membership::{ACTOR, AT_ONCE, MEMBERSHIP},
    reads::all_pages,
    transact::{Expr, Write},
};

/// What a conflict names where the super admin who is to go on is none any more.
pub const SUCCESSOR: &str = "successor";

/// Why a platform role was not taken away.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Who takes it has lost their own meanwhile.
    #[error("whoever acts has no such role any more")]
    NotEntitled,
    /// It was taken, or changed, meanwhile.
    #[error("another was first")]
    Outrun,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A person with a platform role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformUser {
    /// The person.
    pub identity_id: IdentityId,
    /// What the person may do.
    pub role: Role,
    /// Whether it is the identity of the bootstrap credentials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bootstrap: bool,
    /// When the role was given.
    pub created_at: Timestamp,
    /// When the person first signed in with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_at: Option<Timestamp>,
}

/// What became of the bootstrap credentials. No record means that nobody has used them yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// The identity that signs in with them, once somebody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<IdentityId>,
    /// When it was proven that they are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// Who removed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_by: Option<IdentityId>,
}

impl Store {
    /// Everybody with a platform role: one Query, strongly consistent.
    pub async fn platform_users(&self) -> Result<Vec<PlatformUser>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(PLATFORM_USERS));
        let found = Box::pin(query.send()).await?;
        found.items.unwrap_or_default().into_iter().map(|item| read("platform user", item)).collect()
    }

    /// A page of them by id, with who they are, and the id to go on after if there are more. One `Query` and one
    /// `BatchGetItem`, strongly consistent.
    pub async fn platform_user_page(
        &self,
        after: Option<&IdentityId>,
        limit: u16,
    ) -> Result<(Vec<(PlatformUser, Identity)>, Option<IdentityId>), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(PLATFORM_USERS))
            .set_exclusive_start_key(after.map(|last| Key::platform_user(last).attributes()))
            .limit(i32::from(limit));
        let page = Box::pin(query.send()).await?;
        let more = page.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let found = page.items.unwrap_or_default().into_iter();
        let users: Vec<PlatformUser> = found.map(|item| read("platform user", item)).collect::<Result<_, _>>()?;
        let next = users.last().filter(|_| more).map(|last| last.identity_id.clone());
        Ok((self.with_people(users, |user| &user.identity_id).await?, next))
    }

    /// Takes a person's platform role away and ends the sessions that they have on the platform; what they belong to as a
    /// member stays. Two Queries and one transaction of four items and the sessions.
    ///
    /// Whoever does it has to be somebody else, and still have their own role at that moment: so, of two who take each other's,
    /// one is refused, and there is always one left.
    pub async fn revoke_platform_role(
        &self,
        by: By<'_>,
        user: &PlatformUser,
        audit: &Audit,
    ) -> Result<(), RevokeError> {
        let id = &user.identity_id;
        let mut writes = vec![
            Write::delete("platform role", Key::platform_role(id)).when(is_role(user.role)),
            Write::delete("platform user", Key::platform_user(id)),
            has_role(ACTOR, by.identity, by.role),
        ];
        let sessions = self.platform_sessions(id).await?;
        writes.extend(sessions.into_iter().take(AT_ONCE));
        match self.commit_or_why(&writes, audit, id.as_str()).await? {
            Some(refused) if refused.what == ACTOR => return Err(RevokeError::NotEntitled),
            Some(_) => return Err(RevokeError::Outrun),
            None => {}
        }
        // Nobody comes in any more; what did since the look, or was too much at once, ends here.
        for some in self.platform_sessions(id).await?.chunks(AT_ONCE) {
            self.commit(some, audit, &some[0].key.sk).await?;
        }
        Ok(())
    }

    async fn platform_sessions(&self, id: &IdentityId) -> Result<Vec<Write>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sessions)")
            .filter_expression("attribute_not_exists(tenant_id)")
            .projection_expression("pk, sk")
            .expression_attribute_values(":pk", s(identity_partition(id)))
            .expression_attribute_values(":sessions", s(SESSIONS));
        let found = all_pages(query).await?;
        Ok(found.iter().filter_map(Key::of).map(|key| Write::delete("session", key)).collect())
    }

    /// A person's platform role: one strong read.
    pub async fn platform_user(&self, id: &IdentityId) -> Result<Option<PlatformUser>, StoreError> {
        self.record("platform role", &Key::platform_role(id)).await
    }

    /// A new person with a platform role, and the token by which they choose a password. Refused as a conflict of the
    /// `email claim` where the address belongs to somebody.
    pub async fn create_platform_user(
        &self,
        person: &Identity,
        user: &PlatformUser,
        activation: (&TokenDigest, &IssuedActivation),
        audit: &Audit,
    ) -> Result<(), StoreError> {
        let mut writes = identity::claim(person)?.to_vec();
        writes.extend(grant(user)?);
        writes.push(activation::issue(activation.0, activation.1)?);
        self.commit(&writes, audit, user.identity_id.as_str()).await
    }

    /// A platform role for a person who is there already, and a token for one who has no password. Refused as a conflict
    /// of the `platform role` where they have one.
    pub async fn grant_platform_role(
        &self,
        user: &PlatformUser,
        activation: Option<(&TokenDigest, &IssuedActivation)>,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        let mut writes = grant(user)?.to_vec();
        if let Some((digest, issued)) = activation {
            writes.push(activation::issue(digest, issued)?);
        }
        self.commit(&writes, audit, user.identity_id.as_str()).await
    }

    /// Another activation token, for a person who has lost the first.
    pub async fn issue_activation(
        &self,
        digest: &TokenDigest,
        issued: &IssuedActivation,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        self.commit(&[activation::issue(digest, issued)?], audit, digest.as_str()).await
    }

    /// Records that the person has signed in with the role. A conflict of the `platform role` where it was taken away, or
    /// the sign-in recorded, meanwhile.
    pub async fn record_platform_sign_in(
        &self,
        id: &IdentityId,
        at: Timestamp,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        let first = || {
            let at = s(at.to_string());
            Expr::new("attribute_exists(pk) AND attribute_not_exists(signed_in_at)").value(":at", at)
        };
        let writes = [
            Write::update("platform role", Key::platform_role(id), "SET signed_in_at = :at", first()),
            Write::update("platform user", Key::platform_user(id), "SET signed_in_at = :at", first()),
        ];
        self.commit(&writes, audit, id.as_str()).await
    }

    /// What became of the bootstrap credentials: one strong read.
    pub async fn bootstrap(&self) -> Result<Option<Bootstrap>, StoreError> {
        self.record("bootstrap record", &Key::bootstrap()).await
    }

    /// The first use of the bootstrap credentials: their identity, and its role. Refused as a conflict of the
    /// `bootstrap record` where another was first.
    pub async fn begin_bootstrap(
        &self,
        person: &Identity,
        user: &PlatformUser,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        let (key, at) = (Key::identity(&person.identity_id), Key::bootstrap());
        let record = Bootstrap { identity_id: Some(person.identity_id.clone()), ..Bootstrap::default() };
        let mut writes = vec![
            Write::put("bootstrap record", at.clone(), item("bootstrap record", &at, &record)?).when(Expr::absent()),
            Write::put("identity", key.clone(), item("identity", &key, person)?).when(Expr::absent()),
        ];
        writes.extend(grant(user)?);
        self.commit(&writes, audit, person.identity_id.as_str()).await
    }

    /// Records that the credentials are gone, and takes the role from their identity, which ends its sessions. A conflict
    /// of the `bootstrap record` where that is on record already, or somebody used them for the first time meanwhile; of the
    /// `successor` where the super admin who is to go on is none any more.
    pub async fn end_bootstrap(
        &self,
        before: &Bootstrap,
        after: &Bootstrap,
        successor: &IdentityId,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        let at = Key::bootstrap();
        let unchanged = match &before.identity_id {
            None => Expr::absent(),
            Some(id) => {
                Expr::new("identity_id = :id AND attribute_not_exists(removed_at)").value(":id", s(id.as_str()))
            }
        };
        let record = Write::put("bootstrap record", at.clone(), item("bootstrap record", &at, after)?).when(unchanged);
        let mut writes = vec![record, has_role(SUCCESSOR, successor, Role::SuperAdmin)];
        if let Some(id) = &before.identity_id {
            writes.push(Write::delete("platform role", Key::platform_role(id)));
            writes.push(Write::delete("platform user", Key::platform_user(id)));
        }
        self.commit(&writes, audit, "bootstrap").await
    }

    /// Forgets a removal, for somebody has put credentials back. A conflict where none is on record.
    pub async fn reopen_bootstrap(&self, audit: &Audit) -> Result<(), StoreError> {
        let removed = Expr::new("attribute_exists(removed_at)");
        self.commit(&[Write::delete("bootstrap record", Key::bootstrap()).when(removed)], audit, "bootstrap").await
    }
}

/// A look at a platform role, in a transaction.
pub(crate) fn has_role(what: &'static str, id: &IdentityId, role: Role) -> Write {
    Write::check(what, Key::platform_role(id), is_role(role))
}

/// That the person has a platform role at this moment. An update, so that who signs in needs no further right.
pub(crate) fn comes_in(id: &IdentityId) -> Write {
    let there = Expr::new("attribute_exists(pk)").value(":one", n(1));
    Write::update(MEMBERSHIP, Key::platform_role(id), "ADD sessions_started :one", there)
}

fn is_role(role: Role) -> Expr {
    Expr::new("#role = :role").name("#role", "role").value(":role", s(role.as_str()))
}

fn grant(user: &PlatformUser) -> Result<[Write; 2], StoreError> {
    let (own, listed) = (Key::platform_role(&user.identity_id), Key::platform_user(&user.identity_id));
    Ok([
        Write::put("platform role", own.clone(), item("platform role", &own, user)?).when(Expr::absent()),
        Write::put("platform user", listed.clone(), item("platform user", &listed, user)?).when(Expr::absent()),
    ])
}
