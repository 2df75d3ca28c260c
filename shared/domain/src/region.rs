//! Where a tenant lives.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Rule;
use crate::text::text;

/// The name of an AWS region, such as `us-east-1`. That it is one of ours is [`Regions`]' to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(Region, check);

fn check(text: &str) -> Result<(), Rule> {
    let parts: Vec<&str> = text.split('-').collect();
    let named = match parts.split_last() {
        Some((number, names)) => is_number(number) && names.len() >= 2 && names.iter().all(|name| is_name(name)),
        None => false,
    };
    if named && text.len() <= 32 { Ok(()) } else { Err(Rule::new("invalid", "is not the name of a region")) }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The regions that tenants may choose from, and the one they get when they do not choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    default: Region,
    all: BTreeSet<Region>,
}

impl std::str::FromStr for Regions {
    type Err = Rule;

    fn from_str(list: &str) -> Result<Self, Rule> {
        Self::parse(list)
    }
}

impl Regions {
    /// `default` and the `others`.
    pub fn new(default: Region, others: impl IntoIterator<Item = Region>) -> Self {
        let all = others.into_iter().chain([default.clone()]).collect();
        Self { default, all }
    }

    /// From configuration: names with commas between them, the default first.
    pub fn parse(list: &str) -> Result<Self, Rule> {
        let names: Vec<Region> = list.split(',').map(|name| Region::parse(name.trim())).collect::<Result<_, _>>()?;
        match names.split_first() {
            Some((default, others)) => Ok(Self::new(default.clone(), others.iter().cloned())),
            None => Err(Rule::new("required", "names no region")),
        }
    }

    /// Where a tenant lives that did not choose.
    pub fn default_region(&self) -> &Region {
        &self.default
    }

    /// All of them, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.all.iter()
    }

    /// Whether a tenant may live there.
    pub fn contains(&self, region: &Region) -> bool {
        self.all.contains(region)
    }

    /// The region of that name. Fails with `unknown` when it is not among ours.
    pub fn choose(&self, name: &str) -> Result<Region, Rule> {
        self.all.iter().find(|region| region.as_str() == name).cloned().ok_or_else(|| {
            let names: Vec<&str> = self.all.iter().map(Region::as_str).collect();
            Rule::new("unknown", format!("must be one of {}", names.join(", ")))
        })
    }
}
