//! What the vault keeps.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice};
use zeroize::Zeroizing;

use crate::Rule;
use crate::named::named;
use crate::opaque::must_not_impl;

named! {
    /// How a value is written in the API.
    pub enum VaultEncoding {
        /// The text itself.
        Text = "text",
        /// Bytes, in base64 (RFC 4648 section 4, padded).
        Base64 = "base64",
    }
}

/// A value of 1 byte to 64 KiB. Wiped when dropped; it cannot be printed or serialized by accident.
pub struct VaultValue {
    encoding: VaultEncoding,
    bytes: SecretSlice<u8>,
}

must_not_impl!(VaultValue: std::fmt::Debug, std::fmt::Display, Clone, serde::Serialize);

impl VaultValue {
    /// The most bytes that a value has, once decoded.
    pub const MAX: usize = 64 * 1024;

    /// Fails with `invalid` (not base64), `too_short` or `too_long`. No rule says anything of the value.
    pub fn parse(text: &str, encoding: VaultEncoding) -> Result<Self, Rule> {
        let bytes = match encoding {
            VaultEncoding::Text => text.as_bytes().to_vec(),
            VaultEncoding::Base64 => {
                STANDARD.decode(text).map_err(|_| Rule::new("invalid", "is not base64 (RFC 4648 section 4, padded)"))?
            }
        };
        let bytes = SecretSlice::from(bytes);
        match bytes.expose_secret().len() {
            0 => Err(Rule::new("too_short", "needs at least 1 byte")),
            length if length > Self::MAX => Err(Rule::new("too_long", "may have at most 65536 bytes")),
            _ => Ok(Self { encoding, bytes }),
        }
    }

    /// How it came, and how it is given back.
    pub fn encoding(&self) -> VaultEncoding {
        self.encoding
    }

    /// The value as it came, for the one answer that hands it over.
    pub fn expose(&self) -> Zeroizing<String> {
        let bytes = self.bytes.expose_secret();
        Zeroizing::new(match self.encoding {
            VaultEncoding::Text => String::from_utf8_lossy(bytes).into_owned(),
            VaultEncoding::Base64 => STANDARD.encode(bytes),
        })
    }

    /// What is sealed: one byte for the encoding, so that it is as protected as the value, and the value.
    pub fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        let bytes = self.bytes.expose_secret();
        let mut plain = Zeroizing::new(Vec::with_capacity(1 + bytes.len()));
        plain.push(tag(self.encoding));
        plain.extend_from_slice(bytes);
        plain
    }

    /// The value that [`to_plain`](Self::to_plain) wrote down.
    pub fn from_plain(plain: &[u8]) -> Option<Self> {
        let (first, rest) = plain.split_first()?;
        let encoding = VaultEncoding::ALL.iter().copied().find(|encoding| tag(*encoding) == *first)?;
        let fits = (1..=Self::MAX).contains(&rest.len());
        let readable = encoding == VaultEncoding::Base64 || std::str::from_utf8(rest).is_ok();
        (fits && readable).then(|| Self { encoding, bytes: SecretSlice::from(rest.to_vec()) })
    }
}

/// Stored, so never another.
fn tag(encoding: VaultEncoding) -> u8 {
    match encoding {
        VaultEncoding::Text => 0,
        VaultEncoding::Base64 => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str, encoding: VaultEncoding) -> &'static str {
        VaultValue::parse(text, encoding).err().unwrap().code
    }

    #[test]
    fn a_value_has_between_one_byte_and_64_kib() {
        for (length, code) in [(0, Some("too_short")), (1, None), (VaultValue::MAX, None)] {
            let text = "x".repeat(length);
            assert_eq!(VaultValue::parse(&text, VaultEncoding::Text).err().map(|rule| rule.code), code);
            let base64 = STANDARD.encode(text);
            assert_eq!(VaultValue::parse(&base64, VaultEncoding::Base64).err().map(|rule| rule.code), code);
        }
        let long = "x".repeat(VaultValue::MAX + 1);
        assert_eq!(refused(&long, VaultEncoding::Text), "too_long");
        assert_eq!(refused(&STANDARD.encode(long), VaultEncoding::Base64), "too_long");
        assert_eq!(refused(&"é".repeat(VaultValue::MAX / 2 + 1), VaultEncoding::Text), "too_long", "bytes are counted");
    }

    #[test]
    fn base64_is_the_standard_one_and_nothing_else() {
        for bad in ["a", "YQ", "YQ=", "YR==", "Y Q==", "_-8=", "YQ==\n"] {
            assert_eq!(refused(bad, VaultEncoding::Base64), "invalid", "{bad}");
        }
    }

    #[test]
    fn what_was_never_written_is_no_value() {
        for plain in [&b""[..], b"\0", b"\x01", b"\x02x", b"\0\xff"] {
            assert!(VaultValue::from_plain(plain).is_none());
        }
        assert!(VaultValue::from_plain(&vec![1; VaultValue::MAX + 2]).is_none());
    }

    proptest! {
        #[test]
        fn text_comes_back_as_it_went_in(text in ".{1,200}") {
            let value = VaultValue::parse(&text, VaultEncoding::Text).unwrap();
            let back = VaultValue::from_plain(&value.to_plain()).unwrap();
            prop_assert_eq!((back.encoding(), &*back.expose()), (VaultEncoding::Text, &text));
        }

        #[test]
        fn bytes_come_back_as_they_went_in(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
            let sent = STANDARD.encode(bytes);
            let value = VaultValue::parse(&sent, VaultEncoding::Base64).unwrap();
            let back = VaultValue::from_plain(&value.to_plain()).unwrap();
            prop_assert_eq!((back.encoding(), &*back.expose()), (VaultEncoding::Base64, &sent));
        }
    }
}
