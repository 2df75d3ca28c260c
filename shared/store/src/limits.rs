//! Counting what must not happen too often, in a table of its own.
//!
//! An exact count: one item per counted thing holds the moments of the last few tries as a row of numbers, oldest first. A try shifts the
//! row by one `UpdateItem`, on the condition that the oldest moment has left the window: so the window slides, and the
//! count is exact however many try at once. One write unit for a try, one more to give it back, two for a refusal that is
//! counted towards a block; one during a block, for whoever does not know of it. Of a rule for many, [`groups`].
//!
//! A count on credit: [`shared`], one write unit for a whole batch of calls.

mod groups;
mod shared;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure::AllOld},
};
use aws_types::SdkConfig;
use domain::throttle::{Block, Count, ROW, Rule};
use jiff::{SignedDuration, Timestamp};

use crate::{
    StoreError,
    item::{Item, n, s},
    keys::hex_digest,
};

/// Long after every window and block; then the item is no more than an empty one.
const KEPT: SignedDuration = SignedDuration::from_hours(3);
/// The row of tries that went on.
const TRIES: &str = "t";
/// The row of all tries, for the block.
const ALL: &str = "a";
const BLOCKED: &str = "blocked_until";

/// The table of counts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// What is counted: who does what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Counted(String);

impl Counted {
    /// `what` one of a few words, `who` anything: only a digest of it is stored.
    #[must_use]
    pub fn new(what: &str, who: &str) -> Self {
        Self(format!("{what}#{}", hex_digest(&[who.as_bytes()])))
    }
}

impl Limits {
    /// Over the client that `config` describes; nothing is sent.
    #[must_use]
    pub fn new(config: &SdkConfig, table: String) -> Self {
        Self { client: Client::new(config), table }
    }

    /// Counts one more, if the rule allows it. Calls at once are counted one after the other.
    pub async fn count(&self, what: &Counted, rule: &Rule, now: Timestamp) -> Result<Count, StoreError> {
        if rule.most > ROW {
            return self.count_in_groups(what, rule, now).await;
        }
        let mut condition = format!("(attribute_not_exists({TRIES}0) OR {TRIES}0 <= :left)");
        let mut shifts = shift(TRIES, rule.most);
        if let Some(block) = rule.block {
            condition.push_str(&format!(" AND (attribute_not_exists({BLOCKED}) OR {BLOCKED} <= :now)"));
            shifts = format!("{shifts}, {}", shift(ALL, block.after));
        }
        let update = self
            .update(what, &shifts, now)
            .condition_expression(condition)
            .expression_attribute_values(":left", moment(before(now, rule.within)))
            .expression_attribute_values(":zero", n(0))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(AllOld);
        match Box::pin(update.send()).await {
            Ok(done) => Ok(within(&done.attributes.unwrap_or_default(), rule, now)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let held = refused.item.clone().unwrap_or_default();
                    self.beyond(what, rule, &held, now).await
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Takes one try back, for it did no harm. The newest one goes, whosever it was: the count is right.
    pub async fn give_back(&self, what: &Counted, rule: &Rule, now: Timestamp) -> Result<(), StoreError> {
        let mut shifts = unshift(TRIES, rule.most);
        if let Some(block) = rule.block {
            shifts = format!("{shifts}, {}", unshift(ALL, block.after));
        }
        let update = self
            .update(what, &shifts, now)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":zero", n(0));
        match Box::pin(update.send()).await {
            Err(error)
                if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn beyond(&self, what: &Counted, rule: &Rule, held: &Item, now: Timestamp) -> Result<Count, StoreError> {
        if let Some(until) = at(held, BLOCKED).filter(|until| *until > now) {
            return Ok(Count::Beyond { until, blocked: true });
        }
        let full_until = at(held, &format!("{TRIES}0")).map_or(now, |oldest| after(oldest, rule.within));
        match rule.block {
            Some(block) => self.refuse(what, block, held, full_until, now).await,
            None => Ok(Count::Beyond { until: full_until, blocked: false }),
        }
    }

    /// Counts a refusal, and blocks whoever has had too many.
    async fn refuse(
        &self,
        what: &Counted,
        block: Block,
        held: &Item,
        full_until: Timestamp,
        now: Timestamp,
    ) -> Result<Count, StoreError> {
        let too_many = at(held, &format!("{ALL}0")).is_some_and(|oldest| oldest > before(now, block.within));
        if too_many {
            let until = after(now, block.lasts);
            let update = self.update(what, &format!("{BLOCKED} = :until"), now);
            Box::pin(update.expression_attribute_values(":until", moment(until)).send()).await?;
            return Ok(Count::Beyond { until: until.max(full_until), blocked: true });
        }
        let update = self.update(what, &shift(ALL, block.after), now).expression_attribute_values(":zero", n(0));
        Box::pin(update.send()).await?;
        Ok(Count::Beyond { until: full_until, blocked: false })
    }

    fn update(&self, what: &Counted, assignments: &str, now: Timestamp) -> UpdateItemFluentBuilder {
        let uses_now = assignments.contains(":now");
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", s(&what.0))
            .update_expression(format!("SET {assignments}, #ttl = :ttl"))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", n(after(now, KEPT).as_second()));
        // A value that no expression uses is refused.
        if uses_now { update.expression_attribute_values(":now", moment(now)) } else { update }
    }
}

/// `r0 = r1, r1 = r2, …, r9 = :now`: every operand is the item's as it was before.
fn shift(row: &str, length: usize) -> String {
    let moved = (1..length).map(|place| format!("{row}{} = {}", place - 1, held(row, place)));
    moved.chain([format!("{row}{} = :now", length - 1)]).collect::<Vec<_>>().join(", ")
}

/// The other way, with nothing at the beginning.
fn unshift(row: &str, length: usize) -> String {
    let moved = (1..length).map(|place| format!("{row}{place} = {}", held(row, place - 1)));
    moved.chain([format!("{row}0 = :zero")]).collect::<Vec<_>>().join(", ")
}

fn held(row: &str, place: usize) -> String {
    format!("if_not_exists({row}{place}, :zero)")
}

fn within(item: &HashMap<String, aws_sdk_dynamodb::types::AttributeValue>, rule: &Rule, now: Timestamp) -> Count {
    let start = before(now, rule.within);
    let mut counted: Vec<Timestamp> =
        (0..rule.most).filter_map(|place| at(item, &format!("{TRIES}{place}"))).filter(|at| *at > start).collect();
    counted.sort_unstable();
    let more_at = counted.first().map_or(now, |oldest| after(*oldest, rule.within));
    Count::Within { left: rule.most.saturating_sub(counted.len()), more_at }
}

fn at(item: &Item, name: &str) -> Option<Timestamp> {
    let milliseconds: i64 = item.get(name)?.as_n().ok()?.parse().ok()?;
    Timestamp::from_millisecond(milliseconds).ok()
}

fn moment(at: Timestamp) -> aws_sdk_dynamodb::types::AttributeValue {
    n(at.as_millisecond())
}

fn before(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

fn after(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
