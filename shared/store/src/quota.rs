//! What a plan limits is counted in the tenant's own item, exactly, in the transaction that changes it.
//!
//! The limit of every plan is in the condition, so that a change of the plan at the same moment needs no second look: of
//! the two, the later sees the earlier.

use domain::{Plan, Quota, TenantId, TenantStatus};

use crate::{
    Kept, StoreError,
    item::{Item, n, read, s},
    keys::Key,
    session::TenantPart,
    transact::{Expr, Write},
};

/// What a refusal of the count is called.
pub(crate) const WHAT: &str = "tenant";

/// One more in a READY tenant, if its plan has room.
pub(crate) fn one_more(tenant: &TenantId, of: Quota) -> Write {
    let ready = Expr::new("#provisioning.#status = :ready")
        .name("#provisioning", "provisioning")
        .name("#status", "status")
        .value(":ready", s(TenantStatus::Ready.as_str()));
    let expr = room(of, ready.value(":change", n(1)));
    Write::update(WHAT, Key::tenant(tenant), &format!("ADD {of} :change"), expr)
}

/// One less.
pub(crate) fn one_less(tenant: &TenantId, of: Quota) -> Write {
    let expr = Expr::new("attribute_exists(pk)").value(":change", n(-1));
    Write::update(WHAT, Key::tenant(tenant), &format!("ADD {of} :change"), expr)
}

/// That the plan, whichever it is, has room for one more.
pub(crate) fn room(of: Quota, mut expr: Expr) -> Expr {
    let mut plans = Vec::new();
    for plan in Plan::ALL.iter().filter(|plan| plan.most(of) > 0) {
        let (name, most) = (format!(":{plan}"), format!(":{plan}_most"));
        plans.push(format!("(#plan = {name} AND (attribute_not_exists({of}) OR {of} < {most}))"));
        expr = expr.value(&name, s(plan.as_str())).value(&most, n(plan.most(of)));
    }
    expr.text += &format!(" AND ({})", plans.join(" OR "));
    expr.name("#plan", "plan")
}

/// That what there is fits into another plan.
pub(crate) fn fits(plan: Plan, mut expr: Expr) -> Expr {
    for of in Quota::ALL {
        let most = format!(":{of}");
        expr.text += &format!(" AND (attribute_not_exists({of}) OR {of} <= {most})");
        expr = expr.value(&most, n(plan.most(*of)));
    }
    expr
}

/// What of a stored tenant's does not fit into the plan, and how many there are.
pub(crate) fn excess(plan: Plan, held: &Item) -> Result<Option<(Quota, u32)>, StoreError> {
    for of in Quota::ALL {
        let Some(count) = held.get(of.as_str()) else { continue };
        let count = count.as_n().ok().and_then(|count| count.parse().ok());
        let count: u32 = count.ok_or_else(|| StoreError::corrupt(WHAT, std::io::Error::other("a count is none")))?;
        if count > plan.most(*of) {
            return Ok(Some((*of, count)));
        }
    }
    Ok(None)
}

/// Why a tenant took no more.
pub(crate) fn full(held: Option<Item>) -> Result<Kept, StoreError> {
    let Some(held) = held else { return Ok(Kept::NoTenant) };
    let TenantPart { plan, provisioning } = read(WHAT, held)?;
    Ok(if provisioning.status == TenantStatus::Ready { Kept::Full(plan) } else { Kept::NotReady })
}
