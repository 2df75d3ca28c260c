//! Bearer tokens that a person or a mail carries: a prefix that says what it is, 256 random bits, and a checksum.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::ids::is_hex;
use crate::opaque::must_not_impl;
use crate::{Entropy, Rule, bytes};

/// 256 bits: nobody guesses one, so its digest needs no salt and no slow hash (OWASP ASVS 5.0, 6.5.3).
const RANDOM_BYTES: usize = 32;
/// 32 bytes in base64url without padding.
const BODY: usize = 43;
/// A CRC-32 in base 62.
const CHECKSUM: usize = 6;
/// What every token ends with: its random part and the checksum.
pub(crate) const SEALED: usize = BODY + CHECKSUM;

/// Says what a token is good for, so that one kind cannot be passed off as another.
pub trait TokenKind {
    /// What every token of the kind starts with; secret scanners find leaked tokens by it.
    const PREFIX: &'static str;
}

/// Reads one tenant's provisioning status, and nothing else.
pub enum Status {}

/// Sets a first password, once.
pub enum Activation {}

/// Replaces a forgotten password, once.
pub enum Reset {}

/// Makes its bearer a member of a tenant, once.
pub enum Invitation {}

/// Goes on with one sign-in, whose password was right and whose second factor is missing.
pub enum Mfa {}

impl TokenKind for Status {
    const PREFIX: &'static str = "ink_st_";
}

impl TokenKind for Activation {
    const PREFIX: &'static str = "ink_act_";
}

impl TokenKind for Reset {
    const PREFIX: &'static str = "ink_rst_";
}

impl TokenKind for Invitation {
    const PREFIX: &'static str = "ink_inv_";
}

impl TokenKind for Mfa {
    const PREFIX: &'static str = "ink_mfa_";
}

/// A token for [`Status`].
pub type StatusToken = Token<Status>;
/// A token for [`Activation`].
pub type ActivationToken = Token<Activation>;
/// A token for [`Reset`].
pub type ResetToken = Token<Reset>;
/// A token for [`Invitation`].
pub type InvitationToken = Token<Invitation>;
/// A token for [`Mfa`].
pub type MfaToken = Token<Mfa>;

/// The token itself. Wiped when dropped; only its [`TokenDigest`] is ever stored.
pub struct Token<K> {
    text: SecretString,
    kind: PhantomData<fn() -> K>,
}

must_not_impl!(StatusToken: fmt::Debug, fmt::Display, Serialize);
must_not_impl!(ActivationToken: fmt::Debug, fmt::Display, Serialize);
must_not_impl!(ResetToken: fmt::Debug, fmt::Display, Serialize);
must_not_impl!(InvitationToken: fmt::Debug, fmt::Display, Serialize);
must_not_impl!(MfaToken: fmt::Debug, fmt::Display, Serialize);

impl<K: TokenKind> Token<K> {
    /// A new token.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self { text: SecretString::from(random_end(K::PREFIX, entropy).as_str()), kind: PhantomData }
    }

    /// A token that somebody sent. Fails with `invalid` when the checksum does not match, so that a typing error or a
    /// scanner costs no read of the store; that it matches proves nothing.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        if is_well_formed(text, K::PREFIX) {
            Ok(Self { text: SecretString::from(text), kind: PhantomData })
        } else {
            Err(Rule::new("invalid", "is not a token of this kind"))
        }
    }

    /// What is stored in its place.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of_text(self.expose())
    }

    /// The text, for the one answer or mail that hands it over.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

fn is_well_formed(text: &str, prefix: &str) -> bool {
    text.len() == prefix.len() + SEALED && text.starts_with(prefix) && has_random_end(text)
}

/// The beginning, 256 random bits, and the checksum over both.
pub(crate) fn random_end(beginning: &str, entropy: &dyn Entropy) -> Zeroizing<String> {
    let random = Zeroizing::new(bytes::<RANDOM_BYTES>(entropy));
    let body = Zeroizing::new(format!("{beginning}{}", URL_SAFE_NO_PAD.encode(random.as_slice())));
    Zeroizing::new(format!("{}{}", body.as_str(), checksum(&body)))
}

/// Whether the text ends as [`random_end`] makes it, whatever it begins with.
pub(crate) fn has_random_end(text: &str) -> bool {
    if !text.is_ascii() || text.len() < SEALED {
        return false;
    }
    let (body, sum) = text.split_at(text.len() - CHECKSUM);
    URL_SAFE_NO_PAD.decode(&body[body.len() - BODY..]).is_ok() && checksum(body) == sum
}

/// CRC-32 in base 62, the most significant digit first. It catches every change of a single character.
fn checksum(body: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let sum = crc32fast::hash(body.as_bytes());
    let digit = |place: u32| char::from(DIGITS[(u64::from(sum) / 62_u64.pow(place) % 62) as usize]);
    (0..CHECKSUM as u32).rev().map(digit).collect()
}

/// SHA-256 of a token, in hexadecimal: safe to store and to use in a key. Compared in constant time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenDigest(String);

impl TokenDigest {
    /// The digest whose bytes these are: SHA-256 of something that is not one of our tokens.
    pub fn of(sha256: &[u8; 32]) -> Self {
        Self(HEXLOWER.encode(sha256))
    }

    pub(crate) fn of_text(text: &str) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(text.as_bytes())))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check_digest(text)?;
        Ok(Self(text.to_owned()))
    }
}

crate::text::text!(TokenDigest, check_digest);

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for TokenDigest {}

fn check_digest(text: &str) -> Result<(), Rule> {
    if is_hex(text, 64) { Ok(()) } else { Err(Rule::new("invalid", "is not a digest")) }
}
