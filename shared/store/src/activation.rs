//! Activation: the holder of the mailed token sets a first password, once.

use domain::{IdentityId, TenantId, TokenDigest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, PasswordHash, Store, StoreError,
    item::{item, n},
    keys::Key,
    transact::{Ended, Expr, Reason, Write, refusal},
};

/// A token that has been issued and not used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuedActivation {
    /// Whose password it sets.
    pub identity_id: IdentityId,
    /// For which tenant it was mailed; none for a platform role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Until when it is good. TTL removes it some time later.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

pub(crate) fn issue(digest: &TokenDigest, issued: &IssuedActivation) -> Result<Write, StoreError> {
    let key = Key::activation(digest.as_str());
    let mut stored = item("activation token", &key, issued)?;
    stored.insert("ttl".to_owned(), n(issued.expires_at.as_second()));
    Ok(Write::put("activation token", key, stored).when(Expr::absent()))
}

impl Store {
    /// Who a token is for, before it is used: the password's context words depend on it. None for a token that is
    /// unknown, used or expired.
    pub async fn issued_activation(
        &self,
        digest: &TokenDigest,
        now: Timestamp,
    ) -> Result<Option<IssuedActivation>, StoreError> {
        let issued: Option<IssuedActivation> =
            self.record("activation token", &Key::activation(digest.as_str())).await?;
        Ok(issued.filter(|issued| issued.expires_at > now))
    }

    /// Uses the token up and sets the password, in one transaction. False for every way in which the token is no good
    /// (used, expired, or the person has a password by now): the caller cannot tell and must not say.
    pub async fn activate(
        &self,
        digest: &TokenDigest,
        issued: &IssuedActivation,
        password: &PasswordHash,
        now: Timestamp,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let alive = Expr::new("attribute_exists(pk) AND expires_at > :now AND identity_id = :identity")
            .value(":now", n(now.as_second()))
            .value(":identity", crate::item::s(issued.identity_id.to_string()));
        let first = Expr::new("attribute_exists(pk) AND attribute_not_exists(password_phc)")
            .value(":phc", password.attribute())
            .value(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        let writes = [
            Write::delete("activation token", Key::activation(digest.as_str())).when(alive),
            Write::update(
                "identity",
                Key::identity(&issued.identity_id),
                "SET password_phc = :phc, email_verified = :yes",
                first,
            ),
        ];
        match self.transact(&writes, audit, digest.as_str()).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons) if reasons.iter().any(|reason| matches!(reason, Reason::Condition(_))) => {
                Ok(false)
            }
            Ended::Cancelled(reasons) => Err(refusal(&writes, &reasons)),
        }
    }
}
