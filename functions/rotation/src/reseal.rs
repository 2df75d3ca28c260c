//! The re-seal: moves everything away from the key-encryption keys that a rotation of `data-keys` has succeeded, and takes
//! them out of use when nothing is left. The workflow is `statemachines/data-keys-reseal.asl.json`; a file here is a state.

mod fail;
mod list;
mod retire;
mod tenant;
mod watch;

use domain::{Action, Actor, AuditEntry, CorrelationId, Facts, KeyId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Audit, Reseal, Store, TenantDataKey};
use workflow::StepError;

pub use fail::ResealFail;
pub use list::ResealList;
pub use retire::ResealRetire;
pub use tenant::ResealTenant;
pub use watch::ResealWatch;

use crate::data_key::{ring_unusable, unavailable};

/// What every state is given: which run it belongs to. A run that is over changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    target: KeyId,
    retiring: Vec<KeyId>,
    run: u32,
    correlation_id: CorrelationId,
}

impl From<&Reseal> for Run {
    fn from(reseal: &Reseal) -> Self {
        let Reseal { target, retiring, run, correlation_id, .. } = reseal.clone();
        Self { target, retiring, run, correlation_id }
    }
}

impl Run {
    /// The record, if it is of this run.
    async fn record(&self, store: &Store) -> Result<Reseal, StepError> {
        let found = store.reseal().await.map_err(unavailable)?;
        let ours = found.filter(|reseal| reseal.target == self.target && reseal.run == self.run);
        ours.ok_or_else(|| StepError::fail("stale_run", "the re-seal is in another run"))
    }

    /// Whether the data key is under one of the keys that go.
    fn retires(&self, key: &TenantDataKey) -> bool {
        self.retiring.iter().any(|id| id.as_str() == key.key_id)
    }

    fn audit(&self, function: &str, action: Action, tenant: Option<&TenantId>, at: Timestamp) -> Audit {
        let entry = AuditEntry {
            actor: Actor::Function(function.to_owned()),
            action,
            tenant: tenant.cloned(),
            correlation_id: self.correlation_id.clone(),
            before: Facts::new(),
            after: Facts::new().with("key_id", &self.target).with("run", &self.run),
            at,
        };
        entry.into()
    }
}
