//! When a new key begins, and when its predecessors end.
//!
//! A ring says both, so that every reader changes over at the same moment, by its clock. The moment is far enough off for
//! every reader to have the ring by then.

use domain::Entropy;
use jiff::{SignedDuration, Timestamp};
use secrets::{KeyRing, Purpose};

/// What has to lie between making a key known and using it. Readers of a secret have a new value within 5 minutes
/// (`secrets::Cached`); who checks tokens by the JWKS, within 6 (the function's own copy 60 s, the callers' 300).
pub(crate) const LEAD: SignedDuration = SignedDuration::from_mins(10);
/// From the making of a key to its use. A rotation that broke off is taken up again within the hour, and has to be in
/// time even then.
const NOTICE: SignedDuration = SignedDuration::from_mins(90);
/// How much longer than necessary a predecessor is accepted: as long as Secrets Manager may be out of reach around the
/// change, while some function still signs by the ring that it has.
const GRACE: SignedDuration = SignedDuration::from_mins(45);
/// How long an ended key stays in the ring.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long the last thing that a predecessor made is in use.
pub(crate) enum Lifetime {
    /// This long.
    Of(SignedDuration),
    /// Until somebody has replaced it; the rotation ends no key.
    UntilReplaced,
}

/// The ring that is to follow `current`.
pub(crate) fn successor<P: Purpose>(
    current: &KeyRing<P>,
    lifetime: Lifetime,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> KeyRing<P> {
    let begins = whole_second(now) + NOTICE;
    let end = match lifetime {
        Lifetime::Of(lifetime) => Some(begins + lifetime + GRACE),
        Lifetime::UntilReplaced => None,
    };
    current.succeeded_by_a_new_key(begins, end, now - REMEMBERED, entropy)
}

/// Whether `pending` may follow `current`, and in time.
pub(crate) fn in_time<P: Purpose>(pending: &KeyRing<P>, current: &KeyRing<P>, now: Timestamp) -> bool {
    pending.follows(current, now) && pending.new_since(current).all(|key| now + LEAD <= key.not_before())
}

/// When the newest key of the ring is in use.
pub(crate) fn changed_over<P: Purpose>(ring: &KeyRing<P>, now: Timestamp) -> Timestamp {
    ring.all().iter().map(|key| key.not_before()).fold(now, Timestamp::max)
}

/// The store and the ring agree to the second.
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use secrets::RefreshKeys;
    use testkit::SeededEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_767_225_600, 500_000_000);

    fn ring() -> KeyRing<RefreshKeys> {
        let first = r#"{"initial":"yJ6hQ0sT2vW8xZ4bD1fG3kL5mN7pR9cEaB2dF4gH6jK"}"#;
        KeyRing::parse("s", &SecretString::from(first)).unwrap()
    }

    #[test]
    fn a_rotation_is_in_time_an_hour_later_and_not_for_ever() {
        let current = ring();
        let life = Lifetime::Of(SignedDuration::from_mins(15));
        let pending = successor(&current, life, NOW, &SeededEntropy::new(1));
        assert!(in_time(&pending, &current, NOW + SignedDuration::from_mins(79)));
        assert!(!in_time(&pending, &current, NOW + SignedDuration::from_mins(81)));
        // Once it is current, time does not matter.
        assert!(in_time(&pending, &pending, NOW + SignedDuration::from_hours(10)));
    }

    #[test]
    fn the_last_that_a_predecessor_made_dies_first() {
        let current = ring();
        let pending = successor(&current, Lifetime::Of(SignedDuration::from_mins(15)), NOW, &SeededEntropy::new(1));
        let change = changed_over(&pending, NOW);
        assert_eq!(change, whole_second(NOW) + NOTICE);
        assert_eq!(pending.all()[0].retire_at(), Some(change + SignedDuration::from_mins(60)));
        let kept = successor(&current, Lifetime::UntilReplaced, NOW, &SeededEntropy::new(1));
        assert_eq!(kept.all()[0].retire_at(), None);
    }
}
