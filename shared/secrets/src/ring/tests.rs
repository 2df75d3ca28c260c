//! Both stored forms, what is refused, and which key serves when.

use proptest::prelude::*;
use serde_json::json;
use testkit::SeededEntropy;

use super::*;

const INITIAL: &str = "yJ6hQ0sT2vW8xZ4bD1fG3kL5mN7pR9cEaB2dF4gH6jK";

fn parse<P: Purpose>(text: &str) -> Result<KeyRing<P>, SecretError> {
    KeyRing::parse("innkeeper/dev/ring", &SecretString::from(text))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn material(seed: u64) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(domain::bytes::<32>(&SeededEntropy::new(seed)))
}

fn ring(keys: &[(&str, i64, Option<i64>)]) -> KeyRing<RefreshKeys> {
    let keys = (0..).zip(keys).map(|(seed, (id, from, until))| {
        let mut key = json!({ "id": id, "material": material(seed), "not_before": at(*from) });
        if let Some(until) = until {
            key["retire_at"] = json!(at(*until));
        }
        key
    });
    parse(&json!({ "keys": keys.collect::<Vec<_>>() }).to_string()).unwrap()
}

/// Computed with another implementation of HKDF (Python's `hmac`).
#[test]
fn the_initial_key_is_derived_for_its_purpose() {
    fn derived<P: Purpose>() -> (String, String) {
        let ring = parse::<P>(&json!({ "initial": INITIAL }).to_string()).unwrap();
        let key = ring.active(Timestamp::UNIX_EPOCH).unwrap();
        (key.id().to_string(), key.material().iter().map(|byte| format!("{byte:02x}")).collect())
    }
    let expected = |id: &str, material: &str| (id.to_owned(), material.to_owned());
    assert_eq!(
        derived::<SigningKeys>(),
        expected("db17d361", "5cf8b6fe08c568b26d3f8823a6c60f1a64ba0e305ebfd3ddd2e9a1f699963097")
    );
    assert_eq!(
        derived::<RefreshKeys>(),
        expected("376425d3", "5f2257e519a011a2de9362b019847c73ff35ed6cb58b8bb8d7404f97a35717a6")
    );
    assert_eq!(
        derived::<DataKeys>(),
        expected("6fdc1b55", "c869b16301f39b918961fc39be8f3eb137162e66bee6f170f48b9c610375c3f7")
    );
}

#[test]
fn the_newest_key_that_has_begun_serves() {
    let ring = ring(&[("old", 0, Some(400)), ("new", 200, None), ("next", 300, None)]);
    let active = |now| ring.active(at(now)).map(|key| key.id().to_string()).ok();
    assert_eq!(active(-1), None);
    assert_eq!(active(0).as_deref(), Some("old"));
    assert_eq!(active(199).as_deref(), Some("old"));
    assert_eq!(active(200).as_deref(), Some("new"));
    assert_eq!(active(300).as_deref(), Some("next"));
}

#[test]
fn a_retired_key_checks_nothing_more() {
    let ring = ring(&[("old", 0, Some(400)), ("new", 200, None)]);
    assert!(ring.find("old", at(399)).is_some());
    assert!(ring.find("old", at(400)).is_none());
    assert!(ring.find("new", at(0)).is_some(), "another function's clock may be ahead");
    assert!(ring.find("other", at(0)).is_none());
    assert_eq!(ring.all().len(), 2);
}

#[test]
fn what_is_no_ring_is_refused_without_being_quoted() {
    let key = |id: &str, material: &str| json!({ "id": id, "material": material, "not_before": at(0) });
    for text in [
        "".to_owned(),
        INITIAL.to_owned(),
        format!("{INITIAL:?}"),
        json!({ "initial": INITIAL, "more": 1 }).to_string(),
        json!({ "initial": INITIAL[..42] }).to_string(),
        json!({ "initial": "a".repeat(64) }).to_string(),
        json!({ "initial": "changeme" }).to_string(),
        json!({ "keys": [] }).to_string(),
        json!({ "keys": [key("a b", INITIAL)] }).to_string(),
        json!({ "keys": [key("", INITIAL)] }).to_string(),
        json!({ "keys": [key("a", &material(1)[..42])] }).to_string(),
        json!({ "keys": [key("a", &(material(1) + "AAAA"))] }).to_string(),
        json!({ "keys": [key("a", &"A".repeat(43))] }).to_string(),
        json!({ "keys": [key("a", &material(1)), key("a", &material(2))] }).to_string(),
        json!({ "keys": [{ "id": "a", "material": material(1), "not_before": at(9), "retire_at": at(9) }] })
            .to_string(),
        json!({ "keys": [{ "id": "a", "material": material(1) }] }).to_string(),
    ] {
        let error = parse::<SigningKeys>(&text).err().map(|error| format!("{error} {error:?}"));
        let error = error.unwrap_or_else(|| panic!("{text}"));
        assert!(error.contains("innkeeper/dev/ring"));
        assert!(!error.contains(&INITIAL[..8]) && !error.contains(&material(1)[..8]), "{error}");
    }
}

#[test]
fn an_initial_secret_with_escapes_is_read() {
    let text = format!("\"\\/{INITIAL}");
    assert!(parse::<DataKeys>(&json!({ "initial": text }).to_string()).is_ok());
}

proptest! {
    #[test]
    fn a_stored_ring_comes_back(keys in proptest::collection::btree_map(
        "[A-Za-z0-9_-]{1,32}", (-9_000_000_000_i64..9_000_000_000, proptest::option::of(1_i64..1_000_000)), 1..8)
    ) {
        let key = |(id, (from, life)): (_, &(i64, Option<i64>))| (id, *from, life.map(|life| from + life));
        let keys: Vec<_> = keys.iter().map(|(id, times)| key((id.as_str(), times))).collect();
        let ring = ring(&keys);
        let again = KeyRing::<RefreshKeys>::parse("s", &ring.to_secret()).unwrap();
        let facts = |ring: &KeyRing<RefreshKeys>| -> Vec<_> {
            ring.all().iter().map(|k| (k.id().clone(), *k.material(), k.not_before(), k.retire_at())).collect()
        };
        prop_assert_eq!(facts(&ring), facts(&again));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        prop_assert!(parse::<SigningKeys>(&text).is_err());
    }
}
