//! One-time passwords by time: RFC 6238 with SHA-1, 30 seconds and six digits, the one form that every authenticator knows.
//!
//! Made of RustCrypto's `hmac` and `sha1`: `totp-rs` brings the same two and a base 32 of its own around the ten lines
//! below, and its secret can be printed.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::opaque::must_not_impl;
use crate::{EmailAddress, Entropy, Rule, bytes};

/// As long as HMAC-SHA-1's output (RFC 4226 section 4, R6).
const SECRET: usize = 20;
/// Seconds.
const STEP: u64 = 30;
const DIGITS: usize = 6;
/// One step either way: clocks differ, and typing takes time (RFC 6238 section 5.2).
const TOLERANCE: u64 = 1;
const KEPT_IN_A_LABEL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the authenticator and we know. Wiped when dropped.
pub struct TotpSecret(Zeroizing<[u8; SECRET]>);

/// Six digits that somebody typed.
pub struct TotpCode(u32);

must_not_impl!(TotpSecret: std::fmt::Debug, std::fmt::Display, serde::Serialize, Clone);
must_not_impl!(TotpCode: std::fmt::Debug, std::fmt::Display, serde::Serialize);

impl TotpCode {
    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.map(Self).ok_or_else(|| Rule::new("invalid", "is not a code of six digits"))
    }
}

impl TotpSecret {
    /// A new secret of 160 bits.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(bytes(entropy)))
    }

    /// The secret whose bytes these are; none where they are too few or too many.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|secret: [u8; SECRET]| Self(Zeroizing::new(secret)))
    }

    /// The bytes, to be sealed.
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// For who types it: base 32 without padding.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(self.expose()))
    }

    /// For a QR code: the `otpauth` URI that authenticators read, for an account at `issuer`.
    pub fn to_uri(&self, issuer: &str, account: &EmailAddress) -> Zeroizing<String> {
        let encode = |text| utf8_percent_encode(text, KEPT_IN_A_LABEL);
        let (issuer, account, secret) = (encode(issuer), encode(account.as_str()), self.to_base32());
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP}",
            secret.as_str()
        ))
    }

    /// The step that the code is for, if it is one that counts now and comes after the last one that was used.
    pub fn step_of(&self, code: &TotpCode, now: Timestamp, used: Option<u64>) -> Option<u64> {
        let current = u64::try_from(now.as_second()).unwrap_or_default() / STEP;
        (current.saturating_sub(TOLERANCE)..=current + TOLERANCE)
            .filter(|step| used.is_none_or(|used| *step > used))
            .filter(|step| self.code(*step).ct_eq(&code.0).into())
            .min()
    }

    /// RFC 4226 section 5.3, on the number of the step.
    fn code(&self, step: u64) -> u32 {
        // One block long, as HMAC pads it anyway; so the constructor cannot fail.
        let mut block = Zeroizing::new([0; 64]);
        block[..SECRET].copy_from_slice(self.expose());
        let mac = Hmac::<Sha1>::new((&*block).into()).chain_update(step.to_be_bytes()).finalize().into_bytes();
        let from = usize::from(mac[19] & 15);
        let four = [mac[from] & 127, mac[from + 1], mac[from + 2], mac[from + 3]];
        u32::from_be_bytes(four) % 10_u32.pow(DIGITS as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rfc() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn typed(text: &str) -> TotpCode {
        TotpCode::parse(text).unwrap()
    }

    /// RFC 6238 appendix B, SHA-1. It lists eight digits; ours are the last six of them.
    #[test]
    fn r11_the_vectors_of_rfc_6238() {
        for (second, eight) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = rfc().step_of(&typed(&eight[2..]), at(second), None);
            assert_eq!(step, Some(second as u64 / 30), "{second}");
        }
    }

    /// RFC 4226 appendix D: the same function of a counter.
    #[test]
    fn r11_the_vectors_of_rfc_4226() {
        let codes = [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        assert_eq!((0..10).map(|counter| rfc().code(counter)).collect::<Vec<_>>(), codes);
    }

    #[test]
    fn r11_a_code_counts_one_step_early_and_late_and_never_again() {
        let (secret, code) = (rfc(), typed("081804"));
        let step = 1_111_111_109 / 30;
        let begins = step as i64 * 30;
        for (second, counts) in [(-31, false), (-30, true), (0, true), (29, true), (59, true), (60, false)] {
            let found = secret.step_of(&code, at(begins + second), None);
            assert_eq!(found, counts.then_some(step), "{second}");
        }
        assert_eq!(secret.step_of(&code, at(begins), Some(step - 1)), Some(step));
        for used in [step, step + 1] {
            assert_eq!(secret.step_of(&code, at(begins), Some(used)), None);
        }
    }

    #[test]
    fn r11_a_code_is_six_digits() {
        for text in ["", "12345", "1234567", "+12345", "12 345", "１２３４５６", "12345a"] {
            assert!(TotpCode::parse(text).is_err(), "{text}");
        }
        assert_eq!(typed("000001").0, 1);
    }

    #[test]
    fn r11_an_authenticator_reads_the_uri() {
        let account = EmailAddress::parse("ada+1@demo.com").unwrap();
        assert_eq!(
            rfc().to_uri("api.example.com", &account).as_str(),
            "otpauth://totp/api.example.com:ada%2B1%40demo.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=api.example.com&algorithm=SHA1&digits=6&period=30"
        );
    }
}
