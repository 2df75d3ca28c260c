//! Counting tries before the work, exactly.
//!
//! Where the counts cannot be had, nothing is tried: 503.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{
    Rates,
    throttle::{ClientNetwork, Count, Rule},
    window::Standing,
};
use jiff::Timestamp;
use store::{Counted, Limits};

use super::{
    problem::{Problem, kinds},
    reply::Reply,
    route::Cx,
    standing,
};
use crate::{Env, StartError};

/// Blocks that an execution environment remembers; all are forgotten when it is full, and learnt again.
const REMEMBERED: usize = 4_096;

/// Counts tries. Remembers who is blocked, so that going on regardless costs us no write.
pub struct Throttle {
    limits: Limits,
    /// None where the stage has no limits.
    rates: Option<Rates>,
    blocked: Mutex<HashMap<Counted, Timestamp>>,
}

/// A try that was counted and may go on.
#[must_use = "the answer says how the caller stands"]
pub struct Pass {
    rule: Rule,
    /// None where nothing is counted.
    counted: Option<Counted>,
    left: usize,
    more_at: Timestamp,
    now: Timestamp,
}

impl Throttle {
    /// On the table that `LIMITS_TABLE` names, with the numbers in `RATE_LIMITS`.
    ///
    /// # Errors
    /// [`StartError::Missing`] or [`StartError::Invalid`].
    pub fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { limits: env.limits()?, rates: env.rates()?, blocked: Mutex::default() })
    }

    /// Counts a try of `who` under the rule: one write, and none for whoever is known to be blocked.
    ///
    /// # Errors
    /// 429 where that is one too many, 503 where it cannot be counted.
    pub async fn count(&self, rule: &Rule, who: &str, now: Timestamp) -> Result<Pass, Problem> {
        let Some(rates) = &self.rates else {
            return Ok(Pass { rule: *rule, counted: None, left: rule.most, more_at: now, now });
        };
        let (rule, counted) = (rates.of(rule), Counted::new(rule.name, who));
        if let Some(until) = self.blocked(&counted, now) {
            return Err(refused(&rule, until, now));
        }
        match self.limits.count(&counted, &rule, now).await {
            Ok(Count::Within { left, more_at }) => Ok(Pass { rule, counted: Some(counted), left, more_at, now }),
            Ok(Count::Beyond { until, blocked }) => {
                if blocked {
                    self.remember(counted, until);
                }
                Err(refused(&rule, until, now))
            }
            Err(error) => Err(Problem::unavailable(error)),
        }
    }

    /// As [`Throttle::count`], for the network that the call comes from.
    ///
    /// # Errors
    /// As [`Throttle::count`].
    pub async fn count_client(&self, rule: &Rule, cx: &Cx) -> Result<Pass, Problem> {
        self.count(rule, &ClientNetwork::of(&cx.source_ip).to_string(), cx.now).await
    }

    /// As [`Throttle::count`], of something that the caller must not learn of: whether it may go on.
    ///
    /// # Errors
    /// 503 where it cannot be counted.
    pub async fn allows(&self, rule: &Rule, who: &str, now: Timestamp) -> Result<bool, Problem> {
        let Some(rates) = &self.rates else { return Ok(true) };
        let count = self.limits.count(&Counted::new(rule.name, who), &rates.of(rule), now).await;
        count.map(|count| matches!(count, Count::Within { .. })).map_err(Problem::unavailable)
    }

    /// Takes the try back, for it was no failure: one write. Where that does not succeed, the caller has one try less.
    pub async fn give_back(&self, pass: &mut Pass) {
        let Some(counted) = &pass.counted else { return };
        match self.limits.give_back(counted, &pass.rule, pass.now).await {
            Ok(()) => pass.left = (pass.left + 1).min(pass.rule.most),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(rule = pass.rule.name, error, "a success stays counted as a failure");
            }
        }
    }
}

impl Throttle {
    fn blocked(&self, counted: &Counted, now: Timestamp) -> Option<Timestamp> {
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        blocked.get(counted).copied().filter(|until| *until > now)
    }

    fn remember(&self, counted: Counted, until: Timestamp) {
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        if blocked.len() >= REMEMBERED {
            blocked.clear();
        }
        blocked.insert(counted, until);
    }
}

impl Pass {
    /// The outcome, with how the caller stands.
    ///
    /// # Errors
    /// The outcome's own.
    pub fn stamp<A>(&self, mut outcome: Result<Reply<A>, Problem>) -> Result<Reply<A>, Problem> {
        if self.counted.is_some() {
            let headers = match &mut outcome {
                Ok(reply) => &mut reply.headers,
                Err(problem) => &mut problem.headers,
            };
            standing::tell(headers, &self.standing(), self.now);
        }
        outcome
    }

    pub(super) fn standing(&self) -> Standing {
        how(&self.rule, self.left, self.more_at)
    }
}

fn refused(rule: &Rule, until: Timestamp, now: Timestamp) -> Problem {
    standing::refused(&kinds::TOO_MANY_TRIES, &how(rule, 0, until), until, now)
}

fn how(rule: &Rule, left: usize, more_at: Timestamp) -> Standing {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Standing { name: rule.name, most: number(rule.most), within: rule.within, left: number(left), more_at }
}
