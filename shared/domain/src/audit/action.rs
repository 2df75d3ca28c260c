//! What was done.

use crate::named::named;

named! {
    /// A change that the audit log knows. Its name is `{what}.{past participle}`.
    #[expect(missing_docs, reason = "the names say it")]
    pub enum Action {
        TenantRequested = "tenant.requested",
        TenantQueued = "tenant.queued",
        TenantStepBegun = "tenant.step_begun",
        TenantStepSucceeded = "tenant.step_succeeded",
        TenantStepWarned = "tenant.step_warned",
        TenantStepUndone = "tenant.step_undone",
        TenantStepOrphaned = "tenant.step_orphaned",
        TenantActivated = "tenant.activated",
        TenantFailed = "tenant.failed",
        TenantRetried = "tenant.retried",
        IdentityCreated = "identity.created",
        IdentityRemoved = "identity.removed",
        IdentityActivated = "identity.activated",
        MembershipCreated = "membership.created",
        MembershipRemoved = "membership.removed",
        ActivationIssued = "activation.issued",
        PasswordSet = "password.set",
        SessionStarted = "session.started",
        SessionEnded = "session.ended",
        SessionRevoked = "session.revoked",
        SecretCreated = "secret.created",
        SecretRotated = "secret.rotated",
        SecretDeleted = "secret.deleted",
        SigningKeyPublished = "signing_key.published",
        HostClaimed = "host.claimed",
        HostReleased = "host.released",
        SchemaMigrated = "schema.migrated",
        MailSent = "mail.sent",
    }
}
