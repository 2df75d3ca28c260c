//! What a value in the vault is called.

use serde::{Deserialize, Serialize};

use crate::Rule;
use crate::text::text;

const MAX: usize = 128;

/// 1 to 128 of `[A-Za-z0-9._/-]`, such as `billing/stripe.key`.
///
/// The name is the end of a URL's path, and clients and proxies rewrite what RFC 3986 sections 5.2.4 and 6.2.2.3 let them:
/// a segment that is empty, `.` or `..` is refused, so that no request reaches another name than it was sent for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VaultName(String);

impl VaultName {
    /// Fails with `too_short`, `too_long` or `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl VaultName {
    /// What values of the name are sealed for. Provisioning seals `jwt` and others under the same key: a name of the
    /// vault is never one of those.
    #[must_use]
    pub fn sealed_as(&self) -> String {
        format!("vault#{self}")
    }
}

text!(VaultName, check);

fn check(text: &str) -> Result<(), Rule> {
    if text.is_empty() {
        return Err(Rule::new("too_short", "needs at least 1 character"));
    }
    if text.len() > MAX {
        return Err(Rule::new("too_long", format!("may have at most {MAX} characters")));
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-')) {
        return Err(Rule::new("invalid", "may only contain A-Z, a-z, 0-9, `.`, `_`, `/` and `-`"));
    }
    if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(Rule::new("invalid", "may not have a segment that is empty, `.` or `..`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_paths_of_plain_characters() {
        for good in ["a", "db/password", "A-Z_0.9", "...", ".env", "a/..b/c", "-", &"x".repeat(128)] {
            assert_eq!(VaultName::parse(good).unwrap().as_str(), good);
        }
        for (bad, code) in [
            ("", "too_short"),
            (&*"x".repeat(129), "too_long"),
            ("a b", "invalid"),
            ("a#b", "invalid"),
            ("a%2Fb", "invalid"),
            ("é", "invalid"),
            ("a\0", "invalid"),
            ("/a", "invalid"),
            ("a/", "invalid"),
            ("a//b", "invalid"),
            (".", "invalid"),
            ("a/../b", "invalid"),
            ("a/.", "invalid"),
        ] {
            assert_eq!(VaultName::parse(bad).unwrap_err().code, code, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_name_can_be_taken_apart_by_the_mark_between_the_parts_of_a_key(text in ".{0,140}") {
            if let Ok(name) = VaultName::parse(&text) {
                prop_assert!(!name.as_str().contains('#') && name.as_str().is_ascii());
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
