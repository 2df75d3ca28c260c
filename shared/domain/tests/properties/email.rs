//! E-mail addresses.

use domain::EmailAddress;
use proptest::prelude::*;

use crate::comes_back;

#[test]
fn addresses_that_people_have() {
    for text in [
        "a@b.co",
        "Ada.Admin@Demo-ISP.example",
        "o'hara+news@mail.example.org",
        "x@xn--bcher-kva.example",
        "_@1.example",
    ] {
        assert!(EmailAddress::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn texts_that_are_no_address() {
    let long_local = format!("{}@example.org", "a".repeat(65));
    let long_label = format!("a@{}.org", "b".repeat(64));
    for text in [
        "",
        "@",
        "a",
        "a@",
        "@b.co",
        "a@b",
        "a@@b.co",
        "a@b@c.co",
        "a b@c.co",
        "a@b c.co",
        ".a@b.co",
        "a.@b.co",
        "a..b@c.co",
        "a@.co",
        "a@b..co",
        "a@b.co.",
        "a@-b.co",
        "a@b-.co",
        "a@b_c.co",
        "a@127.0.0.1",
        "a@[127.0.0.1]",
        "\"a b\"@c.co",
        "<a@b.co>",
        "a@b.co\n",
        "a\r\nBcc: x@y.zz@b.co",
        "ä@b.co",
        "a@bücher.example",
        "a@b.co,c@d.co",
        " a@b.co",
        &long_local,
        &long_label,
    ] {
        assert_eq!(EmailAddress::parse(text).unwrap_err().code, "invalid", "{text:?}");
    }
}

#[test]
fn an_address_has_at_most_254_characters() {
    let with = |length: usize| format!("{0}@{1}.{1}.{2}.org", "a".repeat(60), "b".repeat(60), "c".repeat(length - 187));
    assert!(EmailAddress::parse(&with(240)).is_ok());
    let longest = format!("{}@{1}.{1}.{2}", "a".repeat(64), "b".repeat(63), "c".repeat(61));
    assert_eq!(longest.len(), 254);
    assert!(EmailAddress::parse(&longest).is_ok());
    assert_eq!(EmailAddress::parse(&format!("{longest}c")).unwrap_err().code, "too_long");
}

proptest! {
    #[test]
    fn what_is_accepted_can_be_written_to(text in "[ -~]{0,12}@[a-zA-Z0-9.-]{0,20}|\\PC{0,8}@\\PC{0,8}|\\PC{0,20}") {
        let Ok(address) = EmailAddress::parse(&text) else { return Ok(()) };
        let (local, domain) = text.rsplit_once('@').unwrap();
        prop_assert!(text.is_ascii() && text.len() <= 254 && local.len() <= 64);
        prop_assert!(!text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c)));
        prop_assert!(!local.is_empty() && !local.contains('@') && !text.contains(".."));
        prop_assert!(domain.contains('.') && domain.split('.').all(|label| (1..=63).contains(&label.len())));
        prop_assert_eq!(address.local_part(), local);
        prop_assert_eq!(address.as_str(), &text);
        prop_assert!(comes_back(&address));
    }

    #[test]
    fn case_makes_no_difference(text in "[a-zA-Z0-9]{1,20}(\\.[a-zA-Z]{1,10})?@[a-zA-Z0-9]{1,20}\\.[a-zA-Z]{2,6}") {
        let typed = EmailAddress::parse(&text).unwrap();
        let upper = EmailAddress::parse(&text.to_uppercase()).unwrap();
        prop_assert_eq!(&typed, &upper);
        prop_assert_eq!(typed.normalized(), upper.normalized());
        let again = EmailAddress::parse(&typed.normalized()).unwrap();
        prop_assert_eq!(again.normalized(), typed.normalized());
    }
}
