//! The roles, and the table of what each allows.

use super::Permission::{self, *};
use crate::named::named;

named! {
    /// A role: of the platform's operators, or of a member in one tenant.
    pub enum Role {
        /// Runs the platform.
        SuperAdmin = "super_admin",
        /// Looks after tenants and their users.
        PlatformAdmin = "platform_admin",
        /// Helps tenants; changes nothing.
        SupportAdmin = "support_admin",
        /// Answers for the tenant. The first admin is one.
        Owner = "owner",
        /// Runs the tenant.
        Admin = "admin",
        /// Leads people in it.
        Manager = "manager",
        /// Works in it.
        Agent = "agent",
        /// Looks at its figures.
        Analyst = "analyst",
    }
}

impl Role {
    /// What the role allows; everything else is denied. Nobody on the platform's side reads a tenant's vault.
    #[rustfmt::skip]
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Self::SuperAdmin => &[
                TenantCreate, TenantRead, TenantUpdate, TenantDelete, TenantExport, TenantProvision,
                UserCreate, UserRead, UserUpdate, UserDelete, UserImpersonate,
                PlatformAdmin, PlatformSettings, PlatformMonitoring, PlatformBilling,
                SystemDeploy, SystemBackup, SystemLogs,
                MemberRead, MemberInvite, MemberUpdate, MemberRemove,
                ApiKeyRead, ApiKeyManage, WebhookRead, WebhookManage,
                PluginRead, PluginManage, SettingsRead, SettingsUpdate, AuditRead, ReportRead,
            ],
            Self::PlatformAdmin => &[
                TenantCreate, TenantRead, TenantUpdate, TenantExport, TenantProvision,
                UserCreate, UserRead, UserUpdate,
                PlatformSettings, PlatformMonitoring, PlatformBilling,
                SystemLogs,
                MemberRead, PluginRead, SettingsRead, AuditRead, ReportRead,
            ],
            Self::SupportAdmin => &[TenantRead, UserRead, UserImpersonate, PlatformMonitoring, MemberRead, SettingsRead],
            Self::Owner => &[
                TenantRead, TenantUpdate, TenantDelete, TenantExport,
                MemberRead, MemberInvite, MemberUpdate, MemberRemove,
                ApiKeyRead, ApiKeyManage, VaultRead, VaultManage, WebhookRead, WebhookManage,
                PluginRead, PluginManage, PluginUse, SettingsRead, SettingsUpdate, AuditRead, ReportRead,
            ],
            Self::Admin => &[
                TenantRead, TenantUpdate,
                MemberRead, MemberInvite, MemberUpdate, MemberRemove,
                ApiKeyRead, ApiKeyManage, VaultRead, VaultManage, WebhookRead, WebhookManage,
                PluginRead, PluginManage, PluginUse, SettingsRead, SettingsUpdate, AuditRead, ReportRead,
            ],
            Self::Manager => &[TenantRead, MemberRead, MemberInvite, PluginRead, PluginUse, SettingsRead, ReportRead],
            Self::Agent => &[TenantRead, MemberRead, PluginUse],
            Self::Analyst => &[TenantRead, MemberRead, ReportRead],
        }
    }

    /// Whether the role allows it.
    pub fn allows(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    /// Whether the role is the platform's. Such a role is never given by a tenant, and belongs to none.
    pub const fn is_platform(self) -> bool {
        matches!(self, Self::SuperAdmin | Self::PlatformAdmin | Self::SupportAdmin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn includes(larger: Role, smaller: Role) -> bool {
        smaller.permissions().iter().all(|permission| larger.allows(*permission))
    }

    #[test]
    fn within_a_tenant_each_role_includes_the_one_below() {
        for pair in [Role::Owner, Role::Admin, Role::Manager, Role::Agent].windows(2) {
            assert!(includes(pair[0], pair[1]) && !includes(pair[1], pair[0]), "{} and {}", pair[0], pair[1]);
        }
        assert!(includes(Role::Manager, Role::Analyst));
    }

    #[test]
    fn on_the_platform_the_super_admin_includes_the_platform_admin_includes_what_support_reads() {
        assert!(includes(Role::SuperAdmin, Role::PlatformAdmin));
        assert!(includes(Role::SuperAdmin, Role::SupportAdmin));
    }

    #[test]
    fn no_tenant_role_reaches_the_platform() {
        for role in Role::ALL.iter().copied().filter(|role| !role.is_platform()) {
            for permission in role.permissions() {
                let name = permission.as_str();
                let own = !["user.", "platform.", "system."].iter().any(|prefix| name.starts_with(prefix));
                assert!(own && !matches!(name, "tenant.create" | "tenant.provision"), "{role} may {name}");
            }
        }
    }

    #[test]
    fn no_platform_role_reads_a_vault() {
        for role in Role::ALL.iter().copied().filter(|role| role.is_platform()) {
            assert!(!role.allows(VaultRead) && !role.allows(VaultManage), "{role}");
        }
    }

    #[test]
    fn every_permission_is_somebodys_and_is_listed_once() {
        for &permission in Permission::ALL {
            assert!(Role::ALL.iter().any(|role| role.allows(permission)), "nobody may {permission}");
        }
        for &role in Role::ALL {
            let mut listed = role.permissions().to_vec();
            listed.sort_unstable();
            listed.dedup();
            assert_eq!(listed.len(), role.permissions().len(), "{role}");
        }
    }

    #[test]
    fn names_are_unique_and_come_back() {
        for &role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Ok(role));
        }
        assert_eq!(Role::parse("Owner").unwrap_err().code, "unknown");
        let names: std::collections::BTreeSet<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
        assert_eq!(names.len(), Permission::ALL.len());
    }
}
