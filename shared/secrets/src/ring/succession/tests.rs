//! What joins, what ends, what is lost.

use jiff::SignedDuration;
use proptest::prelude::*;
use secrecy::SecretString;
use testkit::SeededEntropy;

use super::*;
use crate::DataKeys;

const LEAD: SignedDuration = SignedDuration::from_secs(10);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn first() -> KeyRing<DataKeys> {
    KeyRing::parse("s", &SecretString::from(r#"{"initial":"yJ6hQ0sT2vW8xZ4bD1fG3kL5mN7pR9cEaB2dF4gH6jK"}"#)).unwrap()
}

fn ids(ring: &KeyRing<DataKeys>) -> Vec<String> {
    ring.all().iter().map(|key| key.id().to_string()).collect()
}

#[test]
fn only_older_keys_that_are_still_in_use_are_superseded() {
    let entropy = SeededEntropy::new(1);
    let two = first().succeeded_by_a_new_key(at(100), None, at(0), &entropy);
    assert!(two.superseded(at(99)).unwrap().is_empty(), "the new one has not begun");
    let old = two.all()[0].id().clone();
    assert_eq!(two.superseded(at(100)).unwrap(), std::slice::from_ref(&old));
    let retired = two.without(&old, at(101), SignedDuration::ZERO, &entropy).unwrap();
    assert!(retired.superseded(at(101)).unwrap().is_empty());
    assert_eq!(retired.all().len(), 2, "it stays on record, and no other joins");
}

#[test]
fn a_new_key_joins_and_its_predecessors_end() {
    let entropy = SeededEntropy::new(1);
    let one = first();
    let two = one.succeeded_by_a_new_key(at(100), Some(at(200)), at(0), &entropy);
    assert_eq!(two.all().len(), 2);
    assert_eq!(two.active(at(99)).unwrap().id(), one.all()[0].id());
    assert_eq!(two.active(at(100)).unwrap().id(), two.all()[1].id());
    assert!(two.find(one.all()[0].id().as_str(), at(200)).is_none());
    // An end that is there is not put off, and what is long over is forgotten.
    let three = two.succeeded_by_a_new_key(at(300), Some(at(400)), at(200), &entropy);
    assert_eq!(ids(&three)[0], ids(&two)[1]);
    assert_eq!(three.all()[0].retire_at(), Some(at(400)));
    let kept = two.succeeded_by_a_new_key(at(300), None, at(0), &entropy);
    assert_eq!(kept.all().iter().map(Key::retire_at).collect::<Vec<_>>(), [Some(at(200)), None, None]);
    // As stored, too.
    assert_eq!(ids(&KeyRing::parse("s", &three.to_secret()).unwrap()), ids(&three));
}

#[test]
fn a_ring_without_a_key_has_another_in_use() {
    let entropy = SeededEntropy::new(1);
    let one = first();
    let only = one.all()[0].id();
    let replaced = one.without(only, at(50), LEAD, &entropy).unwrap();
    assert!(replaced.find(only.as_str(), at(50)).is_none());
    assert_ne!(replaced.active(at(50)).unwrap().id(), only);
    assert!(replaced.without(only, at(51), LEAD, &entropy).is_none(), "it is out of use already");
    assert!(one.without(&KeyId::parse("nobody").unwrap(), at(50), LEAD, &entropy).is_none());

    let two = one.succeeded_by_a_new_key(at(100), Some(at(200)), at(0), &entropy);
    let old_gone = two.without(only, at(150), LEAD, &entropy).unwrap();
    assert_eq!(ids(&old_gone), ids(&two), "the newer one is in use");
    // A key that never began leaves nothing; but the one in use was to end for its sake, and gets another successor, in
    // time for everybody to know it if there is time.
    let next_gone = |now| two.without(two.all()[1].id(), at(now), LEAD, &entropy).unwrap();
    for (now, begins) in [(50, 60), (99, 109)] {
        let next_gone = next_gone(now);
        assert_eq!(ids(&next_gone)[0], ids(&one)[0]);
        assert_eq!((next_gone.all().len(), next_gone.all()[1].not_before()), (2, at(begins)));
    }
    let early = one.succeeded_by_a_new_key(at(100), Some(at(105)), at(0), &entropy);
    let early = early.without(early.all()[1].id(), at(99), LEAD, &entropy).unwrap();
    assert_eq!(early.all()[1].not_before(), at(99));
    let next_gone = next_gone(50);
    assert!(KeyRing::<DataKeys>::parse("s", &next_gone.to_secret()).is_ok());
}

#[test]
fn a_ring_follows_what_it_was_made_of_and_nothing_newer() {
    let entropy = SeededEntropy::new(1);
    let one = first();
    let now = at(10);
    let pending = one.succeeded_by_a_new_key(at(100), Some(at(200)), at(0), &entropy);
    assert!(pending.follows(&one, now) && one.follows(&one, now));
    assert!(!one.follows(&pending, now), "a key would be lost");
    let elsewhere = one.succeeded_by_a_new_key(at(100), Some(at(200)), at(0), &entropy);
    assert!(!pending.follows(&elsewhere, now), "somebody rotated meanwhile");
    let emergency = one.without(one.all()[0].id(), now, LEAD, &entropy).unwrap();
    assert!(!pending.follows(&emergency, now), "a key would come back");
    let two = pending.succeeded_by_a_new_key(at(300), Some(at(400)), at(0), &entropy);
    let withdrawn = pending.without(pending.all()[1].id(), now, LEAD, &entropy).unwrap();
    assert!(!two.follows(&withdrawn, now), "two keys are new, and one of them was withdrawn");
    assert!(two.follows(&pending, now));
}

proptest! {
    #[test]
    fn rotation_never_leaves_a_ring_without_a_key_or_with_two_of_a_name(gaps in proptest::collection::vec(0_i64..5_000, 1..20)) {
        let entropy = SeededEntropy::new(7);
        let mut ring = first();
        let mut now = at(0);
        for gap in gaps {
            now += SignedDuration::from_secs(gap);
            let begins = now + SignedDuration::from_secs(600);
            let forget = now - SignedDuration::from_secs(3_600);
            let next = ring.succeeded_by_a_new_key(begins, Some(begins + SignedDuration::from_secs(900)), forget, &entropy);
            prop_assert!(next.follows(&ring, now));
            prop_assert!(next.active(now).is_ok());
            prop_assert_eq!(next.active(begins).unwrap().id(), next.all().last().unwrap().id());
            ring = KeyRing::parse("s", &next.to_secret()).unwrap();
        }
    }
}
