//! A secret has a new current value.

use domain::{CorrelationId, TenantId};
use jiff::Timestamp;
use serde::Serialize;

use crate::Event;

/// Told once a new version is current, and perhaps again: `secret` and `version` are the same in a repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretRotated {
    /// Its ARN; of a tenant in the pool the name that its secret would have, `innkeeper/{stage}/tenant/{id}`.
    pub secret: String,
    /// Whose it is, where it is a tenant's: what the rule for the tenants' webhooks looks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The id, or the number, of the version that is current now.
    pub version: String,
    /// When it was found to be current.
    pub rotated_at: Timestamp,
    /// In every log line of the same rotation.
    pub correlation_id: CorrelationId,
}

impl SecretRotated {
    /// This version of the secret is current.
    #[must_use]
    pub fn new(secret: String, version: String, rotated_at: Timestamp, correlation_id: CorrelationId) -> Self {
        Self { tenant_id: Self::tenant_of(&secret), secret, version, rotated_at, correlation_id }
    }

    /// The tenant in `innkeeper/{stage}/tenant/{id}`, which is a pool's, or in the ARN of a silo's secret
    /// `innkeeper/{stage}/tenant/{id}-{attempt}`, which ends in a hyphen and six characters more.
    #[must_use]
    pub fn tenant_of(secret: &str) -> Option<TenantId> {
        let Some((_, name)) = secret.split_once(":secret:") else { return TenantId::parse(of_a_tenant(secret)?).ok() };
        let (name, _made_up) = name.rsplit_once('-')?;
        let (id, attempt) = of_a_tenant(name)?.rsplit_once('-')?;
        attempt.parse::<u32>().ok()?;
        TenantId::parse(id).ok()
    }
}

fn of_a_tenant(name: &str) -> Option<&str> {
    name.split_once("/tenant/").map(|(_, rest)| rest)
}

impl Event for SecretRotated {
    const TYPE: &'static str = "secret.rotated";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_secret_is_known_by_its_name() {
        let id = "tenant-demo-1f2e3d4c";
        let of = |secret: String| SecretRotated::tenant_of(&secret).map(|id| id.to_string());
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:innkeeper/dev";
        assert_eq!(of(format!("innkeeper/dev/tenant/{id}")).as_deref(), Some(id));
        for attempt in [1, 12, 12_345_678] {
            assert_eq!(of(format!("{arn}/tenant/{id}-{attempt}-a1b2c3")).as_deref(), Some(id));
        }
        for none in [
            format!("{arn}/signing-keys-a1b2c3"),
            format!("{arn}/tenant/{id}-x-a1b2c3"),
            format!("{arn}/tenant/"),
            "x/tenant/demo".to_owned(),
        ] {
            assert_eq!(of(none.clone()), None, "{none}");
        }
    }
}
