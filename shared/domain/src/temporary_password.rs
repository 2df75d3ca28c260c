//! The one-time password of a welcome mail, where the stack is set up to send one in place of a link.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::named::named;
use crate::opaque::must_not_impl;
use crate::{Entropy, PasswordAttempt, TokenDigest, bytes};

named! {
    /// What the first admin of a tenant is mailed to begin with.
    pub enum FirstLogin {
        /// A link by which to choose a password.
        ActivationLink = "activation_link",
        /// A password that is good for choosing another, once.
        TemporaryPassword = "temporary_password",
    }
}

/// Crockford's base 32 in lower case: nothing in it looks like something else in it.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 25 digits of 5 bits are 125: more than the 112 from which on SP 800-63B-4 (section 3.1.2.2) asks for no salt and no slow
/// hash, and few enough to be typed.
const GROUPS: usize = 5;
const GROUP: usize = 5;

/// The password itself. Wiped when dropped; only its [`TokenDigest`] is ever stored.
pub struct TemporaryPassword(SecretString);

must_not_impl!(TemporaryPassword: fmt::Debug, fmt::Display, Serialize);

impl TemporaryPassword {
    /// A new one, such as `7k2pm-x0c4t-9hq3b-nw8ev-5sd6y`.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let random = Zeroizing::new(bytes::<{ GROUPS * GROUP }>(entropy));
        // 256 is a multiple of 32, so that no digit is likelier than another.
        let digits = Zeroizing::new(random.map(|byte| DIGITS[usize::from(byte) % DIGITS.len()]));
        let groups: Vec<&str> =
            digits.chunks(GROUP).map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
        let text = Zeroizing::new(groups.join("-"));
        Self(SecretString::from(text.as_str()))
    }

    /// What is stored in its place.
    pub fn digest(&self) -> TokenDigest {
        digest(self.expose())
    }

    /// The text, for the one mail that hands it over.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PasswordAttempt {
    /// For the comparison with a stored [`TemporaryPassword::digest`].
    pub fn digest(&self) -> TokenDigest {
        digest(self.expose())
    }
}

fn digest(text: &str) -> TokenDigest {
    TokenDigest::of(&Sha256::digest(text.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill_with(|| self.0.fetch_add(7, Ordering::Relaxed));
        }
    }

    #[test]
    fn what_is_typed_from_the_mail_has_the_digest_that_is_stored() {
        let entropy = Counting(AtomicU8::new(0));
        let (one, two) = (TemporaryPassword::new(&entropy), TemporaryPassword::new(&entropy));
        let typed = PasswordAttempt::parse(one.expose()).unwrap();
        assert_eq!(typed.digest(), one.digest());
        assert_ne!(two.digest(), one.digest());
        assert_eq!(one.expose().len(), 29);
        assert!(one.expose().split('-').all(|group| group.len() == 5 && group.bytes().all(|b| DIGITS.contains(&b))));
    }
}
