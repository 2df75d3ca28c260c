//! The one-time password of a welcome mail: kept with the person as a digest, and exchanged for a reset token, once.

use domain::{IdentityId, TenantId, TokenDigest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, IssuedReset, Store, StoreError,
    item::{item, n, s},
    keys::Key,
    password,
    transact::{Expr, Write},
};

/// One that was mailed and not used. A newer one takes its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuedTemporary {
    /// Of the password.
    pub sha256: TokenDigest,
    /// For which tenant it was mailed.
    pub tenant_id: TenantId,
    /// Until when it is good. TTL removes it some time later.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

pub(crate) fn issue(identity: &IdentityId, issued: &IssuedTemporary) -> Result<Write, StoreError> {
    let key = Key::temporary(identity);
    let mut stored = item("temporary password", &key, issued)?;
    stored.insert("ttl".to_owned(), n(issued.expires_at.as_second()));
    Ok(Write::put("temporary password", key, stored))
}

/// Only this one: a newer one stays.
pub(crate) fn revoke(identity: &IdentityId, sha256: &TokenDigest) -> Write {
    let this = Expr::new("sha256 = :sha256").value(":sha256", s(sha256.as_str()));
    Write::delete("temporary password", Key::temporary(identity)).when(this).optional()
}

impl Store {
    /// Uses the temporary password up for a reset token, in one transaction. False where it is used, replaced or outlived,
    /// or the person has a password by now.
    pub async fn exchange_temporary(
        &self,
        temporary: &TokenDigest,
        token: &TokenDigest,
        issued: &IssuedReset,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let alive = Expr::new("sha256 = :sha256 AND expires_at > :now")
            .value(":sha256", s(temporary.as_str()))
            .value(":now", n(audit.entry.at.as_second()));
        let [put, newest] =
            password::issue(token, issued, "attribute_exists(pk) AND attribute_not_exists(password_phc)")?;
        let used = Write::delete("temporary password", Key::temporary(&issued.identity_id)).when(alive);
        self.commit_if(&[used, put, newest], audit, token.as_str()).await
    }
}
