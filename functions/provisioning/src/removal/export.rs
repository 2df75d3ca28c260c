//! Export: what there is of the tenant, into the bucket, before any of it is removed. A part of at most 8 MiB at a time: two reads,
//! those of the part (a read unit for each 4 KB), one `PutObject` and one transaction.
//!
//! A part holds what there was when the removal came due, from when on nothing of the tenant changes, and its key is made of that
//! moment and of its digest. So the same removal, delivered again, writes the same object; and what a delivery has noted is
//! what is in the object that it names, whoever else writes at that moment.

use domain::{Action, ContentDigest, Step};
use exports::{ExportError, Exports, Part, Place};
use lambda::{Env, FromEnv, StartError, Task};
use store::{ExportedPart, LastExport, Removal, Tenant};
use workflow::{StepError, StepInput};

use super::{Said, in_removal};
use crate::journal::{Journal, unavailable};

/// The journal, and what exports.
pub struct Deps {
    journal: Journal,
    exports: Exports,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Step::Activate)?, exports: env.exports()? })
    }
}

/// The state.
pub struct Export;

impl Task for Export {
    type Deps = Deps;
    type Input = StepInput;
    type Output = Said;
    const NAME: &'static str = "Export";

    async fn run(deps: &Deps, input: StepInput) -> Result<Said, StepError> {
        let Some(tenant) = in_removal(&deps.journal, &input).await? else { return Ok(Said { more: false }) };
        let store = &deps.journal.store;
        let mut export = match store.last_export(&tenant.tenant_id).await.map_err(unavailable)? {
            Some(LastExport { next: None, .. }) => return Ok(Said { more: false }),
            Some(export) => export,
            None => LastExport { parts: Vec::new(), next: Some(Place::default().to_string()) },
        };
        let part = deps.part(&tenant, &export).await?;
        export.next = part.next.as_ref().map(ToString::to_string);
        let Part { key, sha256, bytes, lines, .. } = part;
        let mut audit = deps.journal.audit(&input, Action::TenantExported);
        let facts = audit.entry.after.with("part", &(export.parts.len() as u64)).with("sha256", &sha256);
        audit.entry.after = facts.with("bytes", &bytes).with("lines", &lines);
        export.parts.push(ExportedPart { key, sha256, bytes, lines });
        let noted = store.note_export(&tenant, &export, &audit).await.map_err(unavailable)?;
        // Another delivery was faster: the next call sees what is left to do.
        Ok(Said { more: !noted || export.next.is_some() })
    }
}

impl Deps {
    async fn part(&self, tenant: &Tenant, export: &LastExport) -> Result<Part, StepError> {
        let id = &tenant.tenant_id;
        let order = self.journal.store.lifecycle(id).await.map_err(unavailable)?.removal;
        let no_order = || StepError::fail("removal_not_ordered", "nobody ordered the tenant's removal");
        let Removal { due, .. } = order.ok_or_else(no_order)?;
        let from = export.next.as_deref().unwrap_or_default().parse::<Place>();
        let from =
            from.map_err(|_| StepError::fail("export_unreadable", "the last part does not say where it ends"))?;
        let (second, nth) = (due.as_second(), export.parts.len() + 1);
        let key = |sha256: &ContentDigest| format!("removed/{id}/{second}-{nth:04}-{sha256}.ndjson");
        self.exports.put(id, from, due, key).await.map_err(|error| match error {
            ExportError::Store(error) => unavailable(error),
            other => StepError::retry("the export could not be put", other),
        })
    }
}
