//! Who did it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, IdentityId, Rule};

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// Somebody who did not sign in, such as a customer who signs up.
    Anonymous,
    /// A person.
    Identity(IdentityId),
    /// A person of the platform, in the place of a member.
    Impersonator {
        /// Who it was.
        by: IdentityId,
        /// In whose place.
        of: IdentityId,
    },
    /// A service of the tenant's, by its API key. The entry's tenant says whose key it is.
    ApiKey(ApiKeyId),
    /// One of our own functions, by its name in the template.
    Function(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Identity(id) => id.fmt(f),
            Self::Impersonator { by, of } => write!(f, "{by} as {of}"),
            Self::ApiKey(id) => id.fmt(f),
            Self::Function(name) => write!(f, "function:{name}"),
        }
    }
}

impl FromStr for Actor {
    type Err = Rule;

    fn from_str(text: &str) -> Result<Self, Rule> {
        if let Some((by, of)) = text.split_once(" as ") {
            return Ok(Self::Impersonator { by: IdentityId::parse(by)?, of: IdentityId::parse(of)? });
        }
        match text.strip_prefix("function:") {
            Some(name) => Ok(Self::Function(name.to_owned())),
            None if text == "anonymous" => Ok(Self::Anonymous),
            None if text.starts_with("key_") => ApiKeyId::parse(text).map(Self::ApiKey),
            None => IdentityId::parse(text).map(Self::Identity),
        }
    }
}

impl TryFrom<String> for Actor {
    type Error = Rule;

    fn try_from(text: String) -> Result<Self, Rule> {
        text.parse()
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}
