//! The rules of the business and the types that carry them: a value of one of these types has been checked.
//!
//! Architecture Invariant: no AWS, no tokio, no serde_json, no ambient clock or randomness. Time and random bytes come in
//! through [`Clock`] and [`Entropy`]; what is refused is refused with a [`Rule`], never rewritten.

pub mod access;
pub mod api_key;
pub mod audit;
mod clock;
mod company_name;
mod content_digest;
mod deployment_detail;
mod email;
mod entropy;
mod host;
mod ids;
mod key_id;
mod label;
mod named;
mod opaque;
pub mod password;
mod person_name;
mod plan;
mod printable;
pub mod provisioning;
mod rates;
mod reason;
pub mod refresh;
mod region;
mod rule;
pub mod second_factor;
mod secret;
mod signup;
mod subdomain;
mod temporary_password;
mod text;
pub mod throttle;
mod token;
mod vault;
mod webhook;
pub mod window;

pub use access::{MembershipStatus, Permission, Role, Seats};
pub use api_key::{ApiKey, ApiKeyKind, ApiKeyScopes, ApiKeySecrets};
pub use audit::{Action, Actor, AuditEntry, Facts};
pub use clock::{Clock, SystemClock, to_milliseconds};
pub use company_name::CompanyName;
pub use content_digest::ContentDigest;
pub use deployment_detail::DeploymentDetail;
pub use email::EmailAddress;
pub use entropy::{Entropy, SystemEntropy, bytes};
pub use host::{BaseDomain, TenantHost};
pub use ids::{ApiKeyId, CorrelationId, ExportId, IdentityId, InvitationId, SessionId, TenantId, WebhookId};
pub use key_id::KeyId;
pub use label::Label;
pub use password::{ContextWords, Password, PasswordAttempt};
pub use person_name::PersonName;
pub use plan::{Isolation, Plan, PlanLimits, Quota};
pub use provisioning::{
    Event, EventType, Failure, IllegalMove, Move, Phase, Provisioning, Step, StepRecord, StepStatus, TenantStatus,
};
pub use rates::{InvalidRates, Rates};
pub use reason::Reason;
pub use region::{Region, Regions};
pub use rule::{FieldError, Rule};
pub use secret::{SecretName, is_overdue};
pub use signup::{Signup, SignupDraft, UtmParameter};
pub use subdomain::Subdomain;
pub use temporary_password::{FirstLogin, TemporaryPassword};
pub use token::{
    Activation, ActivationToken, Invitation, InvitationToken, Mfa, MfaToken, Reset, ResetToken, Status, StatusToken,
    Token, TokenDigest, TokenKind,
};
pub use vault::{VAULT_NAMES, VERSIONS_KEPT, VaultEncoding, VaultName, VaultValue, VaultVersions};
pub use webhook::{WebhookDelivery, WebhookEvent, WebhookHost, WebhookUrl, is_public};
