//! Subdomains, names, regions and identifiers.

use domain::{
    CompanyName, CorrelationId, IdentityId, Label, PersonName, Region, Regions, SessionId, Subdomain, TenantId,
};
use proptest::prelude::*;

use crate::{Fixed, comes_back};

const RESERVED: &str = "api www admin app mail ftp blog shop test staging dev support help docs status billing payments secure \
                        login auth cdn assets static media uploads downloads";

/// The rule of DESIGN.md, section 5, said in another way.
fn is_allowed(text: &str) -> bool {
    let label = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=30).contains(&text.len()) && text.split('-').all(label) && !RESERVED.split(' ').any(|word| word == text)
}

#[test]
fn every_reserved_name_is_refused_and_demo_is_not() {
    for name in RESERVED.split(' ') {
        assert_eq!(Subdomain::parse(name).unwrap_err().code, "reserved", "{name}");
    }
    assert!(Subdomain::parse("demo").is_ok());
}

#[test]
fn a_subdomain_is_refused_with_the_rule_it_breaks() {
    let long = "a".repeat(31);
    for (text, code) in [
        ("ab", "too_short"),
        ("", "too_short"),
        (long.as_str(), "too_long"),
        ("Demo", "invalid"),
        ("-demo", "invalid"),
        ("demo-", "invalid"),
        ("xn--demo", "invalid"),
        ("de mo", "invalid"),
        ("dém", "invalid"),
        ("demo\n", "invalid"),
    ] {
        assert_eq!(Subdomain::parse(text).unwrap_err().code, code, "{text:?}");
    }
    assert!(Subdomain::parse(&"a".repeat(30)).is_ok());
    assert!(Subdomain::parse("a-1").is_ok());
}

#[test]
fn a_name_in_use_stays_readable_when_it_is_reserved_later() {
    let id = TenantId::parse("tenant-shop-0123abcd").unwrap();
    assert_eq!(id.subdomain().as_str(), "shop");
    assert!(serde_json::from_str::<Subdomain>("\"shop\"").is_ok());
    assert!(serde_json::from_str::<Subdomain>("\"Shop\"").is_err());
}

#[test]
fn an_id_is_not_mistaken_for_another() {
    let digits = "0123456789abcdef0123456789abcdef";
    assert!(IdentityId::parse(&format!("usr_{digits}")).is_ok());
    assert!(IdentityId::parse(&format!("ses_{digits}")).is_err());
    assert!(SessionId::parse(&format!("usr_{digits}")).is_err());
    assert!(SessionId::parse(&format!("ses_{}", digits.to_uppercase())).is_err());
    for text in [
        "tenant-demo",
        "tenant-demo-0123abc",
        "tenant-demo-0123ABCD",
        "demo-0123abcd",
        "tenant--0123abcd",
        "tenant-ab-0123abcd",
    ] {
        assert!(TenantId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_region_must_be_one_of_ours() {
    let regions = Regions::parse("us-east-1, eu-west-1").unwrap();
    assert_eq!(regions.default_region().as_str(), "us-east-1");
    assert_eq!(regions.choose("eu-west-1").unwrap().as_str(), "eu-west-1");
    assert_eq!(regions.choose("eu-west-2").unwrap_err().code, "unknown");
    assert!(Regions::parse("").is_err() && Regions::parse("us-east-1,").is_err());
    assert!(Region::parse("us-gov-west-1").is_ok());
}

proptest! {
    #[test]
    fn a_subdomain_is_accepted_exactly_if_the_rule_allows_it(text in "[a-z0-9-]{0,32}|\\PC{0,12}|(api|www|xn--|test)-?[a-z]?") {
        let parsed = Subdomain::parse(&text);
        prop_assert_eq!(parsed.is_ok(), is_allowed(&text));
        if let Ok(subdomain) = parsed {
            prop_assert_eq!(subdomain.as_str(), &text);
            prop_assert!(comes_back(&subdomain));
        }
    }

    #[test]
    fn a_name_is_kept_as_typed_or_refused(text in any::<String>()) {
        let bidi = |c| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        if let Ok(name) = CompanyName::parse(&text) {
            prop_assert!((2..=100).contains(&text.chars().count()));
            prop_assert!(!text.chars().any(|c| c.is_control() || bidi(c)) && text.trim() == text);
            prop_assert_eq!(name.as_str(), &text);
            prop_assert!(comes_back(&name));
        }
        if let Ok(name) = PersonName::parse(&text) {
            prop_assert!((2..=80).contains(&text.chars().count()) && comes_back(&name));
        }
        if let Ok(label) = Label::parse(&text) {
            prop_assert!((1..=64).contains(&text.chars().count()) && comes_back(&label));
        }
    }

    #[test]
    fn plain_names_are_accepted(text in "[\\p{L}\\p{N}]{2,80}") {
        prop_assert!(CompanyName::parse(&text).is_ok() && PersonName::parse(&text).is_ok());
    }

    #[test]
    fn ids_come_back(random in any::<[u8; 16]>(), name in "[a-z]{3}(-[a-z0-9]{2,5}){0,4}") {
        let entropy = Fixed(random);
        if let Ok(subdomain) = Subdomain::parse(&name) {
            let id = TenantId::new(&subdomain, &entropy);
            prop_assert!(comes_back(&id));
            prop_assert_eq!(id.to_string(), format!("tenant-{name}-{}", &id.as_str()[id.as_str().len() - 8..]));
            prop_assert_eq!(id.subdomain(), subdomain);
        }
        prop_assert!(comes_back(&IdentityId::new(&entropy)));
        prop_assert!(comes_back(&SessionId::new(&entropy)));
        prop_assert!(comes_back(&CorrelationId::new(&entropy)));
    }

    #[test]
    fn no_text_breaks_a_parser(text in any::<String>()) {
        let _ = TenantId::parse(&format!("tenant-{text}-0123abcd"));
        let _ = (IdentityId::parse(&text), SessionId::parse(&text), Region::parse(&text), Regions::parse(&text));
        if let Ok(id) = CorrelationId::parse(&text) {
            prop_assert!((8..=64).contains(&id.as_str().len()) && comes_back(&id));
        }
    }
}
