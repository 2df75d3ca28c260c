//! The tenant: who it is, and how its provisioning stands, in one item.
//!
//! The item stays under 4 096 bytes whatever is in it, so that a status costs one eventually consistent `GetItem` of
//! half a read unit. Whatever is not needed to tell the status or to run a step is in an item of its own.

use domain::{CompanyName, EmailAddress, PersonName, Plan, Provisioning, Region, Subdomain, TenantId, TokenDigest};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{attribute, item, n},
    keys::Key,
    reads::How,
    transact::{Expr, Write},
};

/// A tenant's record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub tenant_id: TenantId,
    /// Its company.
    pub company_name: CompanyName,
    /// Its name in host names, claimed for it alone.
    pub subdomain: Subdomain,
    /// Who signed up.
    pub admin_name: PersonName,
    /// Where the activation link goes.
    pub admin_email: EmailAddress,
    /// What it pays for.
    pub plan: Plan,
    /// Where it lives.
    pub region: Region,
    /// Incremented by every write; a write that names an older one is refused.
    pub version: u64,
    /// Who may read the status without an account.
    pub status_token: TokenDigest,
    /// Where it stands.
    pub provisioning: Provisioning,
    /// Members with the role owner or admin, disabled ones and invitations to such a role among them: what the plan limits.
    /// Changes in the transaction that changes a membership, and then without a new version.
    #[serde(default)]
    pub admins: u32,
    /// Owners who are not disabled. Never none, once there was one.
    #[serde(default)]
    pub owners: u32,
}

/// What entitles a caller to read a tenant's status.
#[derive(Debug)]
pub enum Proof {
    /// The digest of the status token presented.
    StatusToken(TokenDigest),
    /// The tenant of the verified access token.
    Member(TenantId),
    /// A platform role that may read every tenant; the route's policy has checked it.
    Platform,
}

#[derive(Deserialize)]
struct StatusView {
    status_token: TokenDigest,
    provisioning: Provisioning,
}

impl Store {
    /// The tenant's progress, or none where the tenant does not exist or the proof does not fit: the two look the same.
    ///
    /// One eventually consistent `GetItem`; a read that lags a moment behind is only a progress bar that does.
    pub async fn status_view(&self, tenant: &TenantId, proof: &Proof) -> Result<Option<Provisioning>, StoreError> {
        if matches!(proof, Proof::Member(of) if of != tenant) {
            return Ok(None);
        }
        const VIEW: How = How::EVENTUAL.only("status_token, #provisioning", &["provisioning"]);
        let view: Option<StatusView> = self.view("tenant", &Key::tenant(tenant), VIEW).await?;
        let Some(view) = view else { return Ok(None) };
        let fits = match proof {
            // `TokenDigest` compares in constant time.
            Proof::StatusToken(digest) => *digest == view.status_token,
            Proof::Member(_) | Proof::Platform => true,
        };
        Ok(fits.then_some(view.provisioning))
    }

    /// The tenant as it is now (strongly consistent).
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.record("tenant", &Key::tenant(id)).await
    }
}

impl Tenant {
    pub(crate) fn create(&self) -> Result<Write, StoreError> {
        let key = Key::tenant(&self.tenant_id);
        let stored = item("tenant", &key, self)?;
        Ok(Write::put("tenant", key, stored).when(Expr::absent()))
    }

    /// Replaces the provisioning of exactly the version and attempt that `self` was read at; and says how many own the
    /// tenant, where that is known from then on.
    pub(crate) fn advance(&self, next: &Provisioning, owners: Option<u32>) -> Result<Write, StoreError> {
        let mut expr = Expr::new("version = :version AND #provisioning.attempt = :attempt")
            .name("#provisioning", "provisioning")
            .value(":version", n(self.version))
            .value(":attempt", n(self.provisioning.attempt()))
            .value(":next", n(self.version + 1))
            .value(":provisioning", attribute("provisioning", next)?);
        let mut update = "SET #provisioning = :provisioning, version = :next".to_owned();
        if let Some(owners) = owners {
            update += ", admins = :owners, owners = :owners";
            expr = expr.value(":owners", n(owners));
        }
        Ok(Write::update("tenant", Key::tenant(&self.tenant_id), &update, expr))
    }

    pub(crate) fn advanced(mut self, next: Provisioning, owners: Option<u32>) -> Self {
        self.provisioning = next;
        (self.admins, self.owners) = owners.map_or((self.admins, self.owners), |owners| (owners, owners));
        self.version += 1;
        self
    }
}
