//! A tenant's own four secrets, which its application works with.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Entropy, bytes};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{SecretError, check_strength};

/// How long a tenant's secrets are in use before they are replaced.
pub const TENANT_SECRETS_LIVE: jiff::SignedDuration = jiff::SignedDuration::from_hours(90 * 24);

/// One of a tenant's secrets: 32 random bytes. Wiped when dropped.
pub fn tenant_secret(entropy: &dyn Entropy) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(bytes(entropy))
}

/// The secrets of a silo tenant, and the four before them, for what was signed or encrypted with those. Wiped when dropped.
///
/// Its application reads them from Secrets Manager as `{"jwt", "encryption", "cookie", "webhook", "previous"}`, each the
/// base64url of 32 random bytes; `previous` has the same four names.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SiloSecrets {
    current: [String; 4],
    previous: Option<[String; 4]>,
}

/// As they are stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    #[serde(borrow)]
    jwt: Cow<'a, str>,
    #[serde(borrow)]
    encryption: Cow<'a, str>,
    #[serde(borrow)]
    cookie: Cow<'a, str>,
    #[serde(borrow)]
    webhook: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    previous: Option<Box<Stored<'a>>>,
}

impl SiloSecrets {
    /// The first ones.
    pub fn generate(entropy: &dyn Entropy) -> SecretString {
        Self { current: random(entropy), previous: None }.to_secret()
    }

    /// Reads the value of `secret`. Each is refused where it could be guessed.
    pub fn parse(secret: &str, value: &SecretString) -> Result<Self, SecretError> {
        let malformed = || SecretError::Malformed { secret: secret.to_owned(), reason: "is no tenant's four secrets" };
        // The parser's own message is dropped: it quotes what it did not expect.
        let stored: Stored<'_> = serde_json::from_str(value.expose_secret()).map_err(|_| malformed())?;
        if stored.previous.as_ref().is_some_and(|previous| previous.previous.is_some()) {
            return Err(malformed());
        }
        let read = Self { current: stored.values(), previous: stored.previous.as_ref().map(|former| former.values()) };
        let mut all = read.current.iter().chain(read.previous.iter().flatten());
        all.try_for_each(|value| check_strength(secret, value.as_bytes()))?;
        Ok(read)
    }

    /// The value that is to follow: new ones, and these as the previous.
    pub fn successor(&self, entropy: &dyn Entropy) -> SecretString {
        Self { current: random(entropy), previous: Some(self.current.clone()) }.to_secret()
    }

    /// Whether the previous ones of this value are that one's.
    pub fn follows(&self, earlier: &Self) -> bool {
        let same = |(a, b): (&String, &String)| bool::from(a.as_bytes().ct_eq(b.as_bytes()));
        self.previous.as_ref().is_some_and(|previous| previous.iter().zip(&earlier.current).all(same))
    }

    /// Whether none of them is one of the previous.
    pub fn is_new(&self) -> bool {
        self.current.iter().all(|value| !self.previous.iter().flatten().any(|former| former == value))
    }

    fn to_secret(&self) -> SecretString {
        let previous = self.previous.as_ref().map(|previous| Box::new(Stored::of(previous, None)));
        let text = Zeroizing::new(serde_json::to_string(&Stored::of(&self.current, previous)).unwrap_or_default());
        SecretString::from(text.as_str())
    }
}

impl<'a> Stored<'a> {
    fn of([jwt, encryption, cookie, webhook]: &'a [String; 4], previous: Option<Box<Self>>) -> Self {
        let (jwt, encryption) = (jwt.into(), encryption.into());
        Self { jwt, encryption, cookie: cookie.into(), webhook: webhook.into(), previous }
    }

    fn values(&self) -> [String; 4] {
        [&self.jwt, &self.encryption, &self.cookie, &self.webhook].map(|value| value.clone().into_owned())
    }
}

fn random(entropy: &dyn Entropy) -> [String; 4] {
    std::array::from_fn(|_| URL_SAFE_NO_PAD.encode(tenant_secret(entropy).as_slice()))
}

#[cfg(test)]
mod tests {
    use testkit::SeededEntropy;

    use super::*;

    fn parse(value: &SecretString) -> SiloSecrets {
        SiloSecrets::parse("s", value).unwrap()
    }

    #[test]
    fn a_successor_keeps_what_it_succeeds_and_nothing_older() {
        let entropy = SeededEntropy::new(5);
        let first = SiloSecrets::generate(&entropy);
        let one = parse(&first);
        let two = parse(&one.successor(&entropy));
        let third = two.successor(&entropy);
        let three = parse(&third);
        assert!(one.is_new() && two.is_new() && three.is_new());
        assert!(two.follows(&one) && three.follows(&two));
        assert!(!one.follows(&one) && !three.follows(&one) && !one.follows(&two));
        for value in &one.current {
            assert!(first.expose_secret().contains(value.as_str()) && !third.expose_secret().contains(value.as_str()));
        }
    }

    #[test]
    fn what_is_missing_weak_or_more_is_refused_by_the_secrets_name() {
        let good = SiloSecrets::generate(&SeededEntropy::new(5)).expose_secret().to_owned();
        let mut bad = vec![String::new(), "{}".to_owned(), good.replace("jwt", "jwk")];
        bad.push(good.replacen('{', "{\"more\":1,", 1));
        let mut short: serde_json::Value = serde_json::from_str(&good).unwrap();
        short["cookie"] = "short".into();
        bad.push(short.to_string());
        for value in bad {
            let said = SiloSecrets::parse("innkeeper/dev/tenant/x", &SecretString::from(value)).err().unwrap();
            assert!(said.to_string().contains("innkeeper/dev/tenant/x"), "{said}");
        }
    }
}
