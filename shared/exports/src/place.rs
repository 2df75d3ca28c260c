//! Where in a tenant an export goes on.

use std::{fmt, str::FromStr};

use domain::{ApiKeyId, IdentityId, InvitationId, Rule, VaultName, WebhookId};
use store::AuditPosition;

/// A section, and what was last of it, if anything was. The sections come in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// The tenant's own record: the beginning.
    #[default]
    Tenant,
    /// Who belongs to it.
    Members(Option<IdentityId>),
    /// Who is asked to.
    Invitations(Option<InvitationId>),
    /// What its services call with.
    ApiKeys(Option<ApiKeyId>),
    /// Where it hears of rotations.
    Webhooks(Option<WebhookId>),
    /// What its vault has names for.
    Vault(Option<VaultName>),
    /// What happened.
    Audit(Option<AuditPosition>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn after<T: fmt::Display>(f: &mut fmt::Formatter<'_>, section: &str, last: Option<&T>) -> fmt::Result {
            f.write_str(section)?;
            last.map_or(Ok(()), |last| write!(f, " {last}"))
        }
        match self {
            Self::Tenant => f.write_str("tenant"),
            Self::Members(last) => after(f, "members", last.as_ref()),
            Self::Invitations(last) => after(f, "invitations", last.as_ref()),
            Self::ApiKeys(last) => after(f, "api_keys", last.as_ref()),
            Self::Webhooks(last) => after(f, "webhooks", last.as_ref()),
            Self::Vault(last) => after(f, "vault", last.as_ref()),
            Self::Audit(last) => after(f, "audit", last.as_ref()),
        }
    }
}

impl FromStr for Place {
    type Err = Rule;

    fn from_str(text: &str) -> Result<Self, Rule> {
        fn after<T: FromStr<Err = Rule>>(last: Option<&str>) -> Result<Option<T>, Rule> {
            last.map(str::parse).transpose()
        }
        let (section, last) = text.split_once(' ').map_or((text, None), |(section, last)| (section, Some(last)));
        Ok(match (section, last) {
            ("tenant", None) => Self::Tenant,
            ("members", last) => Self::Members(after(last)?),
            ("invitations", last) => Self::Invitations(after(last)?),
            ("api_keys", last) => Self::ApiKeys(after(last)?),
            ("webhooks", last) => Self::Webhooks(after(last)?),
            ("vault", last) => Self::Vault(after(last)?),
            ("audit", last) => Self::Audit(after(last)?),
            _ => return Err(Rule::new("invalid", "is no place in an export")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_text() {
        let digits = "0123456789abcdef";
        let texts = [
            "tenant".to_owned(),
            "members".into(),
            format!("members usr_{digits}{digits}"),
            format!("invitations inv_{digits}{digits}"),
            format!("api_keys key_{digits}"),
            format!("webhooks whk_{digits}"),
            "vault harbour/pilot-3".into(),
            format!("audit 2026-03-01T09:00:00.000Z#{digits}"),
        ];
        for text in texts {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        let wrong = ["", "tenant x", "audit ", "audit 2026#00", "members key_0123456789abcdef", "secrets"];
        for text in wrong {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
