//! What a file is known by.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Rule;
use crate::ids::is_hex;
use crate::text::text;

/// SHA-256 (FIPS 180-4) of a file, in lower-case hexadecimal, as `sha256sum` prints it. Not of a secret: for those there is
/// [`TokenDigest`](crate::TokenDigest).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentDigest(String);

impl ContentDigest {
    /// That of these bytes.
    pub fn of(content: &[u8]) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(content)))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(ContentDigest, check);

fn check(text: &str) -> Result<(), Rule> {
    if is_hex(text, 64) { Ok(()) } else { Err(Rule::new("invalid", "is not a SHA-256")) }
}
