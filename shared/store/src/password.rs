//! A password becomes another: by its owner, who knows the old one, or by the bearer of a mailed token.
//!
//! It is one transaction, in which every session but the owner's own ends too. A person's identity counts the sessions
//! that were started with the password; a session that starts between the look at them and the transaction makes its
//! condition fail, and the next try ends that one with the others. Who is outrun closes the person's sign-in for as long as
//! the change may take, so that no number of sign-ins keeps a password from being replaced. A sign-in that matched the old
//! password afterwards is refused by its own condition ([`Store::start_session`]).
//!
//! Of a person's reset tokens only the newest counts: its digest is on the identity, and to use it takes it away.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::AttributeValue};
use domain::{Action, IdentityId, SessionId, TokenDigest};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Audit, PasswordHash, Store, StoreError,
    item::{Item, item, n, read, s},
    keys::Key,
    transact::{Ended, Expr, Reason, Write, refusal},
};

/// Sessions that end with the password in one transaction of at most a hundred items. More are ended before it, by as
/// many at a time: whoever gets so far may end them.
const AT_ONCE: usize = 90;
/// How often others may be quicker: a sign-in before the person's are closed, and refreshes and other changes.
const TRIES: usize = 8;
/// Until when nobody signs in with the password, in seconds since the epoch.
pub(crate) const CLOSED: &str = "sign_in_closed_until";
/// As long as a function may run, and some.
const CLOSED_FOR: SignedDuration = SignedDuration::from_secs(15);

/// A reset token that has been issued and not used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuedReset {
    /// Whose password it replaces.
    pub identity_id: IdentityId,
    /// Until when it is good. TTL removes it some time later.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
    /// The temporary password that it was exchanged for, which must not become the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<TokenDigest>,
}

/// A token's digest, as the person's newest; `condition` is on the person.
pub(crate) fn issue(digest: &TokenDigest, issued: &IssuedReset, condition: &str) -> Result<[Write; 2], StoreError> {
    let key = Key::reset(digest.as_str());
    let mut stored = item("reset token", &key, issued)?;
    stored.insert("ttl".to_owned(), n(issued.expires_at.as_second()));
    let newest = Expr::new(condition).value(":digest", s(digest.as_str()));
    Ok([
        Write::put("reset token", key, stored).when(Expr::absent()),
        Write::update("identity", Key::identity(&issued.identity_id), "SET reset_digest = :digest", newest),
    ])
}

/// What entitles to set a password.
#[derive(Clone, Copy)]
pub enum Entitled<'a> {
    /// The password as it was matched, from a session that stays.
    Owner {
        /// The hash.
        matched: &'a PasswordHash,
        /// The session.
        session: &'a SessionId,
    },
    /// The newest reset token.
    Bearer(&'a TokenDigest),
}

/// Of an identity, what a new password replaces.
#[derive(Deserialize)]
struct Credentials {
    password_phc: Option<PasswordHash>,
    reset_digest: Option<TokenDigest>,
    #[serde(default)]
    sessions_started: u64,
}

impl Entitled<'_> {
    fn holds(self, for_these: &Credentials) -> bool {
        match self {
            Self::Owner { matched, .. } => for_these.password_phc.as_ref() == Some(matched),
            Self::Bearer(digest) => for_these.reset_digest.as_ref() == Some(digest),
        }
    }

    /// Whoever has the token has read the mail, so the address is theirs.
    fn write(self, identity: &IdentityId, seen: &Credentials, new: &PasswordHash) -> Write {
        let count = match seen.sessions_started {
            0 => "attribute_not_exists(sessions_started)",
            _ => "sessions_started = :started",
        };
        let verified = match self {
            Self::Owner { .. } => "",
            Self::Bearer(_) => ", email_verified = :yes",
        };
        let update = format!("SET password_phc = :new{verified} REMOVE reset_digest, {CLOSED}");
        let (right, value) = self.right();
        let mut expr = Expr::new(&format!("{right} AND {count}")).value(":right", value).value(":new", new.attribute());
        if seen.sessions_started > 0 {
            expr = expr.value(":started", n(seen.sessions_started));
        }
        if let Self::Bearer(_) = self {
            expr = expr.value(":yes", AttributeValue::Bool(true));
        }
        Write::update("password", Key::identity(identity), &update, expr)
    }

    /// The condition on the identity, and its value `:right`.
    fn right(self) -> (&'static str, AttributeValue) {
        match self {
            Self::Owner { matched, .. } => ("password_phc = :right", matched.attribute()),
            Self::Bearer(digest) => ("reset_digest = :right", s(digest.as_str())),
        }
    }

    /// The token; and a temporary password that nobody needs any more.
    fn used_up(self, identity: &IdentityId, now: Timestamp) -> Vec<Write> {
        let Self::Bearer(digest) = self else { return Vec::new() };
        let alive = Expr::new("expires_at > :now AND identity_id = :identity")
            .value(":now", n(now.as_second()))
            .value(":identity", s(identity.as_str()));
        let token = Write::delete("reset token", Key::reset(digest.as_str())).when(alive);
        vec![token, Write::delete("temporary password", Key::temporary(identity))]
    }
}

impl Store {
    /// Keeps a token's digest, in place of an earlier one's. A conflict of the `identity` where there is no such person.
    pub async fn issue_reset(
        &self,
        digest: &TokenDigest,
        issued: &IssuedReset,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        self.commit(&issue(digest, issued, "attribute_exists(pk)")?, audit, digest.as_str()).await
    }

    /// Whom a token is for, before it is used: one read. None for one that is unknown, used or expired; whether it is the
    /// person's newest is decided where it is used.
    pub async fn issued_reset(&self, digest: &TokenDigest, now: Timestamp) -> Result<Option<IssuedReset>, StoreError> {
        let issued: Option<IssuedReset> = self.record("reset token", &Key::reset(digest.as_str())).await?;
        Ok(issued.filter(|issued| issued.expires_at > now))
    }

    /// Sets the password, uses up what entitles to it, and ends the person's sessions; says whether it did. It did not
    /// where the caller is no longer entitled: the password was changed, or the token used, replaced or outlived.
    ///
    /// One read, a Query of the sessions, and one transaction, which costs two write units for each session; one write more for
    /// who is outrun.
    pub async fn set_password(
        &self,
        identity: &IdentityId,
        by: Entitled<'_>,
        new: &PasswordHash,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        for tried in 0..TRIES {
            if tried == 1 && !self.close_sign_in(identity, by, audit.entry.at).await? {
                return Ok(false);
            }
            let seen: Option<Credentials> = self.record("identity", &Key::identity(identity)).await?;
            let Some(seen) = seen.filter(|seen| by.holds(seen)) else { return Ok(false) };
            let mut writes = vec![by.write(identity, &seen, new)];
            writes.extend(by.used_up(identity, audit.entry.at));
            let ends = self.ends(identity, by, audit).await?;
            let mut audit = audit.clone();
            audit.entry.after = audit.entry.after.with("sessions_ended", &(ends.len() as u64));
            writes.extend(ends);
            let reasons = match self.transact(&writes, &audit, identity.as_str()).await? {
                Ended::Committed => return Ok(true),
                Ended::Cancelled(reasons) => reasons,
            };
            match reasons.iter().position(|reason| matches!(reason, Reason::Condition(_))) {
                Some(0) if entitled_still(by, &reasons[0])? => {}
                Some(_) => return Ok(false),
                None if reasons.contains(&Reason::Race) => {}
                None => return Err(refusal(&writes, &reasons)),
            }
        }
        Err(StoreError::busy("others keep outrunning the change of the password"))
    }

    /// Sees to it that nobody signs in with the old password while it is being replaced. False where the caller is not entitled.
    /// It passes by itself, as a lease does, and changes nothing else.
    async fn close_sign_in(&self, identity: &IdentityId, by: Entitled<'_>, now: Timestamp) -> Result<bool, StoreError> {
        let until = now.saturating_add(CLOSED_FOR).unwrap_or(Timestamp::MAX);
        let (right, value) = by.right();
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(Key::identity(identity).attributes()))
            .update_expression(format!("SET {CLOSED} = :until"))
            .condition_expression(right)
            .expression_attribute_values(":until", n(until.as_second()))
            .expression_attribute_values(":right", value);
        match Box::pin(update.send()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// The end of each session but the owner's; of very many, of those that are left after most have been ended.
    async fn ends(&self, identity: &IdentityId, by: Entitled<'_>, audit: &Audit) -> Result<Vec<Write>, StoreError> {
        let kept = match by {
            Entitled::Owner { session, .. } => Some(Key::session(identity, session)),
            Entitled::Bearer(_) => None,
        };
        let keys = self.session_keys(identity).await?.into_iter().filter(|key| Some(key) != kept.as_ref());
        let mut ends: Vec<Write> = keys.map(|key| Write::delete("session", key)).collect();
        while ends.len() > AT_ONCE {
            let some = ends.split_off(ends.len() - AT_ONCE);
            let mut audit = audit.clone();
            audit.entry.action = Action::SessionRevoked;
            // One that is being refreshed is tried again. No condition can fail.
            self.commit_if(&some, &audit, &some[0].key.sk).await?;
        }
        Ok(ends)
    }
}

/// Whether only the count of sessions has moved.
fn entitled_still(by: Entitled<'_>, refused: &Reason) -> Result<bool, StoreError> {
    let Reason::Condition(Some(found)) = refused else { return Ok(false) };
    let found: Item = found.clone();
    Ok(by.holds(&read("identity", found)?))
}
