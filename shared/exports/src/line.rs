//! The lines of an export: one JSON object each (NDJSON), with its `type` and the version of its `schema`.
//!
//! Each names what it shows, and nothing is passed on whole: so what a record comes to hold later, such as another digest, is not
//! exported before somebody writes it here.

use std::collections::BTreeSet;

use domain::{
    Action, Actor, ApiKeyId, ApiKeyScopes, AuditEntry, CompanyName, CorrelationId, EmailAddress, Facts, IdentityId,
    InvitationId, Label, MembershipStatus, PersonName, Plan, Region, Role, Subdomain, TenantId, TenantStatus,
    VaultName, WebhookEvent, WebhookId, WebhookUrl,
};
use jiff::Timestamp;
use serde::Serialize;
use store::{ApiKeyRecord, Identity, Invitation, Membership, Tenant, VaultEntry, Webhook};

/// Grows when a field of a type changes its meaning or goes; not when one is added.
const SCHEMA: u32 = 1;

/// A thing that is exported.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    Tenant {
        tenant_id: &'a TenantId,
        company_name: &'a CompanyName,
        subdomain: &'a Subdomain,
        admin_name: &'a PersonName,
        admin_email: &'a EmailAddress,
        plan: Plan,
        region: &'a Region,
        status: TenantStatus,
        created_at: Timestamp,
        updated_at: Timestamp,
    },
    Member {
        user_id: &'a IdentityId,
        email: &'a EmailAddress,
        name: &'a PersonName,
        role: Role,
        status: MembershipStatus,
        joined_at: Timestamp,
        via: &'a str,
    },
    Invitation {
        invitation_id: &'a InvitationId,
        email: &'a EmailAddress,
        role: Role,
        invited_by: &'a Actor,
        created_at: Timestamp,
        expires_at: Timestamp,
    },
    ApiKey {
        key_id: &'a ApiKeyId,
        name: &'a Label,
        scopes: &'a ApiKeyScopes,
        #[serde(skip_serializing_if = "Option::is_none")]
        calls_per_hour: Option<u32>,
        created_at: Timestamp,
        created_by: &'a Actor,
        #[serde(skip_serializing_if = "Option::is_none")]
        rotated_at: Option<Timestamp>,
        expires_at: Timestamp,
    },
    Webhook {
        webhook_id: &'a WebhookId,
        url: &'a WebhookUrl,
        events: &'a BTreeSet<WebhookEvent>,
        created_at: Timestamp,
        created_by: &'a Actor,
    },
    VaultEntry {
        name: &'a VaultName,
        version: u64,
        oldest_version: u64,
        created_at: Timestamp,
        created_by: &'a Actor,
        updated_at: Timestamp,
        updated_by: &'a Actor,
    },
    AuditEntry {
        at: Timestamp,
        actor: &'a Actor,
        action: Action,
        correlation_id: &'a CorrelationId,
        #[serde(skip_serializing_if = "Facts::is_empty")]
        before: &'a Facts,
        #[serde(skip_serializing_if = "Facts::is_empty")]
        after: &'a Facts,
    },
}

#[derive(Serialize)]
struct Versioned<'a> {
    schema: u32,
    #[serde(flatten)]
    line: Line<'a>,
}

impl Line<'_> {
    /// Adds itself and the end of the line.
    pub(crate) fn write(self, to: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut *to, &Versioned { schema: SCHEMA, line: self })?;
        to.push(b'\n');
        Ok(())
    }
}

impl<'a> From<&'a Tenant> for Line<'a> {
    fn from(tenant: &'a Tenant) -> Self {
        Self::Tenant {
            tenant_id: &tenant.tenant_id,
            company_name: &tenant.company_name,
            subdomain: &tenant.subdomain,
            admin_name: &tenant.admin_name,
            admin_email: &tenant.admin_email,
            plan: tenant.plan,
            region: &tenant.region,
            status: tenant.provisioning.status(),
            created_at: tenant.provisioning.created_at(),
            updated_at: tenant.provisioning.updated_at(),
        }
    }
}

impl<'a> From<&'a (Membership, Identity)> for Line<'a> {
    fn from((member, person): &'a (Membership, Identity)) -> Self {
        Self::Member {
            user_id: &member.identity_id,
            email: &person.email,
            name: &person.name,
            role: member.role,
            status: member.status,
            joined_at: member.created_at,
            via: &member.via,
        }
    }
}

impl<'a> From<&'a Invitation> for Line<'a> {
    fn from(invitation: &'a Invitation) -> Self {
        Self::Invitation {
            invitation_id: &invitation.invitation_id,
            email: &invitation.email,
            role: invitation.role,
            invited_by: &invitation.invited_by,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}

impl<'a> From<&'a ApiKeyRecord> for Line<'a> {
    fn from(key: &'a ApiKeyRecord) -> Self {
        Self::ApiKey {
            key_id: &key.key_id,
            name: &key.name,
            scopes: &key.scopes,
            calls_per_hour: key.calls_per_hour,
            created_at: key.created_at,
            created_by: &key.created_by,
            rotated_at: key.rotated_at,
            expires_at: key.secrets.expires_at(),
        }
    }
}

impl<'a> From<&'a Webhook> for Line<'a> {
    fn from(webhook: &'a Webhook) -> Self {
        Self::Webhook {
            webhook_id: &webhook.webhook_id,
            url: &webhook.url,
            events: &webhook.events,
            created_at: webhook.created_at,
            created_by: &webhook.created_by,
        }
    }
}

impl<'a> From<&'a VaultEntry> for Line<'a> {
    fn from(entry: &'a VaultEntry) -> Self {
        Self::VaultEntry {
            name: &entry.name,
            version: entry.versions.current(),
            oldest_version: entry.versions.oldest(),
            created_at: entry.created_at,
            created_by: &entry.created_by,
            updated_at: entry.updated_at,
            updated_by: &entry.updated_by,
        }
    }
}

impl<'a> From<&'a AuditEntry> for Line<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        Self::AuditEntry {
            at: entry.at,
            actor: &entry.actor,
            action: entry.action,
            correlation_id: &entry.correlation_id,
            before: &entry.before,
            after: &entry.after,
        }
    }
}
