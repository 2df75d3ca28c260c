//! An exact count of more tries than an item can keep the moments of.
//!
//! The tries form twenty groups of a twentieth of the limit each. The item counts the tries of the open group, and keeps for
//! each of the nineteen before it when it was closed, which is when the next was opened: no earlier than its last try. A group
//! is opened only when the one twenty before it was closed a window ago. So the tries of any window are in twenty groups: the
//! limit. Who has used it up waits until all of the oldest group has left. One write unit for a try, one more for each group,
//! two for a refusal.

use domain::throttle::{Count, ROW, Rule};
use jiff::Timestamp;

use super::{
    Counted, Limits, TRIES, after, at, before, moment, shift,
    update::{Update, Updated},
};
use crate::{
    StoreError,
    item::{Item, n},
};

/// Groups that are closed.
const CLOSED: usize = ROW - 1;
/// The tries of the open group.
const OPEN: &str = "c";

impl Limits {
    /// Whoever finds the group full opens the next, unless another was faster: then there is room in that one.
    pub(super) async fn count_in_groups(
        &self,
        what: &Counted,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<Count, StoreError> {
        loop {
            if let Updated::Done(item) = self.send(what, join(rule, now)).await? {
                return Ok(counted(&item, rule, now));
            }
            match self.send(what, open(rule, now)).await? {
                Updated::Done(item) => return Ok(counted(&item, rule, now)),
                Updated::Refused(item) if tries(&item) >= group(rule) => {
                    let until = at(&item, &format!("{TRIES}0")).map_or(now, |oldest| after(oldest, rule.within));
                    return Ok(Count::Beyond { until: until.max(now), blocked: true });
                }
                Updated::Refused(_) => {}
            }
        }
    }
}

fn join(rule: &Rule, now: Timestamp) -> Update {
    super::update(&format!("{OPEN} = if_not_exists({OPEN}, :zero) + :one"), now)
        .when(format!("attribute_not_exists({OPEN}) OR {OPEN} < :group"))
        .value(":zero", n(0))
        .value(":one", n(1))
        .value(":group", n(group(rule)))
}

fn open(rule: &Rule, now: Timestamp) -> Update {
    super::update(&format!("{}, {OPEN} = :one", shift(TRIES, CLOSED)), now)
        .when(format!("{OPEN} >= :group AND (attribute_not_exists({TRIES}0) OR {TRIES}0 <= :left)"))
        .value(":left", moment(before(now, rule.within)))
        .value(":zero", n(0))
        .value(":one", n(1))
        .value(":group", n(group(rule)))
}

fn group(rule: &Rule) -> usize {
    rule.most / ROW
}

fn tries(item: &Item) -> usize {
    item.get(OPEN).and_then(|tries| tries.as_n().ok()?.parse().ok()).unwrap_or_default()
}

fn counted(item: &Item, rule: &Rule, now: Timestamp) -> Count {
    let start = before(now, rule.within);
    let closed = (0..CLOSED).filter_map(|place| at(item, &format!("{TRIES}{place}"))).filter(|at| *at > start);
    let closed: Vec<Timestamp> = closed.collect();
    let left = (rule.most - group(rule) * closed.len()).saturating_sub(tries(item));
    let more_at = closed.first().map_or(after(now, rule.within), |oldest| after(*oldest, rule.within));
    Count::Within { left, more_at }
}
