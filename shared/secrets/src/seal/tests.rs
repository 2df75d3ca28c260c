//! Every way to misuse a sealed value ends in the same error.

use std::sync::LazyLock;

use domain::TenantId;
use jiff::SignedDuration;
use proptest::prelude::*;
use secrecy::SecretString;
use testkit::SeededEntropy;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
static ENTROPY: LazyLock<SeededEntropy> = LazyLock::new(|| SeededEntropy::new(7));

fn tenant(name: &str) -> TenantId {
    TenantId::parse(&format!("tenant-{name}-0011aabb")).unwrap()
}

fn key_json(id: &str, seed: u64, more: &str) -> String {
    use base64::Engine;
    let material = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes::<32>(&SeededEntropy::new(seed)));
    format!(r#"{{"id":"{id}","material":"{material}","not_before":"1970-01-01T00:00:00Z"{more}}}"#)
}

fn ring(keys: &[String]) -> KeyRing<DataKeys> {
    KeyRing::parse("s", &SecretString::from(format!(r#"{{"keys":[{}]}}"#, keys.join(",")))).unwrap()
}

fn place() -> impl Strategy<Value = (TenantId, String, u64)> {
    ("[a-z0-9]{3,10}", "[A-Za-z0-9._/-]{1,20}", any::<u64>())
        .prop_map(|(name, secret, version)| (tenant(&name), secret, version))
}

fn plain() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..300)
}

proptest! {
    #[test]
    fn a_value_opens_where_it_was_sealed((tenant, name, version) in place(), plain in plain()) {
        let key = DataKey::generate(&*ENTROPY);
        let sealed = key.seal(&tenant, &name, version, &plain, &*ENTROPY).unwrap();
        prop_assert_eq!(&*key.open(&tenant, &name, version, &sealed).unwrap(), plain.as_slice());
        prop_assert!(plain.len() < 8 || !sealed.0.windows(plain.len()).any(|part| part == plain));
        prop_assert_ne!(key.seal(&tenant, &name, version, &plain, &*ENTROPY).unwrap(), sealed);
    }

    #[test]
    fn and_nowhere_else(here in place(), there in place(), plain in plain()) {
        let key = DataKey::generate(&*ENTROPY);
        let sealed = key.seal(&here.0, &here.1, here.2, &plain, &*ENTROPY).unwrap();
        for (tenant, name, version) in [
            (&there.0, &here.1, here.2),
            (&here.0, &there.1, here.2),
            (&here.0, &here.1, there.2),
            (&here.0, &here.1, here.2.wrapping_sub(1)),
        ] {
            let same = (tenant, name, version) == (&here.0, &here.1, here.2);
            prop_assert_eq!(key.open(tenant, name, version, &sealed).is_ok(), same);
        }
        let other = DataKey::generate(&*ENTROPY);
        prop_assert_eq!(other.open(&here.0, &here.1, here.2, &sealed), Err(Unsealable));
    }

    #[test]
    fn a_changed_value_does_not_open(
        (tenant, name, version) in place(), plain in plain(), at in any::<prop::sample::Index>(), bit in 0_u32..8,
    ) {
        let key = DataKey::generate(&*ENTROPY);
        let Sealed(sealed) = key.seal(&tenant, &name, version, &plain, &*ENTROPY).unwrap();
        let open = |bytes: Vec<u8>| key.open(&tenant, &name, version, &Sealed(bytes));

        let mut flipped = sealed.clone();
        flipped[at.index(sealed.len())] ^= 1 << bit;
        prop_assert_eq!(open(flipped), Err(Unsealable));
        prop_assert_eq!(open(sealed[..at.index(sealed.len())].to_vec()), Err(Unsealable));
        prop_assert_eq!(open(sealed[1..].to_vec()), Err(Unsealable));
        prop_assert_eq!(open([&sealed[..], b"\0"].concat()), Err(Unsealable));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let key = DataKey::generate(&*ENTROPY);
        prop_assert_eq!(key.open(&tenant("demo"), "x", 1, &Sealed(bytes.clone())), Err(Unsealable));
        let wrapped = WrappedKey([&[1, 1, b'a'], &bytes[..]].concat());
        prop_assert!(DataKey::unwrap(&wrapped, &ring(&[key_json("a", 1, "")]), &tenant("demo"), NOW).is_err());
        let _ = WrappedKey(bytes).key_id();
    }

    #[test]
    fn a_changed_wrapped_key_does_not_unwrap(at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let ring = ring(&[key_json("a", 1, ""), key_json("b", 2, "")]);
        let key = DataKey::generate(&*ENTROPY);
        let WrappedKey(mut wrapped) = key.wrap(&ring, &tenant("demo"), NOW, &*ENTROPY).unwrap();
        let cut = WrappedKey(wrapped[..at.index(wrapped.len())].to_vec());
        prop_assert!(DataKey::unwrap(&cut, &ring, &tenant("demo"), NOW).is_err());
        let place = at.index(wrapped.len());
        wrapped[place] ^= 1 << bit;
        prop_assert!(DataKey::unwrap(&WrappedKey(wrapped), &ring, &tenant("demo"), NOW).is_err());
    }
}

#[test]
fn a_data_key_survives_the_rotation_of_what_wraps_it() {
    let before = ring(&[key_json("a", 1, "")]);
    let key = DataKey::generate(&*ENTROPY);
    let sealed = key.seal(&tenant("demo"), "jwt", 1, b"value", &*ENTROPY).unwrap();
    let wrapped = key.wrap(&before, &tenant("demo"), NOW, &*ENTROPY).unwrap();
    assert_eq!(wrapped.key_id().unwrap().as_str(), "a");

    let later = NOW + SignedDuration::from_hours(1);
    let after = ring(&[key_json("a", 1, r#","retire_at":"1970-01-02T00:00:00Z""#), key_json("b", 2, "")]);
    let moved = DataKey::unwrap(&wrapped, &after, &tenant("demo"), later).unwrap();
    let wrapped = moved.wrap(&after, &tenant("demo"), later, &*ENTROPY).unwrap();
    assert_eq!(wrapped.key_id().unwrap().as_str(), "b");

    let only_new = ring(&[key_json("b", 2, "")]);
    let found = DataKey::unwrap(&wrapped, &only_new, &tenant("demo"), later).unwrap();
    assert_eq!(&*found.open(&tenant("demo"), "jwt", 1, &sealed).unwrap(), b"value");
}

#[test]
fn a_wrapped_key_opens_for_its_tenant_under_its_key_in_its_time() {
    let ring_a = ring(&[key_json("a", 1, r#","retire_at":"1970-01-02T00:00:00Z""#)]);
    let wrapped = DataKey::generate(&*ENTROPY).wrap(&ring_a, &tenant("demo"), NOW, &*ENTROPY).unwrap();
    let unwrap = |ring: &KeyRing<DataKeys>, name: &str, now| DataKey::unwrap(&wrapped, ring, &tenant(name), now).err();

    assert_eq!(unwrap(&ring_a, "demo", NOW), None);
    assert_eq!(unwrap(&ring_a, "other", NOW), Some(Unsealable));
    assert_eq!(unwrap(&ring_a, "demo", NOW + SignedDuration::from_hours(24)), Some(Unsealable), "retired");
    assert_eq!(unwrap(&ring(&[key_json("b", 1, "")]), "demo", NOW), Some(Unsealable), "unknown");
    assert_eq!(unwrap(&ring(&[key_json("a", 2, "")]), "demo", NOW), Some(Unsealable), "another key of that id");
}

#[test]
fn a_value_is_no_wrapped_key() {
    let ring = ring(&[key_json("a", 1, "")]);
    let as_value = DataKey { id: *b"aaaaaaaa", key: Zeroizing::new([0; 32]), cipher: cipher(&ring.all()[0]) };
    let sealed = as_value.seal(&tenant("demo"), "jwt", 1, &[7; 40], &*ENTROPY).unwrap();
    assert!(DataKey::unwrap(&WrappedKey(sealed.0), &ring, &tenant("demo"), NOW).is_err());
}
