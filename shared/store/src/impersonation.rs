//! Impersonation: a session of a member in which somebody of the platform acts, and the record of it (REQUIREMENTS.md R25).
//!
//! The session is where the door looks, so its end is the end. The record is what operators look at: one partition, by time.

use std::{collections::HashSet, fmt, str::FromStr};

use domain::{IdentityId, Plan, Reason, Role, Rule, SessionId, TenantId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Session, Store, StoreError,
    item::{item, n, read, s},
    keys::{IMPERSONATIONS, Key},
    reads::{How, all_pages},
    session,
    transact::{Action, Expr, Write},
};

/// How long one lasts: enough to look into something, too short to live in.
pub const IMPERSONATION: SignedDuration = SignedDuration::from_mins(30);

const WHAT: &str = "impersonation";
/// Keys of one `BatchGetItem`.
const AT_ONCE: usize = 100;
const DAY: i64 = 86_400;

/// Somebody of the platform in a member's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impersonation {
    /// The session that it is.
    pub impersonation_id: SessionId,
    /// Who acts.
    pub by: IdentityId,
    /// In whose place.
    pub identity_id: IdentityId,
    /// Where.
    pub tenant_id: TenantId,
    /// As what, at its start; the membership decides.
    pub role: Role,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub started_at: Timestamp,
    /// Until when, at most.
    pub expires_at: Timestamp,
    /// When it was ended, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<IdentityId>,
}

/// Where in the list one goes on: after the record whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImpersonationPosition(String);

impl fmt::Display for ImpersonationPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ImpersonationPosition {
    type Err = Rule;

    fn from_str(text: &str) -> Result<Self, Rule> {
        let is_time = |time: &str| time.len() == 13 && time.bytes().all(|byte| byte.is_ascii_digit());
        match text.split_once('#') {
            Some((time, session)) if is_time(time) && SessionId::parse(session).is_ok() => Ok(Self(text.to_owned())),
            _ => Err(Rule::new("invalid", "is no place in the list of impersonations")),
        }
    }
}

impl Impersonation {
    fn key(&self) -> Key {
        Key::impersonation(self.started_at, &self.impersonation_id)
    }
}

impl Store {
    /// Starts the session and keeps the record, in one transaction; for as long as the longest audit log is kept. A conflict of
    /// the `membership` where that was ended meanwhile.
    pub async fn start_impersonation(
        &self,
        session: &Session,
        record: &Impersonation,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        let mut write = session::new(session)?;
        if let Action::Put(stored) = &mut write.action {
            stored.insert("impersonator".to_owned(), s(record.by.as_str()));
        }
        let key = record.key();
        let mut stored = item(WHAT, &key, record)?;
        let kept = i64::from(Plan::Enterprise.limits().audit_retention_days) * DAY;
        stored.insert("ttl".to_owned(), n(record.started_at.as_second() + kept));
        let record_of_it = Write::put(WHAT, key, stored).when(Expr::absent());
        let writes = [write, record_of_it, session::comes_in(session)];
        // The member may sign in at the same moment, which counts on the membership too: a race is tried again.
        match self.commit_or_why(&writes, audit, record.impersonation_id.as_str()).await? {
            None => Ok(()),
            Some(refused) => Err(StoreError::Conflict(refused.what)),
        }
    }

    /// Ends it: the door refuses the next request. False where it was ended before.
    pub async fn end_impersonation(
        &self,
        record: &Impersonation,
        by: &IdentityId,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let open = Expr::new("attribute_exists(pk) AND attribute_not_exists(ended_at)")
            .value(":at", s(audit.entry.at.to_string()))
            .value(":by", s(by.as_str()));
        let writes = [
            Write::update(WHAT, record.key(), "SET ended_at = :at, ended_by = :by", open),
            Write::delete("session", Key::session(&record.identity_id, &record.impersonation_id)),
        ];
        self.commit_if(&writes, audit, record.impersonation_id.as_str()).await
    }

    /// Those under way: a Query for the last half hour, page by page, strongly consistent, and a look at their sessions, which
    /// may have been ended by the member too.
    pub async fn active_impersonations(&self, now: Timestamp) -> Result<Vec<Impersonation>, StoreError> {
        let records = self.unended_impersonations(now).await?;
        let keys: Vec<Key> =
            records.iter().map(|record| Key::session(&record.identity_id, &record.impersonation_id)).collect();
        let mut live = HashSet::new();
        for some in keys.chunks(AT_ONCE) {
            live.extend(self.batch_by_key(some, How::STRONG).await?.into_keys());
        }
        let there =
            |(record, key): (Impersonation, &Key)| (now < record.expires_at && live.contains(key)).then_some(record);
        Ok(records.into_iter().zip(&keys).filter_map(there).collect())
    }

    async fn unended_impersonations(&self, now: Timestamp) -> Result<Vec<Impersonation>, StoreError> {
        let since = now.saturating_sub(IMPERSONATION).unwrap_or(Timestamp::MIN).as_millisecond();
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk > :since")
            .filter_expression("attribute_not_exists(ended_at)")
            .expression_attribute_values(":pk", s(IMPERSONATIONS))
            .expression_attribute_values(":since", s(format!("{since:013}")));
        all_pages(query).await?.into_iter().map(|item| read(WHAT, item)).collect()
    }

    /// A page of all of them, the newest first, after the entry that `after` names.
    pub async fn impersonations(
        &self,
        after: Option<&ImpersonationPosition>,
        limit: u16,
    ) -> Result<(Vec<Impersonation>, Option<ImpersonationPosition>), StoreError> {
        let start = after.map(|after| Key { pk: IMPERSONATIONS.to_owned(), sk: after.0.clone() }.attributes());
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(IMPERSONATIONS))
            .scan_index_forward(false)
            .set_exclusive_start_key(start)
            .limit(i32::from(limit));
        let page = Box::pin(query.send()).await?;
        let next = page.last_evaluated_key.as_ref().and_then(Key::of).map(|key| ImpersonationPosition(key.sk));
        let found = page.items.unwrap_or_default().into_iter().map(|item| read(WHAT, item));
        Ok((found.collect::<Result<_, _>>()?, next))
    }
}
