//! Counting tries before the work, and telling the caller how it stands (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! Where the counts cannot be had, nothing is tried: 503.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::throttle::{ClientNetwork, Count, Rule};
use http::{HeaderName, HeaderValue, header::RETRY_AFTER};
use jiff::Timestamp;
use store::{Counted, Limits};

use super::{
    problem::{Problem, kinds},
    reply::Reply,
    route::Cx,
};
use crate::{Env, StartError};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Blocks that an execution environment remembers; all are forgotten when it is full, and learnt again.
const REMEMBERED: usize = 4_096;

/// Counts tries. Remembers who is blocked, so that going on regardless costs us no write.
pub struct Throttle {
    limits: Limits,
    blocked: Mutex<HashMap<Counted, Timestamp>>,
}

/// A try that was counted and may go on.
#[must_use = "the answer says how the caller stands"]
pub struct Pass {
    rule: &'static Rule,
    counted: Counted,
    left: usize,
    more_at: Timestamp,
    now: Timestamp,
}

impl Throttle {
    /// On the table that `LIMITS_TABLE` names.
    ///
    /// # Errors
    /// [`StartError::Missing`].
    pub fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { limits: env.limits()?, blocked: Mutex::default() })
    }

    /// Counts a try of `who` under the rule: one write, and none for whoever is known to be blocked.
    ///
    /// # Errors
    /// 429 where that is one too many, 503 where it cannot be counted.
    pub async fn count(&self, rule: &'static Rule, who: &str, now: Timestamp) -> Result<Pass, Problem> {
        let counted = Counted::new(rule.name, who);
        if let Some(until) = self.blocked(&counted, now) {
            return Err(refused(rule, until, now));
        }
        match self.limits.count(&counted, rule, now).await {
            Ok(Count::Within { left, more_at }) => Ok(Pass { rule, counted, left, more_at, now }),
            Ok(Count::Beyond { until, blocked }) => {
                if blocked {
                    self.remember(counted, until);
                }
                Err(refused(rule, until, now))
            }
            Err(error) => Err(Problem::unavailable(error)),
        }
    }

    /// As [`Throttle::count`], for the network that the call comes from.
    ///
    /// # Errors
    /// As [`Throttle::count`].
    pub async fn count_client(&self, rule: &'static Rule, cx: &Cx) -> Result<Pass, Problem> {
        self.count(rule, &ClientNetwork::of(&cx.source_ip).to_string(), cx.now).await
    }

    /// As [`Throttle::count`], of something that the caller must not learn of: whether it may go on.
    ///
    /// # Errors
    /// 503 where it cannot be counted.
    pub async fn allows(&self, rule: &'static Rule, who: &str, now: Timestamp) -> Result<bool, Problem> {
        let count = self.limits.count(&Counted::new(rule.name, who), rule, now).await;
        count.map(|count| matches!(count, Count::Within { .. })).map_err(Problem::unavailable)
    }

    /// Takes the try back, for it was no failure: one write. Where that does not succeed, the caller has one try less.
    pub async fn give_back(&self, pass: &mut Pass) {
        match self.limits.give_back(&pass.counted, pass.rule, pass.now).await {
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
    pub fn stamp<A>(&self, outcome: Result<Reply<A>, Problem>) -> Result<Reply<A>, Problem> {
        let standing = standing(self.rule, self.left, self.more_at, self.now);
        match outcome {
            Ok(mut reply) => {
                reply.headers.extend(standing);
                Ok(reply)
            }
            Err(problem) => Err(with(problem, standing)),
        }
    }
}

fn refused(rule: &Rule, until: Timestamp, now: Timestamp) -> Problem {
    let problem = with(Problem::new(&kinds::TOO_MANY_TRIES), standing(rule, 0, until, now));
    problem.header(RETRY_AFTER, HeaderValue::from(seconds(until, now)))
}

fn with(problem: Problem, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Problem {
    headers.into_iter().fold(problem, |problem, (name, value)| problem.header(name, value))
}

fn standing(rule: &Rule, left: usize, more_at: Timestamp, now: Timestamp) -> Vec<(HeaderName, HeaderValue)> {
    let (name, most, window) = (rule.name, rule.most, rule.within.as_secs());
    let policy = format!("\"{name}\";q={most};w={window}");
    let limit = format!("\"{name}\";r={left};t={}", seconds(more_at, now));
    let headers = [(POLICY, policy), (LIMIT, limit)];
    headers.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::from_str(&text).ok()?))).collect()
}

/// Whole seconds, rounded up, so that whoever waits as long is not refused again.
fn seconds(until: Timestamp, now: Timestamp) -> u64 {
    let milliseconds = until.as_millisecond().saturating_sub(now.as_millisecond());
    u64::try_from(milliseconds).unwrap_or_default().div_ceil(1_000)
}
