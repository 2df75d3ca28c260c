//! The host name under which a tenant is reached.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::email::is_host_label;
use crate::text::text;
use crate::{Rule, Subdomain};

/// The longest base under which every subdomain still gives a host name of at most 253 characters (RFC 1035).
const MAX: usize = 253 - 31;

/// The domain that all tenants share, such as `innkeeper.example`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseDomain(String);

impl BaseDomain {
    /// Fails with `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(BaseDomain, check);

fn check(text: &str) -> Result<(), Rule> {
    let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
    if lower && text.len() <= MAX && text.split('.').all(is_host_label) {
        Ok(())
    } else {
        Err(Rule::new("invalid", "is not a domain name in lower case"))
    }
}

/// `{subdomain}.{base_domain}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct TenantHost {
    subdomain: Subdomain,
    base: BaseDomain,
}

impl TenantHost {
    /// The host name of the tenant with that subdomain.
    pub fn new(subdomain: Subdomain, base: BaseDomain) -> Self {
        Self { subdomain, base }
    }

    /// The tenant's part of the name.
    pub fn subdomain(&self) -> &Subdomain {
        &self.subdomain
    }
}

impl fmt::Display for TenantHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.subdomain, self.base)
    }
}

impl From<TenantHost> for String {
    fn from(host: TenantHost) -> Self {
        host.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_never_outgrows_dns() {
        let base = BaseDomain::parse(&format!("{0}.{0}.{0}.{1}", "b".repeat(63), "c".repeat(30))).unwrap();
        let host = TenantHost::new(Subdomain::parse(&"a".repeat(30)).unwrap(), base);
        assert_eq!(host.to_string().len(), 253);
    }

    #[test]
    fn a_base_domain_is_a_domain_name() {
        for text in ["localhost", "innkeeper.example", "a.b-c.example"] {
            assert!(BaseDomain::parse(text).is_ok(), "{text}");
        }
        for text in ["", ".", "Example.com", "a..b", "-a.b", "a.b:80", "https://a.b", "a.b/"] {
            assert!(BaseDomain::parse(text).is_err(), "{text}");
        }
    }
}
