//! What operational calls prove themselves by: `X-Internal-Secret` (REQUIREMENTS.md R19).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Entropy, bytes};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{SecretError, check_strength};

/// The secret in use, and the one before it, which its users may still have. Both are accepted. Wiped when dropped.
///
/// The two stand in one value, `{"current": "…", "previous": "…"}`, so that one read finds both and a rotation replaces
/// both at once. Who calls sends `current`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct InternalSecret {
    current: String,
    previous: Option<String>,
}

/// As it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    #[serde(borrow)]
    current: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    previous: Option<Cow<'a, str>>,
}

impl InternalSecret {
    /// Reads the value of `secret`. Each of the two is refused where it could be guessed.
    pub fn parse(secret: &str, value: &SecretString) -> Result<Self, SecretError> {
        // The parser's own message is dropped: it quotes what it did not expect.
        let malformed = |_| SecretError::Malformed { secret: secret.to_owned(), reason: "has no current secret" };
        let Stored { current, previous } = serde_json::from_str(value.expose_secret()).map_err(malformed)?;
        let read = Self { current: current.into_owned(), previous: previous.map(Cow::into_owned) };
        check_strength(secret, read.current.as_bytes())?;
        read.previous.iter().try_for_each(|previous| check_strength(secret, previous.as_bytes()))?;
        Ok(read)
    }

    /// Whether it is one of the two, in a time that depends on nothing but the lengths.
    pub fn accepts(&self, sent: &[u8]) -> bool {
        let is = |secret: &str| secret.as_bytes().ct_eq(sent);
        let previous = self.previous.as_deref().map_or(is("") & subtle::Choice::from(0), is);
        (is(&self.current) | previous).into()
    }

    /// Whether the tag is the message's under one of the two: `hmac-sha256` of RFC 9421 section 3.3.3, whose key is the secret's
    /// text. In constant time.
    pub fn signed(&self, message: &[u8], tag: &[u8]) -> bool {
        signed(self.current.as_bytes(), message, tag)
            || self.previous.as_ref().is_some_and(|previous| signed(previous.as_bytes(), message, tag))
    }

    /// The value that is to follow: a new random secret, and this one's current.
    pub fn successor(&self, entropy: &dyn Entropy) -> SecretString {
        let random = Zeroizing::new(bytes::<32>(entropy));
        let new = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()));
        let next = Stored { current: new.as_str().into(), previous: Some(self.current.as_str().into()) };
        let text = Zeroizing::new(serde_json::to_string(&next).unwrap_or_default());
        SecretString::from(text.as_str())
    }

    /// Whether this value's previous secret is that one's current.
    pub fn follows(&self, earlier: &Self) -> bool {
        self.previous.as_ref().is_some_and(|previous| previous.as_bytes().ct_eq(earlier.current.as_bytes()).into())
    }

    /// Whether the two secrets are different.
    pub fn is_new(&self) -> bool {
        self.previous.as_deref() != Some(self.current.as_str())
    }
}

fn signed(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    // HMAC takes a key of any length.
    Hmac::<Sha256>::new_from_slice(key).is_ok_and(|hmac| hmac.chain_update(message).verify_slice(tag).is_ok())
}

#[cfg(test)]
mod tests {
    use testkit::SeededEntropy;

    use super::*;

    const FIRST: &str = "yJ6hQ0sT2vW8xZ4bD1fG3kL5mN7pR9cEaB2dF4gH6jK";

    fn parse(value: &str) -> Result<InternalSecret, SecretError> {
        InternalSecret::parse("innkeeper/dev/internal-secret", &SecretString::from(value))
    }

    fn current(value: &SecretString) -> String {
        serde_json::from_str::<serde_json::Value>(value.expose_secret()).unwrap()["current"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn the_current_and_the_previous_are_accepted_and_no_other() {
        let entropy = SeededEntropy::new(3);
        let one = parse(&format!(r#"{{"current":"{FIRST}"}}"#)).unwrap();
        let second = one.successor(&entropy);
        let two = parse(second.expose_secret()).unwrap();
        let three = parse(two.successor(&entropy).expose_secret()).unwrap();
        let sent = [FIRST.to_owned(), current(&second)];
        assert_eq!([&one, &two, &three].map(|it| it.accepts(sent[0].as_bytes())), [true, true, false]);
        assert_eq!([&one, &two, &three].map(|it| it.accepts(sent[1].as_bytes())), [false, true, true]);
        for nothing in ["", "x", &FIRST[..42], &format!("{FIRST}x"), &FIRST.to_lowercase()] {
            assert!(!one.accepts(nothing.as_bytes()) && !two.accepts(nothing.as_bytes()), "{nothing}");
        }
        assert!(two.follows(&one) && three.follows(&two) && !three.follows(&one) && !one.follows(&one));
    }

    #[test]
    fn r20_the_hmac_vector_of_rfc_9421_holds() {
        use base64::engine::general_purpose::STANDARD;
        // Appendices B.1.5 and B.2.5.
        let key = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
        let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
            \"content-type\": application/json\n\
            \"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
        let (key, tag) = (STANDARD.decode(key).unwrap(), "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
        let tag = STANDARD.decode(tag).unwrap();
        assert!(signed(&key, base.as_bytes(), &tag));
        assert!(!signed(&key, &base.as_bytes()[1..], &tag) && !signed(&key[1..], base.as_bytes(), &tag));
        assert!(!signed(&key, base.as_bytes(), &tag[..31]) && !signed(&key, base.as_bytes(), b""));
    }

    #[test]
    fn r20_a_signature_under_the_current_or_the_previous_secret_holds() {
        let one = parse(&format!(r#"{{"current":"{FIRST}"}}"#)).unwrap();
        let two = parse(one.successor(&SeededEntropy::new(3)).expose_secret()).unwrap();
        let three = parse(two.successor(&SeededEntropy::new(4)).expose_secret()).unwrap();
        let tag = Hmac::<Sha256>::new_from_slice(FIRST.as_bytes()).unwrap().chain_update(b"it").finalize().into_bytes();
        assert_eq!([&one, &two, &three].map(|it| it.signed(b"it", &tag)), [true, true, false]);
    }

    #[test]
    fn what_is_missing_or_weak_is_refused_by_name() {
        for value in ["", "{}", FIRST, r#"{"current":""}"#, r#"{"current":"short"}"#, r#"{"current":null}"#] {
            let said = parse(value).err().unwrap().to_string();
            assert!(said.contains("innkeeper/dev/internal-secret"), "{said}");
        }
        let weak = format!(r#"{{"current":"{FIRST}","previous":"changemechangemechangemechangemechangeme"}}"#);
        assert!(matches!(parse(&weak), Err(SecretError::Weak { .. })));
    }
}
