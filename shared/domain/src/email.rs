//! Where a person is written to, and by what a person is recognised.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::Rule;
use crate::text::text;

/// The longest address that fits an SMTP path (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const MAX: usize = 254;
/// RFC 5321, section 4.5.3.1.1.
const MAX_LOCAL: usize = 64;

/// An address in the form of RFC 5321 without quoted local parts and address literals, in ASCII (SES sends to no other).
/// It is kept as typed; two addresses that differ only in case are equal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Fails with `too_long` or `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The key under which the address is claimed and looked up: the same for every spelling in upper or lower case.
    pub fn normalized(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }
}

text!(EmailAddress, check);

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for EmailAddress {}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normalized().hash(state);
    }
}

impl PartialOrd for EmailAddress {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EmailAddress {
    fn cmp(&self, other: &Self) -> Ordering {
        self.normalized().cmp(&other.normalized())
    }
}

fn check(text: &str) -> Result<(), Rule> {
    if text.len() > MAX {
        return Err(Rule::new("too_long", format!("may have at most {MAX} characters")));
    }
    let valid = text.split_once('@').is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
    if valid { Ok(()) } else { Err(Rule::new("invalid", "is not an e-mail address")) }
}

/// A dot-atom (RFC 5322, section 3.2.3).
fn is_local_part(text: &str) -> bool {
    text.len() <= MAX_LOCAL && text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte))
}

fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// At least two host labels, the last of which is no number, so that an IPv4 address is none (RFC 3696, section 2).
fn is_domain(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| is_host_label(label))
        && labels.last().is_some_and(|top| !top.bytes().all(|b| b.is_ascii_digit()))
}

/// RFC 1123, section 2.1.
pub(crate) fn is_host_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
