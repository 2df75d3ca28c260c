//! Counting calls on credit (`domain::window`): in memory, and one write for a batch of them.
//!
//! Where the table does not answer, nobody is refused for it: the environment goes on with what it knows and counts by itself,
//! says so in the log, by which an alarm is raised, and asks again half a minute later.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::window::{Asked, Settlement, Standing, Tally, Window};
use futures::lock::Mutex as TaskMutex;
use jiff::Timestamp;
use store::{Counted, Limits};

use super::{
    problem::{Problem, kinds},
    standing::refused,
};
use crate::{Env, StartError};

/// Callers that an environment remembers, about 8 MB of them. When there are more, those that have left their windows are
/// forgotten, and if that does not help, all: who calls from as many networks is not held up by a limit for each.
const REMEMBERED: usize = 65_536;
/// A write takes milliseconds. The caller waits no longer for one that is not needed to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Seconds for which a table that did not answer is left alone.
const LEFT_ALONE: i64 = 30;

type Key = (&'static str, String);

/// Counts calls. One for each function; its environments share the counts.
pub(super) struct Meter {
    limits: Limits,
    tallies: Mutex<HashMap<Key, Arc<TaskMutex<Kept>>>>,
    /// Seconds since the epoch.
    left_alone_until: AtomicI64,
}

/// Held while a call is counted, so that one settlement follows the other.
struct Kept {
    window: Window,
    tally: Tally,
}

impl Meter {
    /// On the table that `LIMITS_TABLE` names.
    ///
    /// # Errors
    /// [`StartError::Missing`].
    pub(super) fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { limits: env.limits()?, tallies: Mutex::default(), left_alone_until: AtomicI64::new(i64::MIN) })
    }

    /// Counts a call of `who`: nothing is written, but for one call in each [`Window::batch`].
    ///
    /// # Errors
    /// How the caller stands, where that is one too many.
    pub(super) async fn count(&self, window: &Window, who: &str, now: Timestamp) -> Result<Standing, Standing> {
        let kept = self.kept(window, who, now);
        let mut kept = kept.lock().await;
        kept.window = *window;
        let mut asked = self.ask(&mut kept.tally, window, now);
        if let Asked::Settle(made) = asked {
            self.settle(&mut kept.tally, window, who, &made, now).await;
            asked = kept.tally.ask_nobody(window, now);
        }
        match asked {
            Asked::Pass(standing) => Ok(standing),
            Asked::Refuse(standing) => Err(standing),
            // Nobody was asked, so nobody says so.
            Asked::Settle(_) => Err(kept.tally.standing(window, now)),
        }
    }

    /// Takes a call back that went on.
    pub(super) async fn take_back(&self, window: &Window, who: &str, now: Timestamp) {
        self.kept(window, who, now).lock().await.tally.take_back();
    }

    /// How the caller stands, if another call would be one too many. Nothing is counted.
    pub(super) async fn full(&self, window: &Window, who: &str, now: Timestamp) -> Option<Standing> {
        let standing = self.kept(window, who, now).lock().await.tally.standing(window, now);
        (standing.left == 0).then_some(standing)
    }

    fn ask(&self, tally: &mut Tally, window: &Window, now: Timestamp) -> Asked {
        if now.as_second() < self.left_alone_until.load(Ordering::Relaxed) {
            return tally.ask_nobody(window, now);
        }
        tally.ask(window, now)
    }

    async fn settle(&self, tally: &mut Tally, window: &Window, who: &str, made: &Settlement, now: Timestamp) {
        let counted = Counted::new(window.name, who);
        let settled = tokio::time::timeout(PATIENCE, self.limits.settle(&counted, window, made, now)).await;
        let failure: Box<dyn std::error::Error> = match settled {
            Ok(Ok(held)) => return tally.settled(made, held),
            Ok(Err(error)) => error.into(),
            Err(late) => late.into(),
        };
        self.left_alone_until.store(now.as_second() + LEFT_ALONE, Ordering::Relaxed);
        let error = &*failure;
        tracing::error!(alarm = "limits", limit = window.name, error, "calls are counted by each environment alone");
    }

    fn kept(&self, window: &Window, who: &str, now: Timestamp) -> Arc<TaskMutex<Kept>> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (window.name, who.to_owned());
        if let Some(kept) = tallies.get(&key) {
            return kept.clone();
        }
        if tallies.len() >= REMEMBERED {
            forget(&mut tallies, now);
        }
        let kept = Arc::new(TaskMutex::new(Kept { window: *window, tally: Tally::default() }));
        tallies.insert(key, kept.clone());
        kept
    }
}

/// Counts callers whom only the handler knows, by the limit that the door has for callers.
pub struct Callers(Option<(Meter, Window)>);

impl Callers {
    /// On the table that `LIMITS_TABLE` names, with the numbers in `RATE_LIMITS`.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn from_env(env: &Env) -> Result<Self, StartError> {
        let rates = env.rates()?;
        Ok(Self(rates.map(|rates| Ok::<_, StartError>((Meter::from_env(env)?, rates.caller))).transpose()?))
    }

    /// Counts a call.
    ///
    /// # Errors
    /// 429 where that is one too many.
    pub async fn count(&self, who: &str, now: Timestamp) -> Result<(), Problem> {
        let Some((meter, window)) = &self.0 else { return Ok(()) };
        let counted = meter.count(window, who, now).await.map(drop);
        counted.map_err(|standing| refused(&kinds::TOO_MANY_REQUESTS, &standing, standing.more_at, now))
    }
}

/// Whoever counts at this moment is not over.
fn forget(tallies: &mut HashMap<Key, Arc<TaskMutex<Kept>>>, now: Timestamp) {
    tallies.retain(|_, kept| {
        kept.try_lock().is_none_or(|mut kept| {
            let window = kept.window;
            !kept.tally.is_over(&window, now)
        })
    });
    if tallies.len() > REMEMBERED / 2 {
        tallies.clear();
    }
}
