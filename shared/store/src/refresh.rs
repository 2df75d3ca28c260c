//! What happens to a session after its start: refreshes, another tenant, its end. The protocol is in `domain::refresh`.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{IdentityId, SessionId, TenantId, refresh::Family};

use crate::{
    Audit, Session, Store, StoreError,
    item::{attribute, n, read, s},
    keys::{Key, SESSIONS, identity_partition},
    membership::{MEMBERSHIP, comes_in},
    reads::all_pages,
    transact::{Ended, Expr, Reason, Refused, Write, refusal},
};

/// Deletes in one transaction, which takes a hundred items, one of them the audit entry.
const AT_ONCE: usize = 99;

/// A page of a person's sessions, in no particular order.
#[derive(Debug)]
pub struct SessionPage {
    /// The sessions; one that has ended may be among them until TTL takes it away.
    pub sessions: Vec<Session>,
    /// Where the next page begins, if there is one.
    pub next: Option<SessionId>,
}

impl Store {
    /// Stores the family with its next generation, if the one before is still the newest. False where another was
    /// faster, or the session is gone: the caller reads again.
    pub async fn rotate(
        &self,
        identity: &IdentityId,
        session: &SessionId,
        next: &Family,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let newest = Expr::new("#family.#generation = :before")
            .name("#family", "family")
            .name("#generation", "generation")
            .name("#ttl", "ttl")
            .value(":before", n(next.generation.saturating_sub(1)))
            .value(":family", attribute("session", next)?)
            .value(":ttl", n(next.ends_at.as_second()));
        let key = Key::session(identity, session);
        let write = Write::update("session", key, "SET #family = :family, #ttl = :ttl", newest);
        let writes = [write];
        match self.transact(&writes, audit, &format!("{session}#{}", next.generation)).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons) if matches!(reasons.first(), Some(Reason::Condition(_) | Reason::Race)) => {
                Ok(false)
            }
            Ended::Cancelled(reasons) => Err(refusal(&writes, &reasons)),
        }
    }

    /// Moves a session to another of its person's tenants. False where the session is gone; a conflict of the `membership` where
    /// that was ended meanwhile. It is counted as one that begins there.
    pub async fn switch_tenant(
        &self,
        identity: &IdentityId,
        session: &SessionId,
        tenant: &TenantId,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let exists = Expr::new("attribute_exists(pk)").value(":tenant", s(tenant.as_str()));
        let write = Write::update("session", Key::session(identity, session), "SET tenant_id = :tenant", exists);
        let writes = [write, comes_in(tenant, identity)];
        match self.commit_or_why(&writes, audit, session.as_str()).await? {
            None => Ok(true),
            Some(Refused { what: MEMBERSHIP, .. }) => Err(StoreError::Conflict(MEMBERSHIP)),
            Some(_) => Ok(false),
        }
    }

    /// Ends a session, and all its tokens with it. False where there is none: one that is being refreshed at this moment is
    /// there, and ends or is an error.
    pub async fn end_session(
        &self,
        identity: &IdentityId,
        session: &SessionId,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let write = Write::delete("session", Key::session(identity, session)).when(Expr::new("attribute_exists(pk)"));
        self.commit_if(&[write], audit, session.as_str()).await
    }

    /// A page of a person's sessions, strongly consistent.
    pub async fn sessions(
        &self,
        identity: &IdentityId,
        after: Option<&SessionId>,
        limit: i32,
    ) -> Result<SessionPage, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sessions)")
            .expression_attribute_values(":pk", s(identity_partition(identity)))
            .expression_attribute_values(":sessions", s(SESSIONS))
            .set_exclusive_start_key(after.map(|last| Key::session(identity, last).attributes()))
            .limit(limit);
        let found = Box::pin(query.send()).await?;
        let sessions: Vec<Session> =
            found.items.unwrap_or_default().into_iter().map(|item| read("session", item)).collect::<Result<_, _>>()?;
        let more = found.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let next = sessions.last().filter(|_| more).map(|last| last.session_id.clone());
        Ok(SessionPage { sessions, next })
    }

    /// Ends all sessions of a person but one, or all of them, and says how many. One Query for each page, one transaction
    /// for each hundred; what is interrupted can be repeated.
    pub async fn end_sessions(
        &self,
        identity: &IdentityId,
        but: Option<&SessionId>,
        audit: &Audit,
    ) -> Result<usize, StoreError> {
        let kept = but.map(|kept| Key::session(identity, kept));
        let keys: Vec<Key> =
            self.session_keys(identity).await?.into_iter().filter(|key| Some(key) != kept.as_ref()).collect();
        for some in keys.chunks(AT_ONCE) {
            let ends: Vec<Write> = some.iter().map(|key| Write::delete("session", key.clone())).collect();
            // One that is being refreshed is tried again. No condition can fail.
            self.commit_if(&ends, audit, &some[0].sk).await?;
        }
        Ok(keys.len())
    }

    pub(crate) async fn session_keys(&self, identity: &IdentityId) -> Result<Vec<Key>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sessions)")
            .projection_expression("pk, sk")
            .expression_attribute_values(":pk", AttributeValue::S(identity_partition(identity)))
            .expression_attribute_values(":sessions", s(SESSIONS));
        Ok(all_pages(query).await?.iter().filter_map(Key::of).collect())
    }
}
