//! A tenant as it is shown.

use domain::{CompanyName, EmailAddress, PersonName, Plan, Provisioning, TenantStatus};
use jiff::Timestamp;
use serde::Serialize;
use store::{ExportedPart, Lifecycle, Receipt, Removal, Store, StoreError, Suspension, Tenant};
use utoipa::ToSchema;

/// A tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
pub struct Answer {
    #[schema(example = "tenant-demo-1f2e3d4c")]
    tenant_id: String,
    #[schema(value_type = String, example = "Demo ISP")]
    company_name: CompanyName,
    subdomain: String,
    /// Who signed up.
    #[schema(value_type = String)]
    admin_name: PersonName,
    #[schema(value_type = String, format = "email")]
    admin_email: EmailAddress,
    /// `starter`, `professional` or `enterprise`.
    plan: &'static str,
    limits: Limits,
    region: String,
    /// REQUESTED, QUEUED, IN_PROGRESS, READY, FAILED, SUSPENDED, DEPROVISIONING or ARCHIVED.
    status: &'static str,
    /// To be sent with a change.
    version: u64,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
    /// Why it is suspended, or was before it was given up.
    suspension: Option<SuspensionAnswer>,
    /// When it is removed.
    removal: Option<RemovalAnswer>,
    /// Of one that is ARCHIVED: nothing else is left of it, and no name of anybody.
    receipt: Option<ReceiptAnswer>,
}

/// What the plan allows.
#[derive(Serialize, ToSchema)]
#[schema(as = PlanLimits)]
struct Limits {
    api_calls_per_hour: u32,
    /// Members with the role owner or admin.
    admins: u32,
    webhooks: u32,
    /// Those that have ended and are still listed among them.
    api_keys: u32,
    audit_retention_days: u32,
}

impl From<Plan> for Limits {
    fn from(plan: Plan) -> Self {
        let limits = plan.limits();
        Self {
            api_calls_per_hour: limits.api_calls_per_hour,
            admins: limits.admins,
            webhooks: limits.webhooks,
            api_keys: limits.api_keys,
            audit_retention_days: limits.audit_retention_days,
        }
    }
}

/// A suspension.
#[derive(Serialize, ToSchema)]
#[schema(as = Suspension)]
struct SuspensionAnswer {
    reason: String,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

/// A removal that was ordered.
#[derive(Serialize, ToSchema)]
#[schema(as = Removal)]
struct RemovalAnswer {
    #[schema(value_type = String, format = "date-time")]
    ordered_at: Timestamp,
    /// Until then it can be restored.
    #[schema(value_type = String, format = "date-time")]
    due_at: Timestamp,
}

/// What tells of a tenant that is no more.
#[derive(Serialize, ToSchema)]
#[schema(as = RemovalReceipt)]
struct ReceiptAnswer {
    /// Who ordered the removal.
    ordered_by: String,
    #[schema(value_type = String, format = "date-time")]
    ordered_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    removed_at: Timestamp,
    /// The steps of its provisioning that were taken back.
    taken_back: Vec<String>,
    /// What there was of it. The files go 30 days after the removal; what they are known by stays.
    export: Vec<ExportedAnswer>,
}

/// A file in the bucket of exports.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedPart)]
struct ExportedAnswer {
    /// Its key in the bucket.
    key: String,
    /// In hexadecimal.
    sha256: String,
    bytes: u64,
    /// How many things are in it.
    lines: u64,
}

impl From<ExportedPart> for ExportedAnswer {
    fn from(part: ExportedPart) -> Self {
        let ExportedPart { key, sha256, bytes, lines } = part;
        Self { key, sha256: sha256.to_string(), bytes, lines }
    }
}

impl From<Receipt> for ReceiptAnswer {
    fn from(receipt: Receipt) -> Self {
        Self {
            ordered_by: receipt.order.by.to_string(),
            ordered_at: receipt.order.at,
            removed_at: receipt.removed_at,
            taken_back: receipt.taken_back.iter().map(ToString::to_string).collect(),
            export: receipt.export.into_iter().map(Into::into).collect(),
        }
    }
}

impl Answer {
    /// A tenant with what is remembered of it.
    pub fn of(tenant: Tenant, lifecycle: Lifecycle) -> Self {
        let provisioning: &Provisioning = &tenant.provisioning;
        let suspension =
            |Suspension { reason, at, .. }: Suspension| SuspensionAnswer { reason: reason.to_string(), at };
        let removal = |Removal { at, due, .. }: Removal| RemovalAnswer { ordered_at: at, due_at: due };
        Self {
            tenant_id: tenant.tenant_id.to_string(),
            subdomain: tenant.subdomain.to_string(),
            plan: tenant.plan.as_str(),
            limits: tenant.plan.into(),
            region: tenant.region.to_string(),
            status: provisioning.status().as_str(),
            version: tenant.version,
            created_at: provisioning.created_at(),
            updated_at: provisioning.updated_at(),
            company_name: tenant.company_name,
            admin_name: tenant.admin_name,
            admin_email: tenant.admin_email,
            suspension: lifecycle.suspension.map(suspension),
            removal: lifecycle.removal.map(removal),
            receipt: None,
        }
    }

    /// The same, with the read that a tenant which is not open takes.
    pub async fn read(store: &Store, tenant: Tenant) -> Result<Self, StoreError> {
        let id = &tenant.tenant_id;
        let (mut lifecycle, mut receipt) = (Lifecycle::default(), None);
        match tenant.provisioning.status() {
            TenantStatus::Suspended | TenantStatus::Deprovisioning => lifecycle = store.lifecycle(id).await?,
            TenantStatus::Archived => receipt = store.receipt(id).await?.map(ReceiptAnswer::from),
            _ => {}
        }
        Ok(Self { receipt, ..Self::of(tenant, lifecycle) })
    }
}
