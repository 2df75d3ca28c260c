//! What people read, as they read it.

use domain::{BaseDomain, CompanyName, PersonName, Subdomain, TenantHost};
use secrecy::SecretString;

use super::*;

fn host() -> TenantHost {
    TenantHost::new(Subdomain::parse("demo").unwrap(), BaseDomain::parse("innkeeper.example").unwrap())
}

fn welcome(person: &str, company: &str) -> Rendered {
    let message = Message::Welcome(Welcome {
        person: PersonName::parse(person).unwrap(),
        company: CompanyName::parse(company).unwrap(),
        host: host(),
        activation_link: SecretString::from(format!(
            "https://app.innkeeper.example/activate?token=ink_act_{}",
            "x".repeat(49)
        )),
        valid_hours: 72,
    });
    message.render().unwrap()
}

fn welcome_existing(person: &str, company: &str) -> Rendered {
    let message = Message::WelcomeExisting(WelcomeExisting {
        person: PersonName::parse(person).unwrap(),
        company: CompanyName::parse(company).unwrap(),
        host: host(),
        sign_in_link: "https://app.innkeeper.example/login".to_owned(),
    });
    message.render().unwrap()
}

fn page(mail: &Rendered) -> String {
    format!("Subject: {}\n\n{}", mail.subject, mail.text)
}

#[test]
fn a_new_admin_gets_a_link_to_choose_a_password() {
    let mail = welcome("Demo Admin", "Demo ISP");
    insta::assert_snapshot!("welcome_text", page(&mail));
    insta::assert_snapshot!("welcome_html", mail.html);
}

#[test]
fn a_new_admin_may_get_a_password_for_one_time() {
    let message = Message::WelcomeTemporary(WelcomeTemporary {
        person: PersonName::parse("Demo Admin").unwrap(),
        company: CompanyName::parse("Demo ISP").unwrap(),
        host: host(),
        temporary_password: SecretString::from("7k2pm-x0c4t-9hq3b-nw8ev-5sd6y"),
        sign_in_link: "https://app.innkeeper.example/login".to_owned(),
        valid_hours: 72,
    });
    let mail = message.render().unwrap();
    insta::assert_snapshot!("welcome_temporary_text", page(&mail));
    insta::assert_snapshot!("welcome_temporary_html", mail.html);
    assert!(!mail.text.contains("token"));
}

#[test]
fn a_person_with_a_password_gets_no_credentials() {
    let mail = welcome_existing("Demo Admin", "Demo ISP");
    insta::assert_snapshot!("welcome_existing_text", page(&mail));
    insta::assert_snapshot!("welcome_existing_html", mail.html);
    assert!(!mail.text.contains("token") && !mail.html.contains("token"));
}

#[test]
fn the_link_has_a_line_for_itself_and_no_line_is_long() {
    for company in ["Demo ISP", "Very Long Company Name ".repeat(4).trim(), &"x".repeat(100)] {
        let mail = welcome("Demo Admin", company);
        assert!(mail.text.lines().any(|line| line.starts_with("https://") && line.ends_with("xxx")));
        assert!(mail.text.lines().all(|line| line.chars().count() <= 72 || !line.contains(' ')), "{}", mail.text);
    }
}

#[test]
fn names_are_text_and_never_markup() {
    for name in
        [r#"<script>alert(1)</script>"#, r#""><img src=x onerror=x>"#, "Tom & 'Jerry'", "{{ link }}", "%0d%0aBcc: x"]
    {
        for mail in [welcome(name, name), welcome_existing(name, name)] {
            assert!(mail.text.contains(name), "plain text shows it as it is");
            assert!(!mail.html.contains("<script") && !mail.html.contains("<img") && !mail.html.contains("'Jerry'"));
            assert_eq!(mail.html.matches('<').count(), welcome_tags(&mail), "{}", mail.html);
            assert!(!mail.subject.chars().any(char::is_control));
        }
    }
}

/// The tags of a mail with a harmless name of the same kind.
fn welcome_tags(mail: &Rendered) -> usize {
    let plain = if mail.html.contains("activate") { welcome("Ann", "Ann") } else { welcome_existing("Ann", "Ann") };
    plain.html.matches('<').count()
}

#[test]
fn what_could_break_a_header_is_no_name() {
    for name in ["Demo\r\nBcc: all@demo.example", "Demo\nISP", "Demo\u{202E}PSI", "Demo\u{2028}ISP", "Demo\0ISP"] {
        assert!(CompanyName::parse(name).is_err() && PersonName::parse(name).is_err(), "{name:?}");
    }
}

#[test]
fn a_name_that_is_an_advertisement_is_left_out() {
    let mail = welcome("Win at evil.example", "https://evil.example/win");
    for part in [&mail.subject, &mail.text, &mail.html] {
        assert!(!part.contains("evil"), "{part}");
    }
    assert!(mail.text.starts_with("Hello there,\n"));
    assert_eq!(mail.subject, "Your company is ready: choose your password");
}

#[test]
fn html_loads_nothing() {
    for html in [welcome("Ann", "Ann").html, welcome_existing("Ann", "Ann").html] {
        assert!(!html.contains("src=") && !html.contains("url(") && !html.contains("<link"));
        assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">"));
    }
}
