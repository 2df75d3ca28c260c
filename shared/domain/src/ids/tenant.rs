//! Which tenant.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::is_hex;
use crate::subdomain::well_formed;
use crate::text::text;
use crate::{Entropy, Rule, Subdomain, bytes};

const PREFIX: &str = "tenant-";

/// `tenant-{subdomain}-{8 hex}`. The random part keeps the ids of two tenants apart that had the same name one after
/// the other; it is no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// A new id for the tenant that claims `subdomain`.
    pub fn new(subdomain: &Subdomain, entropy: &dyn Entropy) -> Self {
        Self(format!("{PREFIX}{subdomain}-{}", HEXLOWER.encode(&bytes::<4>(entropy))))
    }

    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The name that the tenant claimed.
    pub fn subdomain(&self) -> Subdomain {
        Subdomain::checked(subdomain(&self.0).unwrap_or_default())
    }
}

text!(TenantId, check);

fn check(text: &str) -> Result<(), Rule> {
    match subdomain(text) {
        Some(name) if well_formed(name).is_ok() => Ok(()),
        _ => Err(Rule::new("invalid", "is not the id of a tenant")),
    }
}

fn subdomain(text: &str) -> Option<&str> {
    let (name, random) = text.strip_prefix(PREFIX)?.rsplit_once('-')?;
    is_hex(random, 8).then_some(name)
}
