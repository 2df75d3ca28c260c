//! The name under which a tenant is reached.

use serde::{Deserialize, Serialize};

use crate::Rule;
use crate::text::text;

/// Names that are ours, or that a visitor would take for ours.
const RESERVED: [&str; 26] = [
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "billing",
    "blog",
    "cdn",
    "dev",
    "docs",
    "downloads",
    "ftp",
    "help",
    "login",
    "mail",
    "media",
    "payments",
    "secure",
    "shop",
    "staging",
    "static",
    "status",
    "support",
    "test",
    "uploads",
    "www",
];

const MIN: usize = 3;
const MAX: usize = 30;

/// A host label (RFC 1123) of 3 to 30 characters `[a-z0-9-]` without `--`, so that no name is an A-label (RFC 5891).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subdomain(String);

impl Subdomain {
    /// A name that a new tenant may take. Fails with `too_short`, `too_long`, `invalid` or `reserved`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        well_formed(text)?;
        if RESERVED.contains(&text) {
            return Err(Rule::new("reserved", format!("`{text}` is reserved")));
        }
        Ok(Self(text.to_owned()))
    }

    /// A name that was found to be well formed when it was read.
    pub(crate) fn checked(text: &str) -> Self {
        Self(text.to_owned())
    }
}

// A name that is in use stays readable when it is reserved later: stored names only have to be well formed.
text!(Subdomain, well_formed);

/// Checks everything but the reserved names.
pub(crate) fn well_formed(text: &str) -> Result<(), Rule> {
    let bytes = text.as_bytes();
    if !bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        return Err(Rule::new("invalid", "may only contain a-z, 0-9 and `-`"));
    }
    if bytes.len() < MIN {
        return Err(Rule::new("too_short", format!("needs at least {MIN} characters")));
    }
    if bytes.len() > MAX {
        return Err(Rule::new("too_long", format!("may have at most {MAX} characters")));
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(Rule::new("invalid", "must start and end with a letter or a digit"));
    }
    if text.contains("--") {
        return Err(Rule::new("invalid", "may not contain `--`"));
    }
    Ok(())
}
