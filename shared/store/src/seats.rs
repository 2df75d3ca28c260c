//! What a tenant counts of its members, in its own item: admins against the plan's limit, and owners, of whom one stays.
//!
//! The limit of every plan is in the condition, so that a change of the plan at the same moment needs no second look: of
//! the two, the later sees the earlier.

use domain::{Plan, Quota, Seats, TenantId, TenantStatus};
use serde::Deserialize;

use crate::{
    StoreError,
    item::{Item, n, read, s},
    keys::Key,
    quota,
    transact::{Expr, Write},
};

pub(crate) const WHAT: &str = "tenant";

/// Why who belongs to a tenant is what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MembersRefusal {
    /// There are as many admins as the plan allows.
    #[error("the plan has no room for another admin")]
    PlanLimit(Plan),
    /// Nobody would be left to answer for the tenant.
    #[error("it is the last owner")]
    LastOwner,
    /// The tenant is not READY, or not there.
    #[error("the tenant is not READY")]
    NotReady,
    /// Whoever acts has another role by now, or none.
    #[error("whoever asks may not any more")]
    NotEntitled,
    /// There is one already.
    #[error("there is one already")]
    There,
    /// It was changed, used or taken away since it was read.
    #[error("it was changed meanwhile")]
    Outrun,
}

/// As [`MembersRefusal`], or what keeps the store from answering.
#[derive(Debug, thiserror::Error)]
pub enum MembersError {
    /// The rules are against it.
    #[error(transparent)]
    Refused(#[from] MembersRefusal),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a refused condition found.
#[derive(Deserialize)]
struct Counts {
    plan: Plan,
    #[serde(default)]
    owners: u32,
    provisioning: Standing,
}

#[derive(Deserialize)]
struct Standing {
    status: TenantStatus,
}

/// The counts with this change; nothing to write where it changes none.
pub(crate) fn write(tenant: &TenantId, change: Seats) -> Option<Write> {
    let mut added = Vec::new();
    let mut expr = Expr::new("attribute_exists(pk)");
    for (count, name, placeholder) in [(change.admins, "admins", ":admins"), (change.owners, "owners", ":owners")] {
        if count != 0 {
            added.push(format!("{name} {placeholder}"));
            expr = expr.value(placeholder, n(count));
        }
    }
    if change.admins > 0 {
        expr = quota::room(Quota::Admins, expr);
    }
    if change.owners < 0 {
        expr.text += " AND owners > :last";
        expr = expr.value(":last", n(1));
    }
    let update = format!("ADD {}", added.join(", "));
    (!added.is_empty()).then(|| Write::update(WHAT, Key::tenant(tenant), &update, expr))
}

/// As [`write`](self::write()), in a READY tenant; with nothing to count it is a look.
pub(crate) fn in_ready(tenant: &TenantId, change: Seats) -> Write {
    let mut write = write(tenant, change)
        .unwrap_or_else(|| Write::check(WHAT, Key::tenant(tenant), Expr::new("attribute_exists(pk)")));
    write.expr = write.expr.map(|mut expr| {
        expr.text += " AND #provisioning.#status = :ready";
        expr.name("#provisioning", "provisioning").name("#status", "status").value(":ready", s("READY"))
    });
    write
}

/// Why the counts did not change.
pub(crate) fn refused(change: Seats, held: Option<Item>) -> Result<MembersRefusal, StoreError> {
    let Some(held) = held else { return Ok(MembersRefusal::NotReady) };
    let Counts { plan, owners, provisioning } = read(WHAT, held)?;
    Ok(match change {
        Seats { owners: ..0, .. } if owners <= 1 => MembersRefusal::LastOwner,
        _ if provisioning.status != TenantStatus::Ready => MembersRefusal::NotReady,
        _ => MembersRefusal::PlanLimit(plan),
    })
}
