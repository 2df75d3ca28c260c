//! Which request caused it.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::text::text;
use crate::{Entropy, Rule, bytes};

/// 8 to 64 characters `[A-Za-z0-9_-]`: the same id in the answer, every log line, workflow event and audit entry that
/// one request causes. Safe in a header, in a log line and in the name of an execution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CorrelationId(String);

impl CorrelationId {
    /// A new id: `req_` and 32 hexadecimal digits.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(format!("req_{}", HEXLOWER.encode(&bytes::<16>(entropy))))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(CorrelationId, check);

fn check(text: &str) -> Result<(), Rule> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if plain && (8..=64).contains(&text.len()) {
        Ok(())
    } else {
        Err(Rule::new("invalid", "must be 8 to 64 characters of A-Z, a-z, 0-9, `_` and `-`"))
    }
}
