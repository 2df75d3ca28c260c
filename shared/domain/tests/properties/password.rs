//! Passwords.

use domain::{CompanyName, ContextWords, EmailAddress, Password, PasswordAttempt, PersonName, Subdomain};
use proptest::prelude::*;

fn context() -> ContextWords {
    ContextWords::new()
        .company(&CompanyName::parse("Nørd & Söhne Telecom").unwrap())
        .subdomain(&Subdomain::parse("nord-telco").unwrap())
        .person(&PersonName::parse("Ada Lovelace").unwrap())
        .email(&EmailAddress::parse("countess.ada@mail.example").unwrap())
}

fn code(text: &str) -> &'static str {
    Password::parse(text, &context()).map_or_else(|rule| rule.code, |_| "ok")
}

#[test]
fn length_is_counted_in_code_points_after_normalisation() {
    assert_eq!(code("14 characters!"), "too_short");
    assert_eq!(code("15 characters!!"), "ok");
    let long: String = ('!'..='~').chain('À'..='á').collect();
    assert_eq!(long.chars().count(), 128);
    assert_eq!(code(&long.replace('!', "~!")), "too_long");
    assert_eq!(code(&format!("{}x", &long[1..])), "ok");
    // A decomposed letter counts once, a ligature twice.
    assert_eq!(code("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301} b c d"), "too_short");
    assert_eq!(code("ﬁ is a ligature"), "ok");
}

#[test]
fn there_are_no_composition_rules() {
    for text in [
        "correct horse battery staple",
        "nur kleine buchstaben",
        "我的密码是一个很长的句子没有人知道",
        "1592 6535 8979 323",
    ] {
        assert_eq!(code(text), "ok", "{text}");
    }
}

#[test]
fn common_passwords_are_refused_in_any_case() {
    for text in [
        "1Q2w3E4r5T6y7U8i",
        "PasswordPassword",
        "AAAAAAAAAAAAAAAA",
        "abcdefghijklmnop",
        "zyxwvutsrqponmlk",
        "１２３４５６７８９０１２３４５",
    ] {
        assert_eq!(code(text), "common", "{text}");
    }
}

#[test]
fn what_the_account_suggests_is_refused_in_any_case() {
    for text in [
        "Innkeeper-2026!!",
        "nordtelconordtelco!",
        "NordTelco 123456",
        "NØRD&SÖHNETELECOM",
        "Ada Lovelace 1815",
        "countess.ada.123",
        "telecom-lovelace",
    ] {
        assert_eq!(code(text), "guessable", "{text}");
    }
    assert_eq!(code("the innkeeper pours no water"), "ok");
}

#[test]
fn beside_a_second_factor_eight_characters_are_enough() {
    let code = |text| Password::parse_with_second_factor(text, &context()).map_or_else(|rule| rule.code, |_| "ok");
    assert_eq!(code("k7!pQz2"), "too_short");
    assert_eq!(code("k7!pQz2m"), "ok");
    assert_eq!(code("baseball"), "common");
    assert_eq!(code("lovelace"), "guessable");
    assert_eq!(code("telecom1"), "guessable");
}

#[test]
fn an_attempt_is_normalised_like_the_password_and_judged_no_further() {
    assert_eq!(PasswordAttempt::parse("short").unwrap().expose(), "short");
    assert_eq!(PasswordAttempt::parse("e\u{301}").unwrap().expose(), "é");
    assert_eq!(PasswordAttempt::parse("a\0b").err().unwrap().code, "control_character");
    assert_eq!(PasswordAttempt::parse(&"x".repeat(1_000_000)).err().unwrap().code, "too_long");
}

proptest! {
    #[test]
    fn what_is_accepted_keeps_the_rule(text in any::<String>()) {
        if let Ok(password) = Password::parse(&text, &ContextWords::new()) {
            prop_assert!((15..=128).contains(&password.expose().chars().count()));
            prop_assert!(!password.expose().chars().any(char::is_control));
            let attempt = PasswordAttempt::parse(&text).unwrap();
            prop_assert_eq!(attempt.expose(), password.expose());
            let again = Password::parse(password.expose(), &ContextWords::new()).unwrap();
            prop_assert_eq!(again.expose(), password.expose());
        }
    }

    #[test]
    fn random_letters_pass(text in "[a-z]{20,128}") {
        prop_assert!(Password::parse(&text, &context()).is_ok());
    }
}
