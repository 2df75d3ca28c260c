//! The second factor: one-time passwords from an authenticator, and recovery codes for who has lost it.

mod recovery;
mod totp;

use jiff::{SignedDuration, Timestamp};

pub use recovery::{RECOVERY_CODES, RecoveryCode};
pub use totp::{TotpCode, TotpSecret};

/// How long a sign-in waits for its second factor: long enough for a walk to the phone.
pub const SIGN_IN_WAITS: SignedDuration = SignedDuration::from_mins(5);

/// How long a proof counts as recent, for what is done once in a while and cannot be undone (RFC 9470).
pub const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// Whether what was shown then counts as recent now.
#[must_use]
pub fn is_recent(shown_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(shown_at) <= RECENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_recent_for_ten_minutes_to_the_second() {
        let shown: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        assert!(is_recent(shown, shown) && is_recent(shown, shown + RECENT));
        assert!(!is_recent(shown, shown + RECENT + SignedDuration::from_secs(1)));
    }
}
