//! Sessions, and the one read by which the door decides whether a token still counts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use domain::{IdentityId, Role, SessionId, TenantId, TenantStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, MembershipStatus, Store, StoreError,
    item::{Item, item, n, read},
    keys::Key,
    transact::{Expr, Write},
};

/// How often what DynamoDB left unread is asked for again.
const TRIES: usize = 3;

/// A person signed in to a tenant from one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id; the access token's `sid`.
    pub session_id: SessionId,
    /// The person.
    pub identity_id: IdentityId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What the person signed in from, to show in a list of sessions.
    pub client: String,
    /// The address the person signed in from.
    pub source_ip: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends, whatever happens.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

/// What the door needs to know; a part that is missing means no.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// When the session ends, if it exists.
    pub session_expires_at: Option<Timestamp>,
    /// The role of the membership, if it exists and is active.
    pub role: Option<Role>,
    /// Where the tenant stands, if it exists.
    pub tenant: Option<TenantStatus>,
}

#[derive(Deserialize)]
struct SessionPart {
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct MemberPart {
    role: Role,
    status: MembershipStatus,
}

#[derive(Deserialize)]
struct TenantPart {
    provisioning: StatusPart,
}

#[derive(Deserialize)]
struct StatusPart {
    status: TenantStatus,
}

impl Store {
    /// Starts a session.
    pub async fn create_session(&self, session: &Session, audit: &Audit) -> Result<(), StoreError> {
        let key = Key::session(&session.identity_id, &session.session_id);
        let mut stored = item("session", &key, session)?;
        stored.insert("ttl".to_owned(), n(session.expires_at.as_second()));
        let start = Write::put("session", key, stored).when(Expr::absent());
        self.commit(&[start], audit, &session.session_id.to_string()).await
    }

    /// Session, membership and tenant in one `BatchGetItem`. Strongly consistent, because a suspension or a revocation
    /// counts from the next request on.
    pub async fn admission(
        &self,
        identity: &IdentityId,
        session: &SessionId,
        tenant: &TenantId,
    ) -> Result<Admission, StoreError> {
        let keys = [Key::session(identity, session), Key::member(tenant, identity), Key::tenant(tenant)];
        let [session, member, tenant] = &keys;
        let mut found = self.batch(&keys).await?;
        let mut part = |key: &Key| found.remove(&key.sk);
        let mut admission = Admission::default();
        if let Some(item) = part(session) {
            admission.session_expires_at = Some(read::<SessionPart>("session", item)?.expires_at);
        }
        if let Some(item) = part(member) {
            let member: MemberPart = read("membership", item)?;
            admission.role = (member.status == MembershipStatus::Active).then_some(member.role);
        }
        if let Some(item) = part(tenant) {
            admission.tenant = Some(read::<TenantPart>("tenant", item)?.provisioning.status);
        }
        Ok(admission)
    }

    /// What is stored under the keys, by sort key, reduced to what admission looks at.
    async fn batch(&self, keys: &[Key]) -> Result<HashMap<String, Item>, StoreError> {
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(Key::attributes).collect()))
            .consistent_read(true)
            .projection_expression("sk, expires_at, #role, #status, #provisioning.#status")
            .expression_attribute_names("#provisioning", "provisioning")
            .expression_attribute_names("#role", "role")
            .expression_attribute_names("#status", "status")
            .build()?;
        let mut wanted = HashMap::from([(self.tables.core.clone(), wanted)]);
        let mut found = HashMap::new();
        for _ in 0..TRIES {
            let answer = Box::pin(self.client.batch_get_item().set_request_items(Some(wanted)).send()).await?;
            for item in answer.responses.unwrap_or_default().into_values().flatten() {
                if let Some(AttributeValue::S(sk)) = item.get("sk") {
                    found.insert(sk.clone(), item);
                }
            }
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(found);
            }
        }
        Err(StoreError::busy("DynamoDB left keys unread"))
    }
}
