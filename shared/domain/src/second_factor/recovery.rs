//! Recovery codes: each opens the account once, in place of the authenticator.
//!
//! Look-up secrets in the words of NIST SP 800-63B-4, section 3.1.2. From 112 bits on a plain hash is enough at rest, so a
//! code has 120; with fewer, each would cost a password hash.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::opaque::must_not_impl;
use crate::{Entropy, Rule, TokenDigest, bytes};

/// How many a set has.
pub const RECOVERY_CODES: usize = 10;

const RANDOM: usize = 15;
const SYMBOLS: usize = 24;
/// Symbols between two hyphens.
const GROUP: usize = 6;

/// A code, in upper case and without hyphens. Wiped when dropped; only its digest is stored.
pub struct RecoveryCode(Zeroizing<String>);

must_not_impl!(RecoveryCode: std::fmt::Debug, std::fmt::Display, serde::Serialize, Clone);

impl RecoveryCode {
    /// A new code.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let random = Zeroizing::new(bytes::<RANDOM>(entropy));
        Self(Zeroizing::new(BASE32_NOPAD.encode(random.as_slice())))
    }

    /// A code that somebody typed from paper: in either case, with hyphens or without. Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let code: String =
            text.chars().filter(|symbol| *symbol != '-').map(|symbol| symbol.to_ascii_uppercase()).collect();
        let code = Zeroizing::new(code);
        let of_the_alphabet = code.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
        if code.len() == SYMBOLS && of_the_alphabet {
            Ok(Self(code))
        } else {
            Err(Rule::new("invalid", "is not a recovery code"))
        }
    }

    /// What is stored in its place.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(&Sha256::digest(self.0.as_bytes()).into())
    }

    /// As it is shown, once: four groups of six, in lower case.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(SYMBOLS + SYMBOLS / GROUP));
        for (place, symbol) in self.0.chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            text.push(symbol.to_ascii_lowercase());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn r11_a_code_is_known_again_however_it_is_typed() {
        let code = RecoveryCode::new(&Constant(0xA5));
        let text = code.to_text();
        assert_eq!((text.len(), text.split('-').map(str::len).collect::<Vec<_>>()), (27, vec![6; 4]));
        for typed in [text.to_string(), text.to_uppercase(), text.replace('-', "")] {
            assert!(RecoveryCode::parse(&typed).unwrap().digest() == code.digest(), "{typed}");
        }
        assert!(RecoveryCode::new(&Constant(0xA4)).digest() != code.digest());
        for other in ["", &text[1..], &format!("{}a", text.as_str()), &text.replacen(&text[..1], "1", 1), "ä"] {
            assert!(RecoveryCode::parse(other).is_err(), "{other}");
        }
    }
}
