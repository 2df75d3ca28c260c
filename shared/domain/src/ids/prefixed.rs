//! Which person, which session: a prefix that says what it is, and a version 4 UUID (RFC 9562). Which invitation: a digest.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{TenantId, is_hex};
use crate::text::text;
use crate::{EmailAddress, Entropy, Rule, bytes};

/// `usr_` and 32 hexadecimal digits: one person, in all tenants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdentityId(String);

/// `ses_` and 32 hexadecimal digits: one login, until it is logged out or revoked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

/// `inv_` and 32 hexadecimal digits: the invitation of one address to one tenant. It follows from the two, so that there is
/// one at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InvitationId(String);

impl InvitationId {
    /// The one of this address, however it is spelt. 128 bits of a SHA-256: two addresses never meet.
    pub fn of(tenant: &TenantId, email: &EmailAddress) -> Self {
        // No id of a tenant has a `#`.
        let digest = Sha256::digest(format!("{tenant}#{}", email.normalized()));
        Self(format!("inv_{}", HEXLOWER.encode(&digest[..16])))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        invitation(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl IdentityId {
    /// A new id.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(format!("usr_{}", random(entropy).simple()))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        identity(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl SessionId {
    /// A new id.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(format!("ses_{}", random(entropy).simple()))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        session(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(IdentityId, identity);
text!(SessionId, session);
text!(InvitationId, invitation);

fn random(entropy: &dyn Entropy) -> Uuid {
    Builder::from_random_bytes(bytes(entropy)).into_uuid()
}

fn identity(text: &str) -> Result<(), Rule> {
    check(text, "usr_", "is not the id of a person")
}

fn session(text: &str) -> Result<(), Rule> {
    check(text, "ses_", "is not the id of a session")
}

fn invitation(text: &str) -> Result<(), Rule> {
    check(text, "inv_", "is not the id of an invitation")
}

fn check(text: &str, prefix: &str, detail: &str) -> Result<(), Rule> {
    match text.strip_prefix(prefix) {
        Some(rest) if is_hex(rest, 32) => Ok(()),
        _ => Err(Rule::new("invalid", detail)),
    }
}
