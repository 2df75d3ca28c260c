//! Names in mails. Whoever signs up chooses them and the receiver; they must not become a message of their own.

/// What separates the labels of a host name (UTS #46, section 2.3).
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'];

/// The name, or `instead` where a mail client would make a link of it: signing up would else be a way to send anybody
/// an advertisement from our address.
pub(crate) fn shown<'a>(name: &'a str, instead: &'a str) -> &'a str {
    if name.split_whitespace().any(is_link) { instead } else { name }
}

/// An address with a scheme, a mail address, or what looks like a host name: a dot with a letter or digit before it and
/// two letters after.
fn is_link(word: &str) -> bool {
    let labels = || word.split(DOTS);
    word.contains("://") || word.contains('@') || labels().zip(labels().skip(1)).any(is_dotted)
}

fn is_dotted((before, after): (&str, &str)) -> bool {
    before.ends_with(char::is_alphanumeric) && after.chars().take(2).filter(|c| c.is_alphabetic()).count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_become_a_link_is_not_shown() {
        for name in [
            "Win at evil.example",
            "https://evil",
            "WWW.EVIL.DE",
            "me@evil.example",
            "evil.рф",
            "evil\u{3002}example",
            "x (evil.example)",
        ] {
            assert_eq!(shown(name, "there"), "there", "{name}");
        }
        for name in ["Demo ISP", "Müller & Co. KG", "J. R. R. Tolkien", "St. John's", "v1.2 Ltd", "A.B.", "…and sons"]
        {
            assert_eq!(shown(name, "there"), name);
        }
    }
}
