//! The removal of a tenant: the states of `statemachines/tenant-deprovisioning.asl.json` that are not undos of provisioning's
//! steps. Each can be delivered again, at any time: what it takes away is gone, and what is archived stays as it is.

pub mod archive;
pub mod begin;
pub mod export;
pub mod members;
pub mod purge;

use domain::TenantStatus;
use serde::Serialize;
use store::Tenant;
use workflow::{StepError, StepInput};

use crate::journal::Journal;

/// Whether the state has to be run again.
#[derive(Serialize)]
pub struct Said {
    pub(crate) more: bool,
}

/// The tenant, while it is being removed; none when that is over.
pub(crate) async fn in_removal(journal: &Journal, input: &StepInput) -> Result<Option<Tenant>, StepError> {
    let tenant = journal.tenant(input).await?;
    match tenant.provisioning.status() {
        _ if tenant.provisioning.is_being_removed() => Ok(Some(tenant)),
        TenantStatus::Archived => Ok(None),
        _ => Err(StepError::fail("removal_not_begun", "the tenant's removal has not begun")),
    }
}
