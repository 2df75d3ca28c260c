//! What an audit entry says about before and after.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ApiKeyId, ApiKeyScopes, CompanyName, ContentDigest, CorrelationId, EmailAddress, ExportId, IdentityId,
    InvitationId, KeyId, Label, MembershipStatus, Permission, PersonName, Phase, Plan, Reason, Region, Role,
    SecretName, SessionId, Step, StepStatus, Subdomain, TenantHost, TenantId, TenantStatus, VaultName, WebhookHost,
    WebhookId,
};

/// A value that may stand in the audit log. Plain strings may not, and neither may anything that holds a secret: a
/// token or a password cannot end up here, whatever a caller does.
pub trait Fact: Display + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! facts {
    ($($type:ty),+ $(,)?) => {
        $(impl sealed::Sealed for $type {}
        impl Fact for $type {})+
    };
}

facts!(
    bool,
    u32,
    u64,
    Timestamp,
    ApiKeyId,
    ApiKeyScopes,
    CompanyName,
    ContentDigest,
    CorrelationId,
    EmailAddress,
    ExportId,
    IdentityId,
    InvitationId,
    KeyId,
    Label,
    MembershipStatus,
    Permission,
    PersonName,
    Phase,
    Plan,
    Reason,
    Region,
    Role,
    SecretName,
    SessionId,
    Step,
    StepStatus,
    Subdomain,
    TenantHost,
    TenantId,
    TenantStatus,
    VaultName,
    WebhookHost,
    WebhookId,
);

/// Names and values, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<String, String>);

impl Facts {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// And that `name` is `value`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &impl Fact) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
