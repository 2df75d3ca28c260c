//! Why somebody did what others will ask about.

use serde::{Deserialize, Serialize};

use crate::text::text;
use crate::{Rule, printable};

/// The reason for an intervention in a tenant, in the operator's words: 10 to 500 characters that can be shown. Fewer say
/// nothing to who reads the audit log in a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl Reason {
    /// Fails with `too_short`, `too_long`, `control_character` or `surrounding_space`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(Reason, check);

fn check(text: &str) -> Result<(), Rule> {
    printable::check(text, 10, 500)
}
