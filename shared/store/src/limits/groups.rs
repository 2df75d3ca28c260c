//! An exact count of more tries than an item can keep the moments of.
//!
//! The tries form twenty groups of a twentieth of the limit each. The item counts the tries of the open group, and keeps for
//! each of the nineteen before it when it was closed, which is when the next was opened: no earlier than its last try. A group
//! is opened only when the one twenty before it was closed a window ago. So the tries of any window are in twenty groups: the
//! limit. Who has used it up waits until all of the oldest group has left. One write unit for a try, one more for each group,
//! two for a refusal.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure::AllOld},
};
use domain::throttle::{Count, ROW, Rule};
use jiff::Timestamp;

use super::{Counted, Limits, TRIES, after, at, before, moment, shift};
use crate::{
    StoreError,
    item::{Item, n},
};

/// Groups that are closed.
const CLOSED: usize = ROW - 1;
/// The tries of the open group.
const OPEN: &str = "c";

/// What an update came to.
enum Tried {
    Counted(Item),
    /// The item as it is.
    Refused(Item),
}

impl Limits {
    /// Whoever finds the group full opens the next, unless another was faster: then there is room in that one.
    pub(super) async fn count_in_groups(
        &self,
        what: &Counted,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<Count, StoreError> {
        loop {
            if let Tried::Counted(item) = self.join(what, rule, now).await? {
                return Ok(counted(&item, rule, now));
            }
            match self.open(what, rule, now).await? {
                Tried::Counted(item) => return Ok(counted(&item, rule, now)),
                Tried::Refused(item) if tries(&item) >= group(rule) => {
                    let until = at(&item, &format!("{TRIES}0")).map_or(now, |oldest| after(oldest, rule.within));
                    return Ok(Count::Beyond { until: until.max(now), blocked: true });
                }
                Tried::Refused(_) => {}
            }
        }
    }

    async fn join(&self, what: &Counted, rule: &Rule, now: Timestamp) -> Result<Tried, StoreError> {
        let update = self
            .update(what, &format!("{OPEN} = if_not_exists({OPEN}, :zero) + :one"), now)
            .condition_expression(format!("attribute_not_exists({OPEN}) OR {OPEN} < :group"))
            .expression_attribute_values(":zero", n(0));
        tried(update, rule).await
    }

    async fn open(&self, what: &Counted, rule: &Rule, now: Timestamp) -> Result<Tried, StoreError> {
        let full = format!("{OPEN} >= :group AND (attribute_not_exists({TRIES}0) OR {TRIES}0 <= :left)");
        let update = self
            .update(what, &format!("{}, {OPEN} = :one", shift(TRIES, CLOSED)), now)
            .condition_expression(full)
            .expression_attribute_values(":left", moment(before(now, rule.within)))
            .expression_attribute_values(":zero", n(0));
        tried(update, rule).await
    }
}

async fn tried(update: UpdateItemFluentBuilder, rule: &Rule) -> Result<Tried, StoreError> {
    let update = update
        .expression_attribute_values(":one", n(1))
        .expression_attribute_values(":group", n(group(rule)))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(AllOld);
    match Box::pin(update.send()).await {
        Ok(done) => Ok(Tried::Counted(done.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Tried::Refused(refused.item.clone().unwrap_or_default()))
            }
            _ => Err(error.into()),
        },
    }
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
