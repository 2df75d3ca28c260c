//! What a deployer says of a failure.

use serde::{Deserialize, Serialize};

use crate::text::text;
use crate::{Rule, printable};

/// What a tenant may know of a deployment that failed, in the deployer's words: at most 300 characters that can be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeploymentDetail(String);

impl DeploymentDetail {
    /// Fails with `too_long`, `control_character` or `surrounding_space`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(DeploymentDetail, check);

fn check(text: &str) -> Result<(), Rule> {
    printable::check(text, 0, 300)
}
