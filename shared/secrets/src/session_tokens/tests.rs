//! Ours hold, and nothing else does.

use domain::Subdomain;
use proptest::prelude::*;
use serde_json::json;
use testkit::SeededEntropy;

use super::*;

fn material(seed: u64) -> String {
    URL_SAFE_NO_PAD.encode(domain::bytes::<32>(&SeededEntropy::new(seed)))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// One key from the start, its successor from 100 on; the first is retired at 900.
fn ring() -> KeyRing<RefreshKeys> {
    let keys = json!({"keys": [
        {"id": "old", "material": material(1), "not_before": at(0), "retire_at": at(900)},
        {"id": "new", "material": material(2), "not_before": at(100)},
    ]});
    KeyRing::parse("innkeeper/dev/refresh-keys", &SecretString::from(keys.to_string())).unwrap()
}

fn claim(generation: u32) -> RefreshClaim {
    let entropy = SeededEntropy::new(3);
    RefreshClaim {
        identity: IdentityId::new(&entropy),
        session: SessionId::new(&entropy),
        tenant: Some(TenantId::new(&Subdomain::parse("demo").unwrap(), &entropy)),
        generation,
    }
}

fn token(generation: u32, issued_at: Timestamp) -> String {
    ring().refresh_token(&claim(generation), issued_at).unwrap().expose().to_owned()
}

#[test]
fn a_token_says_what_it_was_made_for() {
    for claim in [claim(0), claim(u32::MAX), RefreshClaim { tenant: None, ..claim(7) }] {
        let token = ring().refresh_token(&claim, at(50)).unwrap();
        assert!(token.expose().starts_with("ink_rt_old."), "{}", token.expose());
        assert_eq!(ring().read_refresh_token(token.expose(), at(60)), Ok(claim));
    }
}

#[test]
fn a_token_is_the_same_on_both_sides_of_a_rotation() {
    assert_eq!(token(1, at(99)), token(1, at(99)));
    assert_ne!(token(1, at(99)), token(1, at(100)), "another key made it");
    assert_ne!(token(1, at(99)), token(2, at(99)));
    assert!(ring().read_refresh_token(&token(1, at(99)), at(899)).is_ok());
    assert_eq!(ring().read_refresh_token(&token(1, at(99)), at(900)), Err(RefreshRefused::UnknownKey));
}

#[test]
fn other_texts_are_refused_by_their_form() {
    let whole = token(1, at(50));
    let tag = whole.rsplit_once('.').unwrap().1;
    for text in [
        String::new(),
        "ink_rt_".into(),
        tag.into(),
        whole.replace("ink_rt_", "ink_st_"),
        whole.replace("ink_rt_", ""),
        format!("{whole}A"),
        whole.replace(".tenant", ".x.tenant"),
        "x".repeat(100_000),
        format!("ink_rt_old.1.…….{tag}"),
    ] {
        assert_eq!(ring().read_refresh_token(&text, at(60)), Err(RefreshRefused::Form), "{text}");
    }
}

#[test]
fn a_csrf_token_is_one_sessions_and_no_refresh_token() {
    let (ours, other) = (claim(0).session, SessionId::new(&SeededEntropy::new(9)));
    let csrf = ring().csrf_token(&ours, at(50)).unwrap();
    let holds = |text: &str, session, now| ring().is_csrf_token(text, session, at(now));
    assert!(holds(csrf.expose(), &ours, 899));
    assert!(!holds(csrf.expose(), &ours, 900), "its key is retired");
    assert!(!holds(csrf.expose(), &other, 60));
    assert!(!holds("", &ours, 60) && !holds(&token(0, at(50)), &ours, 60));
    let renamed = csrf.expose().replace(CSRF, REFRESH);
    assert!(!holds(&renamed, &ours, 60));
    assert!(ring().read_refresh_token(csrf.expose(), at(60)).is_err());
}

proptest! {
    #[test]
    fn one_changed_character_is_refused(place in 0_usize..170, by in 1_u8..26) {
        let whole = token(1_000, at(50));
        let mut changed = whole.clone().into_bytes();
        let place = place % changed.len();
        changed[place] = match changed[place] {
            c if c.is_ascii_lowercase() => b'a' + (c - b'a' + by) % 26,
            c if c.is_ascii_digit() => b'0' + (c - b'0' + 1 + by % 9) % 10,
            _ => b'~',
        };
        let changed = String::from_utf8(changed).unwrap();
        prop_assume!(changed != whole);
        prop_assert!(ring().read_refresh_token(&changed, at(60)).is_err());
    }

    #[test]
    fn nothing_makes_it_panic(text in ".{0,300}") {
        prop_assert!(ring().read_refresh_token(&text, at(60)).is_err());
        prop_assert!(!ring().is_csrf_token(&text, &claim(0).session, at(60)));
    }
}
