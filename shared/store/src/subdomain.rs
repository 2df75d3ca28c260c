//! The claim on a subdomain: one tenant's, or nobody's ever again.

use domain::{Subdomain, TenantId};
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Store, StoreError,
    item::{item, s},
    keys::Key,
    reads::How,
    transact::{Expr, Write},
};

/// Whether a name can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Nobody has it.
    Free,
    /// A tenant has it.
    Taken,
    /// A tenant had it; it is never handed out again, since links and cookies out there still trust it.
    Tombstoned,
}

#[derive(Serialize, Deserialize)]
struct Claim {
    tenant: TenantId,
    #[serde(default)]
    tombstone: bool,
}

pub(crate) fn claim(name: &Subdomain, tenant: &TenantId) -> Result<Write, StoreError> {
    let key = Key::subdomain(name);
    let stored = item("subdomain claim", &key, &Claim { tenant: tenant.clone(), tombstone: false })?;
    Ok(Write::put("subdomain claim", key, stored).when(Expr::absent()))
}

/// Retires the name for ever, if it is this tenant's.
pub(crate) fn tombstone(name: &Subdomain, tenant: &TenantId) -> Write {
    let ours = Expr::new("tenant = :tenant")
        .value(":tenant", s(tenant.to_string()))
        .value(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
    Write::update("subdomain claim", Key::subdomain(name), "SET tombstone = :yes", ours)
}

impl Store {
    /// Whether the name can be had. Eventually consistent: an answer for people; the claim itself decides at signup.
    pub async fn subdomain(&self, name: &Subdomain) -> Result<Availability, StoreError> {
        let Some(found) = self.item(&Key::subdomain(name), How::EVENTUAL).await? else { return Ok(Availability::Free) };
        let claim: Claim = crate::item::read("subdomain claim", found)?;
        Ok(if claim.tombstone { Availability::Tombstoned } else { Availability::Taken })
    }

    /// Whose the name is (strongly consistent); none for a free one and for a tombstone.
    pub async fn subdomain_owner(&self, name: &Subdomain) -> Result<Option<TenantId>, StoreError> {
        let claim: Option<Claim> = self.record("subdomain claim", &Key::subdomain(name)).await?;
        Ok(claim.filter(|claim| !claim.tombstone).map(|claim| claim.tenant))
    }

    /// Frees the name, if it is this tenant's and not a tombstone. For a tenant that never came to be.
    pub async fn release_subdomain(
        &self,
        name: &Subdomain,
        tenant: &TenantId,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        let ours = Expr::new("tenant = :tenant AND tombstone = :no")
            .value(":tenant", s(tenant.to_string()))
            .value(":no", aws_sdk_dynamodb::types::AttributeValue::Bool(false));
        let release = Write::delete("subdomain claim", Key::subdomain(name)).when(ours);
        self.commit(&[release], audit, &format!("{name}#{tenant}")).await
    }

    /// Retires the name for ever, if it is this tenant's.
    pub async fn tombstone_subdomain(
        &self,
        name: &Subdomain,
        tenant: &TenantId,
        audit: &Audit,
    ) -> Result<(), StoreError> {
        self.commit(&[tombstone(name, tenant)], audit, &format!("{name}#{tenant}")).await
    }
}
