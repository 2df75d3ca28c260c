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
mod update;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_types::SdkConfig;
use domain::throttle::{Block, Count, ROW, Rule};
use jiff::{SignedDuration, Timestamp};

use self::update::Update;
pub(crate) use self::update::Updated;
use crate::{
    StoreError,
    direct::Direct,
    item::{Item, n},
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
    /// For the counts; the SDK makes them where there is none, and wherever it fails.
    direct: Option<Direct>,
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
        Self { client: Client::new(config), direct: None, table }
    }

    /// As [`Store::directly_over`](crate::Store::directly_over).
    #[must_use]
    pub fn directly_over(self, http: Option<SharedHttpConnector>, config: &SdkConfig) -> Self {
        Self { direct: http.and_then(|http| Direct::new(config, http)), ..self }
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
        let update =
            update(&shifts, now).when(condition).value(":left", moment(before(now, rule.within))).value(":zero", n(0));
        match self.send(what, update).await? {
            Updated::Done(item) => Ok(within(&item, rule, now)),
            Updated::Refused(held) => self.beyond(what, rule, &held, now).await,
        }
    }

    /// Takes one try back, for it did no harm. The newest one goes, whosever it was: the count is right.
    pub async fn give_back(&self, what: &Counted, rule: &Rule, now: Timestamp) -> Result<(), StoreError> {
        let mut shifts = unshift(TRIES, rule.most);
        if let Some(block) = rule.block {
            shifts = format!("{shifts}, {}", unshift(ALL, block.after));
        }
        let update = update(&shifts, now).when("attribute_exists(pk)".to_owned()).value(":zero", n(0));
        self.send(what, update).await.map(drop)
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
            let block = update(&format!("{BLOCKED} = :until"), now).value(":until", moment(until));
            self.send(what, block).await?;
            return Ok(Count::Beyond { until: until.max(full_until), blocked: true });
        }
        self.send(what, update(&shift(ALL, block.after), now).value(":zero", n(0))).await?;
        Ok(Count::Beyond { until: full_until, blocked: false })
    }
}

fn update(assignments: &str, now: Timestamp) -> Update {
    let update = Update::new(format!("SET {assignments}, #ttl = :ttl"))
        .name("#ttl", "ttl")
        .value(":ttl", n(after(now, KEPT).as_second()));
    // A value that no expression uses is refused.
    if assignments.contains(":now") { update.value(":now", moment(now)) } else { update }
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

fn within(item: &Item, rule: &Rule, now: Timestamp) -> Count {
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

fn moment(at: Timestamp) -> AttributeValue {
    n(at.as_millisecond())
}

fn before(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

fn after(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
