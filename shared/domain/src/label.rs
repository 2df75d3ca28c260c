//! A short remark that came with something: where a customer heard of us, what an API key is for.

use serde::{Deserialize, Serialize};

use crate::text::text;
use crate::{Rule, printable};

/// Up to 64 characters that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// Fails with `too_short`, `too_long`, `control_character` or `surrounding_space`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(Label, check);

fn check(text: &str) -> Result<(), Rule> {
    printable::check(text, 1, 64)
}
