//! What may be changed of a tenant: its name, and its plan. Each names the version that it was decided on.

use domain::{CompanyName, Plan, Quota, TenantId, TenantStatus};

use crate::{
    Audit, Store, StoreError, Tenant,
    item::{attribute, n, read},
    keys::Key,
    quota,
    steps::RACES,
    tenants,
    transact::{Ended, Expr, Reason, Write, refusal},
};

/// What became of a change.
#[derive(Debug)]
pub enum Changed {
    /// The tenant as it is now.
    Done(Box<Tenant>),
    /// It is another version by now. Nothing was changed.
    Outrun,
    /// It stands so, and takes no change. Nothing was changed.
    Closed(TenantStatus),
    /// It has more of this than the plan allows: so many. Nothing was changed.
    TooMany(Quota, u32),
    /// The plan keeps data in another way, and nothing moves it. Nothing was changed.
    Elsewhere,
}

impl Store {
    /// Renames the tenant's company, if it still is the version. One read and one transaction.
    pub async fn rename_tenant(
        &self,
        id: &TenantId,
        version: u64,
        name: &CompanyName,
        mut audit: Audit,
    ) -> Result<Changed, StoreError> {
        let tenant = self.require(id).await?;
        if let Some(refused) = refused(&tenant, Some(version)) {
            return Ok(refused);
        }
        audit.entry.before = audit.entry.before.with("company_name", &tenant.company_name);
        audit.entry.after = audit.entry.after.with("company_name", name);
        let still = still(&tenant).value(":name", attribute("tenant", name)?);
        let write = Write::update("tenant", Key::tenant(id), "SET company_name = :name, version = :next", still);
        let next = Tenant { company_name: name.clone(), version: tenant.version + 1, ..tenant };
        Ok(self.change(write, next, audit).await?.unwrap_or(Changed::Outrun))
    }

    /// Gives the tenant another plan, whose limits apply from then on. Refused where it has more than the plan allows, by
    /// the counts under which members, keys and webhooks are added. One read and one transaction.
    pub async fn change_plan(
        &self,
        id: &TenantId,
        version: Option<u64>,
        plan: Plan,
        audit: &Audit,
    ) -> Result<Changed, StoreError> {
        for _ in 0..RACES {
            let tenant = self.require(id).await?;
            if let Some(refused) = refused(&tenant, version) {
                return Ok(refused);
            }
            if tenant.plan.isolation() != plan.isolation() {
                return Ok(Changed::Elsewhere);
            }
            let mut audit = audit.clone();
            audit.entry.before = audit.entry.before.with("plan", &tenant.plan);
            audit.entry.after = audit.entry.after.with("plan", &plan);
            let fits = still(&tenant).name("#plan", "plan").value(":plan", attribute("plan", &plan)?);
            let fits = quota::fits(plan, fits);
            let write = Write::update("tenant", Key::tenant(id), "SET #plan = :plan, version = :next", fits);
            let next = Tenant { plan, version: tenant.version + 1, ..tenant };
            if let Some(changed) = self.change(write, next, audit).await? {
                return Ok(changed);
            }
        }
        Err(StoreError::busy("the tenant's record is contended"))
    }

    /// None where the record has moved since it was read.
    async fn change(&self, write: Write, next: Tenant, audit: Audit) -> Result<Option<Changed>, StoreError> {
        let writes = [write, tenants::listed(&next, next.provisioning.status())?];
        let audit = audit.about(&next.tenant_id, next.plan);
        let salt = format!("{}#{}", next.tenant_id, next.version - 1);
        let reasons = match self.transact(&writes, &audit, &salt).await? {
            Ended::Committed => return Ok(Some(Changed::Done(Box::new(next)))),
            Ended::Cancelled(reasons) => reasons,
        };
        match reasons.first() {
            Some(Reason::Race) => Ok(None),
            Some(Reason::Condition(Some(held))) => {
                let excess = quota::excess(next.plan, held)?;
                let stored: Tenant = read("tenant", held.clone())?;
                let same = stored.version + 1 == next.version;
                Ok(excess.filter(|_| same).map(|(of, count)| Changed::TooMany(of, count)))
            }
            Some(Reason::Condition(None)) => Ok(None),
            _ => Err(refusal(&writes, &reasons)),
        }
    }
}

fn still(tenant: &Tenant) -> Expr {
    Expr::new("version = :version").value(":version", n(tenant.version)).value(":next", n(tenant.version + 1))
}

fn refused(tenant: &Tenant, version: Option<u64>) -> Option<Changed> {
    let status = tenant.provisioning.status();
    let closed = matches!(status, TenantStatus::Deprovisioning | TenantStatus::Archived);
    match version {
        _ if closed => Some(Changed::Closed(status)),
        Some(version) if version != tenant.version => Some(Changed::Outrun),
        _ => None,
    }
}
