//! What a tenant pays for.

use serde::Serialize;

use crate::named::named;

named! {
    /// A plan. An unknown one is refused, never downgraded.
    #[derive(Default)]
    pub enum Plan {
        /// In the pool; what one gets without choosing.
        #[default]
        Starter = "starter",
        /// In the pool.
        Professional = "professional",
        /// In a silo.
        Enterprise = "enterprise",
    }
}

/// What a plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlanLimits {
    /// Calls to the API in one hour.
    pub api_calls_per_hour: u32,
    /// Members with the role owner or admin.
    pub admins: u32,
    /// Outbound webhooks.
    pub webhooks: u32,
    /// API keys, those that have ended and are still listed among them.
    pub api_keys: u32,
    /// For how many days audit entries are kept.
    pub audit_retention_days: u32,
}

named! {
    /// What a plan limits the number of, by the name of its count in a tenant's record.
    pub enum Quota {
        /// Members with the role owner or admin, invited ones included.
        Admins = "admins",
        /// Outbound webhooks.
        Webhooks = "webhooks",
        /// API keys.
        ApiKeys = "api_keys",
    }
}

named! {
    /// How a tenant's data is kept apart from that of others.
    pub enum Isolation {
        /// The shared table, under keys that the tenant leads.
        Pool = "pool",
        /// A table, a secret and a stack of its own.
        Silo = "silo",
    }
}

impl Plan {
    /// What the plan allows.
    pub const fn limits(self) -> PlanLimits {
        let (api_calls_per_hour, admins, webhooks, api_keys, audit_retention_days) = match self {
            Self::Starter => (1_000, 2, 0, 10, 365),
            Self::Professional => (10_000, 10, 5, 50, 1_095),
            Self::Enterprise => (100_000, 50, 25, 250, 2_555),
        };
        PlanLimits { api_calls_per_hour, admins, webhooks, api_keys, audit_retention_days }
    }

    /// The most of it that the plan allows.
    pub const fn most(self, of: Quota) -> u32 {
        let limits = self.limits();
        match of {
            Quota::Admins => limits.admins,
            Quota::Webhooks => limits.webhooks,
            Quota::ApiKeys => limits.api_keys,
        }
    }

    /// How the data of its tenants is kept apart.
    pub const fn isolation(self) -> Isolation {
        match self {
            Self::Starter | Self::Professional => Isolation::Pool,
            Self::Enterprise => Isolation::Silo,
        }
    }
}

impl Quota {
    /// What is counted, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Admins => "owners and admins, invited ones included",
            Self::Webhooks => "webhooks",
            Self::ApiKeys => "API keys",
        }
    }
}
