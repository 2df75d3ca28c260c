//! What of a tenant that is being removed has been put into the bucket: noted part by part, and in the end in the receipt.

use domain::{ContentDigest, TenantId};
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Store, StoreError, Tenant,
    item::{item, n},
    keys::Key,
    transact::{Expr, Write},
};

pub(crate) const LAST_EXPORT: &str = "EXPORT";
const WHAT: &str = "last export";

/// How far the last export of a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExport {
    /// The objects, in order. At some 260 bytes each, an item has room for 1 500.
    pub parts: Vec<ExportedPart>,
    /// Where the next part begins; none once all of the tenant is in these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An object of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedPart {
    /// Its key in the bucket.
    pub key: String,
    /// What it is known by.
    pub sha256: ContentDigest,
    /// Its length.
    pub bytes: u64,
    /// How many things are in it.
    pub lines: u64,
}

impl Store {
    /// What has been put there so far; none where nothing has: one strong read.
    pub async fn last_export(&self, tenant: &TenantId) -> Result<Option<LastExport>, StoreError> {
        self.record(WHAT, &Key::in_tenant(tenant, LAST_EXPORT)).await
    }

    /// Notes that there is a part more. False where another delivery noted one first, or the tenant has moved on since it was
    /// read: then what was noted counts, and the object is nobody's. One transaction of two items.
    pub async fn note_export(&self, tenant: &Tenant, export: &LastExport, audit: &Audit) -> Result<bool, StoreError> {
        let id = &tenant.tenant_id;
        let key = Key::in_tenant(id, LAST_EXPORT);
        let before = match export.parts.len() {
            0 | 1 => Expr::absent(),
            parts => Expr::new("size(#parts) = :before").name("#parts", "parts").value(":before", n(parts - 1)),
        };
        let unmoved = Expr::new("version = :version").value(":version", n(tenant.version));
        let writes = [
            Write::put(WHAT, key.clone(), item(WHAT, &key, export)?).when(before),
            Write::check("tenant", Key::tenant(id), unmoved),
        ];
        let audit = audit.clone().about(id, tenant.plan);
        self.commit_if(&writes, &audit, &format!("{id}#export#{}", export.parts.len())).await
    }
}

pub(crate) fn forget(tenant: &TenantId) -> Write {
    Write::delete(WHAT, Key::in_tenant(tenant, LAST_EXPORT))
}
