//! What is written down about every change: who, what, to whom, when, because of which request.

mod action;
mod actor;
mod facts;

pub use action::Action;
pub use actor::Actor;
pub use facts::{Fact, Facts};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CorrelationId, TenantId};

/// One entry of the audit log. It is written in the transaction that makes the change, and never altered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// To which tenant; to none when the platform itself was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Because of which request.
    pub correlation_id: CorrelationId,
    /// What was so before, where that was changed.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub before: Facts,
    /// What has been so since.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub after: Facts,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plan, TenantStatus};

    #[test]
    fn an_entry_is_stored_by_the_names_of_things() {
        let entry = AuditEntry {
            actor: Actor::Function("provisioning-activate".to_owned()),
            action: Action::TenantActivated,
            tenant: TenantId::parse("tenant-demo-0123abcd").ok(),
            correlation_id: CorrelationId::parse("req_00000001").unwrap(),
            before: Facts::new().with("status", &TenantStatus::InProgress),
            after: Facts::new().with("status", &TenantStatus::Ready).with("plan", &Plan::Starter),
            at: Timestamp::UNIX_EPOCH,
        };
        let stored = serde_json::to_value(&entry).unwrap();
        let expected = serde_json::json!({
            "actor": "function:provisioning-activate",
            "action": "tenant.activated",
            "tenant": "tenant-demo-0123abcd",
            "correlation_id": "req_00000001",
            "before": {"status": "IN_PROGRESS"},
            "after": {"plan": "starter", "status": "READY"},
            "at": "1970-01-01T00:00:00Z",
        });
        assert_eq!(stored, expected);
        assert_eq!(serde_json::from_value::<AuditEntry>(stored).unwrap(), entry);
    }

    #[test]
    fn an_actor_comes_back_from_its_name() {
        let person = "usr_0123456789abcdef0123456789abcdef";
        let in_place = format!("{person} as {person}");
        for name in ["anonymous", person, &in_place, "key_0123456789abcdef", "function:auth-login"] {
            assert_eq!(name.parse::<Actor>().unwrap().to_string(), name);
        }
        assert!("root".parse::<Actor>().is_err() && "key_root".parse::<Actor>().is_err());
    }
}
