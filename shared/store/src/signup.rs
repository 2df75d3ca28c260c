//! A signup: tenant, claim, promise of an execution, extras, saved answer and audit entry, in one transaction.

use std::collections::BTreeMap;

use domain::{Label, Provisioning, Signup, TenantId, TokenDigest, UtmParameter};
use serde::Serialize;

use crate::{
    Audit, IdempotencyRecord, OutboxEntry, Store, StoreError, Tenant,
    idempotency::Earlier,
    item::item,
    keys::Key,
    subdomain, tenants,
    transact::{Ended, Reason, Write, refusal},
};

/// How often a signup is sent when it only lost a race for an item to another transaction, which may fail yet.
const RACES: usize = 4;

/// What is stored for a valid request.
pub struct NewTenant {
    /// Its id.
    pub tenant_id: TenantId,
    /// What was asked for.
    pub signup: Signup,
    /// Who may read the status.
    pub status_token: TokenDigest,
    /// `Provisioning::requested(…)`.
    pub provisioning: Provisioning,
}

/// How a signup ended.
#[derive(Debug, PartialEq, Eq)]
pub enum SignupOutcome {
    /// Everything is stored.
    Created,
    /// The subdomain is another tenant's, or was; nothing is stored.
    SubdomainTaken,
    /// The same request was answered before, with this.
    IdempotencyReplay(Vec<u8>),
    /// The key was used for another request.
    IdempotencyMismatch,
    /// A request under the same key is being served at this moment.
    InFlight,
}

#[derive(Serialize)]
struct Extras<'a> {
    accept_terms: Option<bool>,
    source: Option<&'a Label>,
    utm: &'a BTreeMap<UtmParameter, Label>,
}

impl Store {
    /// Stores a new tenant, whole or not at all. One `TransactWriteItems`, also where it is refused: the reasons come
    /// with the items that refused it.
    pub async fn signup(
        &self,
        new: NewTenant,
        idempotency: Option<IdempotencyRecord>,
        audit: Audit,
    ) -> Result<SignupOutcome, StoreError> {
        let mut writes = writes(&new)?;
        let audit = audit.about(&new.tenant_id, new.signup.plan);
        if let Some(record) = &idempotency {
            writes.push(record.save()?);
        }
        for _ in 0..RACES {
            match self.transact(&writes, &audit, &new.tenant_id.to_string()).await? {
                Ended::Committed => return Ok(SignupOutcome::Created),
                Ended::Cancelled(reasons) => match outcome(&writes, reasons, idempotency.as_ref())? {
                    Some(outcome) => return Ok(outcome),
                    None => tracing::debug!("lost a race for the subdomain, asking again"),
                },
            }
        }
        Err(StoreError::busy("the subdomain claim is contended"))
    }
}

const CLAIM: usize = 1;

fn writes(new: &NewTenant) -> Result<Vec<Write>, StoreError> {
    let NewTenant { tenant_id, signup, status_token, provisioning } = new;
    let tenant = Tenant {
        tenant_id: tenant_id.clone(),
        company_name: signup.company_name.clone(),
        subdomain: signup.subdomain.clone(),
        admin_name: signup.admin_name.clone(),
        admin_email: signup.admin_email.clone(),
        plan: signup.plan,
        region: signup.region.clone(),
        version: 1,
        status_token: status_token.clone(),
        provisioning: provisioning.clone(),
        admins: 0,
        owners: 0,
    };
    let promise = OutboxEntry {
        tenant_id: tenant_id.clone(),
        attempt: provisioning.attempt(),
        correlation_id: provisioning.correlation_id().clone(),
        created_at: provisioning.created_at(),
    };
    let listed = tenants::enlist(&tenant)?;
    let mut writes =
        vec![tenant.create()?, subdomain::claim(&signup.subdomain, tenant_id)?, promise.promise()?, listed];
    writes.extend(extras(new)?);
    Ok(writes)
}

fn extras(new: &NewTenant) -> Result<Option<Write>, StoreError> {
    let Signup { accept_terms, source, utm, .. } = &new.signup;
    if accept_terms.is_none() && source.is_none() && utm.is_empty() {
        return Ok(None);
    }
    let key = Key::in_tenant(&new.tenant_id, "SIGNUP");
    let extras = Extras { accept_terms: *accept_terms, source: source.as_ref(), utm };
    let stored = item("signup extras", &key, &extras)?;
    Ok(Some(Write::put("signup extras", key, stored)))
}

/// What a cancellation means; none where another try may end differently. An earlier answer under the same key goes
/// before everything else: the subdomain that it finds taken is its own.
fn outcome(
    writes: &[Write],
    mut reasons: Vec<Reason>,
    idempotency: Option<&IdempotencyRecord>,
) -> Result<Option<SignupOutcome>, StoreError> {
    if let Some(record) = idempotency {
        match reasons.get_mut(writes.len() - 1) {
            Some(Reason::Condition(held)) => {
                let held = held.take().ok_or_else(|| StoreError::busy("the idempotency record is gone again"))?;
                return Ok(Some(match record.compare(held)? {
                    Earlier::Replay(answer) => SignupOutcome::IdempotencyReplay(answer),
                    Earlier::Mismatch => SignupOutcome::IdempotencyMismatch,
                }));
            }
            Some(Reason::Race) => return Ok(Some(SignupOutcome::InFlight)),
            _ => {}
        }
    }
    match reasons.get(CLAIM) {
        Some(Reason::Condition(_)) => Ok(Some(SignupOutcome::SubdomainTaken)),
        Some(Reason::Race) => Ok(None),
        _ => Err(refusal(writes, &reasons)),
    }
}
