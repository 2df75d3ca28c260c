//! Which export.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::is_hex;
use crate::text::text;
use crate::{Entropy, Rule, bytes};

const PREFIX: &str = "exp_";

/// `exp_` and 32 hexadecimal digits: one part of an export of a tenant, and the name of its object. No secret: who knows it has
/// no way to the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExportId(String);

impl ExportId {
    /// A new id.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(format!("{PREFIX}{}", HEXLOWER.encode(&bytes::<16>(entropy))))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(ExportId, check);

fn check(text: &str) -> Result<(), Rule> {
    match text.strip_prefix(PREFIX) {
        Some(rest) if is_hex(rest, 32) => Ok(()),
        _ => Err(Rule::new("invalid", "is not the id of an export")),
    }
}
