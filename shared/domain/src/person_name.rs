//! What a person is called.

use serde::{Deserialize, Serialize};

use crate::text::text;
use crate::{Rule, printable};

/// The name of a person: 2 to 80 characters that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// Fails with `too_short`, `too_long`, `control_character` or `surrounding_space`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(PersonName, check);

fn check(text: &str) -> Result<(), Rule> {
    printable::check(text, 2, 80)
}
