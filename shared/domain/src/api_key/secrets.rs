//! Which secrets open a key, and until when.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConstantTimeEq};

use crate::{Rule, TokenDigest};

const DAYS: std::ops::RangeInclusive<u64> = 1..=365;
const DEFAULT_DAYS: u64 = 90;
/// A week: longer than any deployment of ours takes, and short enough that a rotation is one.
const GRACE_HOURS: std::ops::RangeInclusive<u64> = 0..=168;
const DEFAULT_GRACE_HOURS: u64 = 24;
/// The most that any plan allows.
const CALLS: std::ops::RangeInclusive<u64> = 1..=100_000;

/// The digest of the secret in use, and of the one before it while its users change over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeySecrets {
    current: TokenDigest,
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    former: Option<FormerSecret>,
}

/// The secret before the one in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerSecret {
    digest: TokenDigest,
    /// From then on it opens nothing.
    pub until: Timestamp,
}

impl ApiKeySecrets {
    /// The first secret of a key.
    pub fn first(digest: TokenDigest, lifetime: SignedDuration, now: Timestamp) -> Self {
        Self { current: digest, expires_at: later(now, lifetime), former: None }
    }

    /// The next one. The one that was in use until now lives on for the grace, and never longer than it would have; the one
    /// before that ends now.
    #[must_use]
    pub fn rotated(&self, next: TokenDigest, lifetime: SignedDuration, grace: SignedDuration, now: Timestamp) -> Self {
        let until = later(now, grace).min(self.expires_at);
        let former = (until > now).then(|| FormerSecret { digest: self.current.clone(), until });
        Self { former, ..Self::first(next, lifetime, now) }
    }

    /// Whether a secret of that digest opens the key now. Both are always compared, each in constant time.
    pub fn accept(&self, sent: &TokenDigest, now: Timestamp) -> bool {
        let is = |digest: &TokenDigest| digest.as_str().as_bytes().ct_eq(sent.as_str().as_bytes());
        let before = |end: Timestamp| Choice::from(u8::from(now < end));
        let former = self.former.as_ref().map_or(Choice::from(0), |it| is(&it.digest) & before(it.until));
        ((is(&self.current) & before(self.expires_at)) | former).into()
    }

    /// When the secret in use ends.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether none of them opens the key any more.
    pub fn have_ended(&self, now: Timestamp) -> bool {
        now >= self.expires_at && self.former(now).is_none()
    }

    /// The secret before it, unless it has ended.
    pub fn former(&self, now: Timestamp) -> Option<&FormerSecret> {
        self.former.as_ref().filter(|former| now < former.until)
    }
}

/// How long a secret lives: 1 to 365 days, 90 unless said otherwise. Fails with `out_of_range`.
pub fn lifetime(days: Option<u64>) -> Result<SignedDuration, Rule> {
    within(&DAYS, days.unwrap_or(DEFAULT_DAYS), "days").map(|days| SignedDuration::from_hours(i64::from(days) * 24))
}

/// How long the former secret lives beside the new one: 0 to 168 hours, 24 unless said otherwise; 0 where it has leaked.
/// Fails with `out_of_range`.
pub fn grace(hours: Option<u64>) -> Result<SignedDuration, Rule> {
    within(&GRACE_HOURS, hours.unwrap_or(DEFAULT_GRACE_HOURS), "hours")
        .map(|hours| SignedDuration::from_hours(i64::from(hours)))
}

/// A limit of a key's own, below that of its tenant's plan: 1 to 100 000. Fails with `out_of_range`.
pub fn calls_per_hour(calls: u64) -> Result<u32, Rule> {
    within(&CALLS, calls, "calls per hour")
}

fn within(range: &std::ops::RangeInclusive<u64>, number: u64, unit: &str) -> Result<u32, Rule> {
    let refused = || Rule::new("out_of_range", format!("must be from {} to {} {unit}", range.start(), range.end()));
    if range.contains(&number) { u32::try_from(number).map_err(|_| refused()) } else { Err(refused()) }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    const MOMENT: SignedDuration = SignedDuration::from_millis(1);

    fn digest(of: u8) -> TokenDigest {
        TokenDigest::of(&[of; 32])
    }

    #[test]
    fn r18_a_key_ends_to_the_moment() {
        let secrets = ApiKeySecrets::first(digest(1), DAY, NOW);
        assert!(secrets.accept(&digest(1), NOW) && secrets.accept(&digest(1), NOW + DAY - MOMENT));
        assert!(!secrets.accept(&digest(1), NOW + DAY) && !secrets.accept(&digest(2), NOW));
    }

    #[test]
    fn r18_the_former_secret_ends_with_the_grace_or_its_own_life() {
        let hour = SignedDuration::from_hours(1);
        let two = ApiKeySecrets::first(digest(1), DAY, NOW).rotated(digest(2), DAY * 9, hour, NOW);
        assert!(two.accept(&digest(1), NOW + hour - MOMENT) && !two.accept(&digest(1), NOW + hour));
        assert!(two.accept(&digest(2), NOW + DAY * 9 - MOMENT) && !two.accept(&digest(2), NOW + DAY * 9));
        let late = ApiKeySecrets::first(digest(1), DAY, NOW).rotated(digest(2), DAY, DAY, NOW + DAY - hour);
        assert!(late.accept(&digest(1), NOW + DAY - MOMENT) && !late.accept(&digest(1), NOW + DAY));
        let three = two.rotated(digest(3), DAY, hour, NOW + MOMENT);
        assert_eq!([1, 2, 3].map(|it| three.accept(&digest(it), NOW + MOMENT)), [false, true, true]);
    }

    #[test]
    fn r18_a_leaked_secret_and_one_that_had_ended_have_no_grace() {
        let first = ApiKeySecrets::first(digest(1), DAY, NOW);
        for (grace, at) in [(SignedDuration::ZERO, NOW), (DAY, NOW + DAY), (DAY, NOW + DAY * 2)] {
            let next = first.rotated(digest(2), DAY, grace, at);
            assert!(!next.accept(&digest(1), at) && next.accept(&digest(2), at), "{grace} at {at}");
            assert_eq!(next.former(at), None);
        }
    }

    #[test]
    fn the_bounds_are_kept() {
        assert_eq!(lifetime(None), Ok(DAY * 90));
        assert_eq!(grace(None), Ok(DAY));
        assert_eq!(grace(Some(0)), Ok(SignedDuration::ZERO));
        for bad in [lifetime(Some(0)), lifetime(Some(366)), lifetime(Some(u64::MAX)), grace(Some(169))] {
            assert_eq!(bad.unwrap_err().code, "out_of_range");
        }
        assert_eq!((calls_per_hour(0).is_err(), calls_per_hour(100_001).is_err()), (true, true));
        assert_eq!((calls_per_hour(1), calls_per_hour(100_000)), (Ok(1), Ok(100_000)));
    }
}
