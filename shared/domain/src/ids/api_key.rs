//! Which API key.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::is_hex;
use crate::text::text;
use crate::{Entropy, Rule, bytes};

const PREFIX: &str = "key_";

/// `key_` and 16 hexadecimal digits: one of a tenant's API keys, whatever its secret is at the moment. 64 random bits,
/// since it is one of its tenant's only; no secret itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiKeyId(String);

impl ApiKeyId {
    /// A new id.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(format!("{PREFIX}{}", HEXLOWER.encode(&bytes::<8>(entropy))))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(ApiKeyId, check);

fn check(text: &str) -> Result<(), Rule> {
    match text.strip_prefix(PREFIX) {
        Some(rest) if is_hex(rest, 16) => Ok(()),
        _ => Err(Rule::new("invalid", "is not the id of an API key")),
    }
}
