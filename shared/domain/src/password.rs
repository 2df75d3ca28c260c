//! Passwords by NIST SP 800-63B-4, section 3.1.1: long enough, not a common one, not one that the account suggests.
//! There are no composition rules, and no password expires.

mod common;
mod context;

pub use context::ContextWords;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::Rule;
use crate::opaque::must_not_impl;

/// SP 800-63B-4 for a password that is the only factor.
const MIN_ALONE: usize = 15;
/// SP 800-63B-4 for a password beside a second factor.
const MIN_WITH_SECOND_FACTOR: usize = 8;
/// Twice what the standard asks verifiers to accept; it bounds the work of one hash.
const MAX: usize = 128;
/// NFKC may shorten a text, but nobody types four code points for each that is left.
const MAX_TYPED: usize = 4 * MAX;

/// A password that may be set.
pub struct Password(SecretString);

/// A password that somebody typed to sign in: comparable with a stored one, and not otherwise judged, because one that
/// was set under older rules still opens the door.
pub struct PasswordAttempt(SecretString);

must_not_impl!(Password: std::fmt::Debug, std::fmt::Display, serde::Serialize);
must_not_impl!(PasswordAttempt: std::fmt::Debug, std::fmt::Display, serde::Serialize);

impl Password {
    /// A password that is the only factor. Fails with `too_short`, `too_long`, `control_character`, `common` or
    /// `guessable`.
    pub fn parse(text: &str, context: &ContextWords) -> Result<Self, Rule> {
        Self::of_length(MIN_ALONE, text, context)
    }

    /// A password beside a second factor: eight characters are enough. Fails like [`Password::parse`].
    pub fn parse_with_second_factor(text: &str, context: &ContextWords) -> Result<Self, Rule> {
        Self::of_length(MIN_WITH_SECOND_FACTOR, text, context)
    }

    fn of_length(min: usize, text: &str, context: &ContextWords) -> Result<Self, Rule> {
        let normal = normalize(text)?;
        if normal.chars().count() < min {
            return Err(Rule::new("too_short", format!("needs at least {min} characters")));
        }
        let folded = fold(&normal);
        if common::contains(&folded) {
            return Err(Rule::new("common", "is one of the passwords that are guessed first"));
        }
        if context.suggests(&folded) {
            return Err(Rule::new("guessable", "is too close to a name of yours, of your company or of this product"));
        }
        Ok(Self(SecretString::from(normal.as_str())))
    }

    /// The text to hash, in NFKC.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PasswordAttempt {
    /// Fails with `too_long` or `control_character`: no such password can have been set.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        Ok(Self(SecretString::from(normalize(text)?.as_str())))
    }

    /// The text to compare with a hash, in NFKC.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The text in NFKC, as the standard asks, so that the same password hashes alike from every keyboard.
fn normalize(text: &str) -> Result<Zeroizing<String>, Rule> {
    if text.chars().count() > MAX_TYPED {
        return Err(too_long());
    }
    let normal: Zeroizing<String> = Zeroizing::new(text.nfkc().collect());
    if normal.chars().count() > MAX {
        return Err(too_long());
    }
    if normal.chars().any(char::is_control) {
        return Err(Rule::new("control_character", "contains a control character"));
    }
    Ok(normal)
}

fn too_long() -> Rule {
    Rule::new("too_long", format!("may have at most {MAX} characters"))
}

/// The form in which passwords are compared with words: in lower case, which for this purpose is folding enough.
fn fold(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_lowercase())
}
