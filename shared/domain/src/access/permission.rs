//! The things that one may be allowed to do.

use crate::named::named;

named! {
    /// Something that a role allows. Its name is `{what}.{verb}`.
    #[expect(missing_docs, reason = "the names say it")]
    pub enum Permission {
        // Of the platform.
        TenantCreate = "tenant.create",
        TenantRead = "tenant.read",
        TenantUpdate = "tenant.update",
        TenantDelete = "tenant.delete",
        TenantExport = "tenant.export",
        TenantProvision = "tenant.provision",
        UserCreate = "user.create",
        UserRead = "user.read",
        UserUpdate = "user.update",
        UserDelete = "user.delete",
        UserImpersonate = "user.impersonate",
        PlatformAdmin = "platform.admin",
        PlatformSettings = "platform.settings",
        PlatformMonitoring = "platform.monitoring",
        PlatformBilling = "platform.billing",
        SystemDeploy = "system.deploy",
        SystemBackup = "system.backup",
        SystemLogs = "system.logs",
        // Of the tenant: who belongs to it, what it keeps and connects, and what happened in it.
        MemberRead = "member.read",
        MemberInvite = "member.invite",
        MemberUpdate = "member.update",
        MemberRemove = "member.remove",
        ApiKeyRead = "api_key.read",
        ApiKeyManage = "api_key.manage",
        VaultRead = "vault.read",
        VaultManage = "vault.manage",
        WebhookRead = "webhook.read",
        WebhookManage = "webhook.manage",
        PluginRead = "plugin.read",
        PluginManage = "plugin.manage",
        PluginUse = "plugin.use",
        SettingsRead = "settings.read",
        SettingsUpdate = "settings.update",
        AuditRead = "audit.read",
        ReportRead = "report.read",
    }
}

impl Permission {
    /// Whether it is for the person alone, and not for who acts in their place: what would outlast the half hour (members,
    /// keys, webhooks, the tenant's end, a copy of all of it), and what nobody on the platform's side may see (the vault).
    pub const fn is_personal(self) -> bool {
        matches!(
            self,
            Self::TenantDelete
                | Self::TenantExport
                | Self::UserImpersonate
                | Self::MemberInvite
                | Self::MemberUpdate
                | Self::MemberRemove
                | Self::ApiKeyManage
                | Self::WebhookManage
                | Self::VaultRead
                | Self::VaultManage
        )
    }
}
