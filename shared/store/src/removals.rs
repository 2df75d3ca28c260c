//! The removal of a tenant that was given up: when it is due, where no way leads back, and what is left in the end.
//!
//! The list has an entry for each order. It is the promise of the removal: written with the order, gone with the restoration
//! or with the archive. So a start that got lost, and a run that failed, are made up for.

use domain::{CompanyName, CorrelationId, EmailAddress, PersonName, Step, StepStatus, TenantId, TokenDigest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, ExportedPart, Removal, Store, StoreError, Tenant,
    item::{attribute, item, n, s},
    keys::{Key, REMOVALS},
    last_export, lifecycle,
    steps::RACES,
    subdomain, tenants,
    transact::{Ended, Expr, Reason, Write, refusal},
};

/// Removals that one call answers with; the next sweep finds the rest.
const AT_ONCE: i32 = 100;
pub(crate) const RECEIPT: &str = "RECEIPT";

/// A removal to start.
#[derive(Debug)]
pub struct DueRemoval {
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// Of which attempt's works.
    pub attempt: u32,
    /// Since when.
    pub due: Timestamp,
    /// The request that ordered it.
    pub request: CorrelationId,
}

/// What tells of a tenant that is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who ordered the removal, when, and until when it could be taken back.
    pub order: Removal,
    /// When the last of it was gone.
    pub removed_at: Timestamp,
    /// The steps of its provisioning that were taken back.
    pub taken_back: Vec<Step>,
    /// What there was of it, in the bucket: the objects go after a month, what they are known by stays.
    #[serde(default)]
    pub export: Vec<ExportedPart>,
}

pub(crate) fn due(tenant: &TenantId, due: Timestamp) -> Write {
    let key = Key::removal(tenant, due);
    Write::put("removal", key.clone(), key.attributes())
}

pub(crate) fn done(tenant: &TenantId, due: Timestamp) -> Write {
    Write::delete("removal", Key::removal(tenant, due))
}

impl Store {
    /// The removals that are due: one strongly consistent Query that reads only those, and two reads for each.
    pub async fn due_removals(&self, now: Timestamp) -> Result<Vec<DueRemoval>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk < :after")
            .expression_attribute_values(":pk", s(REMOVALS))
            .expression_attribute_values(":after", s(format!("{:011}", now.as_second() + 1)))
            .limit(AT_ONCE);
        let found = Box::pin(query.send()).await?.items.unwrap_or_default();
        let tenant = |key: Key| key.sk.split_once('#').and_then(|(_, tenant)| TenantId::parse(tenant).ok());
        let mut due = Vec::new();
        for tenant_id in found.iter().filter_map(Key::of).filter_map(tenant) {
            let Some(order) = self.lifecycle(&tenant_id).await?.removal else { continue };
            let attempt = self.require(&tenant_id).await?.provisioning.attempt();
            due.push(DueRemoval { tenant_id, attempt, due: order.due, request: order.request });
        }
        Ok(due)
    }

    /// How many removals are on the list that came due before then, a hundred at most. One Query.
    pub async fn removals_due_before(&self, then: Timestamp) -> Result<usize, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .key_condition_expression("pk = :pk AND sk < :then")
            .expression_attribute_values(":pk", s(REMOVALS))
            .expression_attribute_values(":then", s(format!("{:011}", then.as_second())))
            .limit(AT_ONCE);
        Ok(Box::pin(query.send()).await?.items.unwrap_or_default().len())
    }

    /// Begins the removal, if it is due: from here on the tenant cannot be restored. False where it was restored, or ordered
    /// again for a later day, or is over. Begun twice is begun.
    pub async fn begin_removal(&self, id: &TenantId, attempt: u32, audit: &Audit) -> Result<bool, StoreError> {
        let now = audit.entry.at;
        for _ in 0..RACES {
            let current = self.require(id).await?;
            if current.provisioning.is_being_removed() {
                return Ok(current.provisioning.attempt() == attempt);
            }
            let order = self.lifecycle(id).await?.removal.filter(|order| order.due <= now);
            let (Some(_), Ok(next)) = (order, current.provisioning.clone().begin_removal(attempt, now)) else {
                return Ok(false);
            };
            let audit = audit.clone().about(id, current.plan);
            if self.advance(&current, next, Vec::new(), None, &audit).await?.is_some() {
                return Ok(true);
            }
        }
        Err(StoreError::busy("the tenant's record is contended"))
    }

    /// The end: the record without anything about people, the receipt, the tombstone on the name. Archived twice is archived.
    ///
    /// Fails with [`StoreError::IllegalMove`] for a tenant whose removal has not begun.
    pub async fn archive(&self, id: &TenantId, attempt: u32, audit: &Audit) -> Result<(), StoreError> {
        for _ in 0..RACES {
            let current = self.require(id).await?;
            if current.provisioning.status() == domain::TenantStatus::Archived {
                return Ok(());
            }
            let writes = self.last_writes(&current, attempt, audit.entry.at).await?;
            let audit = audit.clone().about(id, current.plan);
            match self.transact(&writes, &audit, &format!("{id}#{}", current.version)).await? {
                Ended::Committed => return Ok(()),
                Ended::Cancelled(reasons) if matches!(reasons[0], Reason::Condition(_) | Reason::Race) => {}
                Ended::Cancelled(reasons) => return Err(refusal(&writes, &reasons)),
            }
        }
        Err(StoreError::busy("the tenant's record is contended"))
    }

    async fn last_writes(&self, current: &Tenant, attempt: u32, now: Timestamp) -> Result<Vec<Write>, StoreError> {
        let id = &current.tenant_id;
        let next = current.provisioning.clone().archive(attempt, now)?;
        let order = self.lifecycle(id).await?.removal.ok_or(StoreError::NotFound("removal"))?;
        let taken_back = next.steps().iter().filter(|step| step.status == StepStatus::Undone).map(|step| step.step);
        let export = self.last_export(id).await?.map(|export| export.parts).unwrap_or_default();
        let receipt = Receipt { order: order.clone(), removed_at: now, taken_back: taken_back.collect(), export };
        let key = Key::in_tenant(id, RECEIPT);
        let erased = erased(current)?;
        Ok(vec![
            erase(&erased, &next, current)?,
            Write::put("receipt", key.clone(), item("receipt", &key, &receipt)?),
            subdomain::tombstone(&current.subdomain, id),
            done(id, order.due),
            lifecycle::forget(id),
            last_export::forget(id),
            tenants::listed(&erased, next.status())?,
        ])
    }

    /// What tells of a tenant that is no more: one strong read.
    pub async fn receipt(&self, id: &TenantId) -> Result<Option<Receipt>, StoreError> {
        self.record("receipt", &Key::in_tenant(id, RECEIPT)).await
    }
}

/// The tenant with values in place of people's that are valid and nobody's (`.invalid`: RFC 2606), and with a status token
/// that nobody has.
fn erased(tenant: &Tenant) -> Result<Tenant, StoreError> {
    let corrupt = |rule| StoreError::corrupt("tenant", rule);
    Ok(Tenant {
        company_name: CompanyName::parse("(removed)").map_err(corrupt)?,
        admin_name: PersonName::parse("(removed)").map_err(corrupt)?,
        admin_email: EmailAddress::parse("removed@tenant.invalid").map_err(corrupt)?,
        status_token: TokenDigest::of(&[0; 32]),
        ..tenant.clone()
    })
}

fn erase(erased: &Tenant, next: &domain::Provisioning, current: &Tenant) -> Result<Write, StoreError> {
    let expr = Expr::new("version = :version AND #provisioning.attempt = :attempt")
        .name("#provisioning", "provisioning")
        .value(":version", n(current.version))
        .value(":attempt", n(current.provisioning.attempt()))
        .value(":next", n(current.version + 1))
        .value(":provisioning", attribute("provisioning", next)?)
        .value(":company", attribute("tenant", &erased.company_name)?)
        .value(":name", attribute("tenant", &erased.admin_name)?)
        .value(":email", attribute("tenant", &erased.admin_email)?)
        .value(":token", attribute("tenant", &erased.status_token)?);
    let update = "SET #provisioning = :provisioning, version = :next, company_name = :company, admin_name = :name, \
                  admin_email = :email, status_token = :token REMOVE admins, owners";
    Ok(Write::update("tenant", Key::tenant(&current.tenant_id), update, expr))
}
