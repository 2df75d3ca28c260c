//! Which webhook.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::is_hex;
use crate::text::text;
use crate::{Entropy, Rule, bytes};

const PREFIX: &str = "whk_";

/// `whk_` and 16 hexadecimal digits: one of a tenant's webhooks. 64 random bits, since it is one of its tenant's only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookId(String);

impl WebhookId {
    /// A new id.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(format!("{PREFIX}{}", HEXLOWER.encode(&bytes::<8>(entropy))))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }

    /// What its secret is sealed for: no value of a vault, and none of the tenant's own secrets.
    #[must_use]
    pub fn sealed_as(&self) -> String {
        format!("webhook#{self}")
    }
}

text!(WebhookId, check);

fn check(text: &str) -> Result<(), Rule> {
    match text.strip_prefix(PREFIX) {
        Some(rest) if is_hex(rest, 16) => Ok(()),
        _ => Err(Rule::new("invalid", "is not the id of a webhook")),
    }
}
