//! The second factor of a person, and the sign-ins that wait for it.
//!
//! That a code counts once is a condition: the step of the last one only grows, and a recovery code leaves its set as it is
//! used. What the proof is for, a session that starts or goes on, is in the same transaction.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{IdentityId, SessionId, TenantId, TokenDigest, refresh::Channel};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Identity, PasswordHash, Session, Store, StoreError,
    item::{item, n, read, s},
    keys::{IDENTITY, Key, SECOND_FACTOR, identity_partition},
    session,
    transact::{Expr, Write},
};

const WHAT: &str = "second factor";
const WAITING: &str = "waiting sign-in";
/// The attribute that only a confirmed factor has.
pub(crate) const CONFIRMED: &str = "confirmed_at";

/// A person's authenticator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// The person.
    pub identity_id: IdentityId,
    /// Its secret; opaque to the store.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
    /// When the secret was handed out.
    pub enrolled_at: Timestamp,
    /// When a code showed that it had arrived; until then it counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// The step of the last code that counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_step: Option<u64>,
    /// Digests of the recovery codes that are left.
    #[serde(default, skip_serializing)]
    recovery: BTreeSet<String>,
}

impl SecondFactor {
    /// One that is to be confirmed.
    pub fn new(identity_id: IdentityId, sealed: Vec<u8>, enrolled_at: Timestamp) -> Self {
        Self { identity_id, sealed, enrolled_at, confirmed_at: None, last_step: None, recovery: BTreeSet::new() }
    }

    /// How many recovery codes are left.
    pub fn recovery_codes(&self) -> usize {
        self.recovery.len()
    }

    /// What the proof changes, if it still counts.
    fn show(&self, shown: &Shown, at: Timestamp) -> Write {
        let (update, expr) = match shown {
            Shown::First { step, recovery } => (
                "SET confirmed_at = :at, last_step = :step, recovery = :codes",
                Expr::new("enrolled_at = :enrolled AND attribute_not_exists(confirmed_at)")
                    .value(":at", s(at.to_string()))
                    .value(":step", n(step))
                    .value(":codes", set(recovery)),
            ),
            Shown::Code { step } => (
                "SET last_step = :step",
                Expr::new("enrolled_at = :enrolled AND last_step < :step").value(":step", n(step)),
            ),
            Shown::Recovery(digest) => (
                "DELETE recovery :used",
                Expr::new("enrolled_at = :enrolled AND contains(recovery, :code)")
                    .value(":code", s(digest.as_str()))
                    .value(":used", set(std::slice::from_ref(digest))),
            ),
        };
        let expr = expr.value(":enrolled", s(self.enrolled_at.to_string()));
        Write::update(WHAT, Key::second_factor(&self.identity_id), update, expr)
    }
}

fn set(digests: &[TokenDigest]) -> AttributeValue {
    AttributeValue::Ss(digests.iter().map(|digest| digest.as_str().to_owned()).collect())
}

/// What somebody has shown of their second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The first code of a new authenticator, which confirms it, and the recovery codes that come with it.
    First {
        /// The code's step.
        step: u64,
        /// What is kept of the recovery codes.
        recovery: Vec<TokenDigest>,
    },
    /// A code.
    Code {
        /// Its step.
        step: u64,
    },
    /// A recovery code.
    Recovery(TokenDigest),
}

/// A sign-in whose password was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingSignIn {
    /// The person.
    pub identity_id: IdentityId,
    /// Where to; none for the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Whether the refresh token goes into a cookie.
    pub browser: bool,
    /// The digest of the password hash that was matched; none for the bootstrap credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether the person has never used their platform role.
    pub first_on_platform: bool,
    /// Until when it waits. TTL removes it some time later.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

impl WaitingSignIn {
    /// How the refresh token is sent.
    pub fn channel(&self) -> Channel {
        if self.browser { Channel::Cookie } else { Channel::Body }
    }
}

impl Store {
    /// A person and their second factor: one Query, strongly consistent.
    pub async fn person_and_factor(
        &self,
        id: &IdentityId,
    ) -> Result<(Option<Identity>, Option<SecondFactor>), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :factor AND :identity")
            .expression_attribute_values(":pk", s(identity_partition(id)))
            .expression_attribute_values(":factor", s(SECOND_FACTOR))
            .expression_attribute_values(":identity", s(IDENTITY));
        let (mut person, mut factor) = (None, None);
        for item in Box::pin(query.send()).await?.items.unwrap_or_default() {
            match Key::of(&item) {
                Some(key) if key.sk == IDENTITY => person = Some(read("identity", item)?),
                Some(key) if key.sk == SECOND_FACTOR => factor = Some(read(WHAT, item)?),
                _ => {}
            }
        }
        Ok((person, factor))
    }

    /// Keeps a factor that is to be confirmed, in place of one that was not. False where the person has one.
    pub async fn enrol_second_factor(&self, factor: &SecondFactor, audit: &Audit) -> Result<bool, StoreError> {
        let key = Key::second_factor(&factor.identity_id);
        let none = Expr::new("attribute_not_exists(confirmed_at)");
        let write = Write::put(WHAT, key.clone(), item(WHAT, &key, factor)?).when(none);
        self.commit_if(&[write], audit, factor.identity_id.as_str()).await
    }

    /// Lets a sign-in wait; and stores the password anew that was matched, where its parameters were old. False where that
    /// one was changed meanwhile; where nothing is stored anew, the end of the waiting finds out.
    pub async fn wait_for_second_factor(
        &self,
        digest: &TokenDigest,
        waiting: &WaitingSignIn,
        renewed: Option<(&PasswordHash, &PasswordHash)>,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let key = Key::waiting_sign_in(digest.as_str());
        let mut stored = item(WAITING, &key, waiting)?;
        stored.insert("ttl".to_owned(), n(waiting.expires_at.as_second()));
        let mut writes = vec![Write::put(WAITING, key, stored).when(Expr::absent())];
        writes.extend(renewed.map(|(matched, renewed)| {
            let unchanged = Expr::new("password_phc = :matched")
                .value(":matched", matched.attribute())
                .value(":renewed", renewed.attribute());
            Write::update("password", Key::identity(&waiting.identity_id), "SET password_phc = :renewed", unchanged)
        }));
        self.commit_if(&writes, audit, digest.as_str()).await
    }

    /// The sign-in that a token goes on with: one strong read.
    pub async fn waiting_sign_in(
        &self,
        digest: &TokenDigest,
        now: Timestamp,
    ) -> Result<Option<WaitingSignIn>, StoreError> {
        let found: Option<WaitingSignIn> = self.record(WAITING, &Key::waiting_sign_in(digest.as_str())).await?;
        Ok(found.filter(|waiting| waiting.expires_at > now))
    }

    /// Ends a sign-in's waiting in a session, by what was shown. False for every way in which that is no good: used before,
    /// the token used before; the password changed, the factor replaced or the membership ended meanwhile.
    pub async fn start_session_with_factor(
        &self,
        digest: &TokenDigest,
        session: &Session,
        password: Option<&PasswordHash>,
        (factor, shown): (&SecondFactor, &Shown),
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let waits = Expr::new("expires_at > :now").value(":now", n(session.created_at.as_second()));
        let mut writes = vec![
            Write::delete(WAITING, Key::waiting_sign_in(digest.as_str())).when(waits),
            factor.show(shown, session.created_at),
            session::new(session)?,
        ];
        writes.push(session::comes_in(session));
        writes.extend(password.map(|matched| session::still(&session.identity_id, matched, None, session.created_at)));
        self.commit_if(&writes, audit, session.session_id.as_str()).await
    }

    /// Notes in a session that the factor was shown. False where it does not count, or the session is gone.
    pub async fn show_second_factor(
        &self,
        session: &SessionId,
        (factor, shown): (&SecondFactor, &Shown),
        at: Timestamp,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let key = Key::session(&factor.identity_id, session);
        let alive = Expr::new("attribute_exists(pk)").value(":at", s(at.to_string()));
        let note = Write::update("session", key, "SET second_factor_at = :at", alive);
        self.commit_if(&[factor.show(shown, at), note], audit, session.as_str()).await
    }

    /// Replaces the recovery codes, used and unused. False where there is no confirmed factor.
    pub async fn renew_recovery_codes(
        &self,
        id: &IdentityId,
        codes: &[TokenDigest],
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let confirmed = Expr::new("attribute_exists(confirmed_at)").value(":codes", set(codes));
        let write = Write::update(WHAT, Key::second_factor(id), "SET recovery = :codes", confirmed);
        self.commit_if(&[write], audit, id.as_str()).await
    }

    /// Removes the factor, and its recovery codes with it. False where there is no confirmed one.
    pub async fn remove_second_factor(&self, id: &IdentityId, audit: &Audit) -> Result<bool, StoreError> {
        let confirmed = Expr::new("attribute_exists(confirmed_at)");
        let write = Write::delete(WHAT, Key::second_factor(id)).when(confirmed);
        self.commit_if(&[write], audit, id.as_str()).await
    }
}
