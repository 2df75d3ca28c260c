//! What holds for every value of a type, whatever was typed, and for every order of events.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod email;
mod lifecycle;
mod names;
mod password;
mod provisioning;
mod signup;
mod size;
mod token;

use std::fmt::Display;
use std::str::FromStr;

/// Bytes that a test chooses.
pub(crate) struct Fixed<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> domain::Entropy for Fixed<N> {
    fn fill(&self, dest: &mut [u8]) {
        for (place, byte) in dest.iter_mut().enumerate() {
            *byte = self.0[place % N];
        }
    }
}

/// Whether the value is the same after it was shown and parsed, and after it was stored and loaded.
pub(crate) fn comes_back<T>(value: &T) -> bool
where
    T: Display + FromStr + PartialEq + serde::Serialize + serde::de::DeserializeOwned,
{
    let shown = value.to_string();
    let stored = serde_json::to_string(value).unwrap();
    shown.parse().ok().as_ref() == Some(value)
        && stored == serde_json::to_string(&shown).unwrap()
        && serde_json::from_str(&stored).ok().as_ref() == Some(value)
}
