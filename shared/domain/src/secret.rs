//! A secret that Secrets Manager keeps for us: what it is called, and when its value is too old. Nothing here is secret.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Rule;
use crate::text::text;

/// What every name begins with.
const OURS: &str = "innkeeper/";
/// Secrets Manager's own limit is 512; ours are far below.
const MAX: usize = 256;
/// Secrets Manager rotates at some time of the day that is due, and tries a failed rotation again after an hour.
const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// `innkeeper/{stage}/{what}`, such as `innkeeper/production/signing-keys`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

impl SecretName {
    /// Fails with `too_long` or `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The name in an ARN, which ends in a hyphen and six characters of Secrets Manager's. A name alone is one too.
    ///
    /// # Errors
    /// As [`SecretName::parse`].
    pub fn of_arn(arn: &str) -> Result<Self, Rule> {
        let name = arn.split_once(":secret:").and_then(|(_, name)| name.rsplit_once('-')).map(|(name, _)| name);
        Self::parse(name.unwrap_or(arn))
    }

    /// What the names of a stage begin with.
    pub fn prefix(stage: &str) -> String {
        format!("{OURS}{stage}/")
    }

    /// A name of that stage, given in full or from after the stage on. Another stage's name is none of this one.
    pub fn of_stage(stage: &str, text: &str) -> Result<Self, Rule> {
        let prefix = Self::prefix(stage);
        if text.starts_with(&prefix) { Self::parse(text) } else { Self::parse(&format!("{prefix}{text}")) }
    }
}

text!(SecretName, check);

fn check(text: &str) -> Result<(), Rule> {
    if text.len() > MAX {
        return Err(Rule::new("too_long", format!("may have at most {MAX} characters")));
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-');
    let mut segments = text.strip_prefix(OURS).unwrap_or_default().split('/');
    let whole = segments.clone().count() >= 2 && segments.all(|segment| !matches!(segment, "" | "." | ".."));
    if whole && text.bytes().all(legal) {
        Ok(())
    } else {
        Err(Rule::new("invalid", "must be innkeeper/{stage}/{name}, of A-Z, a-z, 0-9, `.`, `_`, `-` and `/`"))
    }
}

/// Whether a value that has been in use since then, and is to be replaced this often, is overdue. Said of the value and
/// not of a date that the service calculates: a rotation that fails again and again puts that date off.
#[must_use]
pub fn is_overdue(in_use_since: Timestamp, replaced_every: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(in_use_since) > replaced_every.saturating_add(GRACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_the_name_and_something_more() {
        let name = "innkeeper/dev/data-keys";
        let arn = format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-a1b2c3");
        for text in [arn.as_str(), name] {
            assert_eq!(SecretName::of_arn(text).unwrap().as_str(), name);
        }
        assert!(SecretName::of_arn("arn:aws:secretsmanager:us-east-1:123456789012:secret:theirs-a1b2c3").is_err());
    }

    #[test]
    fn a_name_is_of_one_stage() {
        let full = "innkeeper/local/tenant/tenant-a-01234567";
        for text in [full, "tenant/tenant-a-01234567"] {
            assert_eq!(SecretName::of_stage("local", text).unwrap().as_str(), full);
        }
        let other = SecretName::of_stage("dev", full).unwrap();
        assert_eq!(other.as_str(), format!("innkeeper/dev/{full}"), "another stage's name leads nowhere");
        assert!(other.as_str().starts_with(&SecretName::prefix("dev")));
        for bad in ["", "a//b", "../x", "a/..", "a b", "a#b", "é", &"x".repeat(250)] {
            assert!(SecretName::of_stage("local", bad).is_err(), "{bad}");
        }
        for bad in ["innkeeper/local", "innkeeper/local/", "other/local/keys", "innkeeper//keys"] {
            assert!(SecretName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_is_overdue_a_day_after_it_was_to_be_replaced() {
        let (since, every) = (Timestamp::UNIX_EPOCH, SignedDuration::from_hours(24 * 30));
        let overdue = |hours| is_overdue(since, every, since + SignedDuration::from_hours(hours));
        assert!(!overdue(24 * 31));
        assert!(overdue(24 * 31 + 1));
    }
}
