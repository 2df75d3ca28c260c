//! The stack's time: real, scaled or frozen, and the only way in which anything of the stack waits.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Clock, SystemClock};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

/// A clock that one can wait for. Step Functions, schedules and injected delays wait by it.
pub trait Timer: Send + Sync + 'static {
    /// The stack's time now.
    fn now(&self) -> Timestamp;

    /// Resolves when the stack's time has reached `at`; at once when it has passed.
    fn wait_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;
}

/// The stack's clock. Clones share one time, which never runs backwards.
#[derive(Debug, Clone)]
pub struct StackClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told whenever time jumps or changes its pace, so that everyone who waits looks again.
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    /// Who waits for what; the number keeps two who wait for the same moment apart.
    waiting: BTreeSet<(Timestamp, u64)>,
    next: u64,
}

/// Real time follows the wall clock, which goes on while a laptop sleeps; scaled time follows the monotonic one.
#[derive(Debug, Clone, Copy)]
enum Pace {
    Real,
    Scaled { from: Timestamp, since: Instant, factor: u32 },
    Frozen(Timestamp),
}

impl StackClock {
    /// The wall clock.
    pub fn real() -> Self {
        Self::at(Pace::Real)
    }

    /// Starts at `from` and runs `factor` times as fast as real time.
    pub fn scaled(from: Timestamp, factor: u32) -> Self {
        Self::at(Pace::Scaled { from, since: Instant::now(), factor })
    }

    /// Stands at `at` until it is advanced.
    pub fn frozen(at: Timestamp) -> Self {
        Self::at(Pace::Frozen(at))
    }

    fn at(pace: Pace) -> Self {
        let state = State { pace, waiting: BTreeSet::new(), next: 0 };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: watch::Sender::new(()) }))
    }

    /// The stack's time.
    pub fn now(&self) -> Timestamp {
        self.0.state().pace.now()
    }

    /// Stops time where it is.
    pub fn freeze(&self) {
        self.0.change(Pace::Frozen);
    }

    /// Lets time run from where it is, `factor` times as fast as real time.
    pub fn run(&self, factor: u32) {
        self.0.change(|from| Pace::Scaled { from, since: Instant::now(), factor });
    }

    /// Jumps forward; the pace stays (real time goes on at its pace, ahead of the wall clock).
    pub fn advance(&self, by: SignedDuration) {
        let ahead = |now: Timestamp| now.saturating_add(by.max(SignedDuration::ZERO)).unwrap_or(Timestamp::MAX);
        let pace = self.0.state().pace;
        self.0.change(|now| match pace {
            Pace::Frozen(_) => Pace::Frozen(ahead(now)),
            Pace::Real => Pace::Scaled { from: ahead(now), since: Instant::now(), factor: 1 },
            Pace::Scaled { factor, .. } => Pace::Scaled { from: ahead(now), since: Instant::now(), factor },
        });
    }

    /// The earliest moment that somebody waits for: where a test advances frozen time to.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.0.state().waiting.first().map(|(at, _)| *at)
    }

    /// Resolves when the stack's time has reached `at`.
    pub fn wait_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let waiter = Waiter::new(self.0.clone(), at);
        Box::pin(async move { waiter.wait().await })
    }
}

impl Timer for StackClock {
    fn now(&self) -> Timestamp {
        self.now()
    }

    fn wait_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        self.wait_until(at)
    }
}

impl Clock for StackClock {
    fn now(&self) -> Timestamp {
        self.now()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, to: impl FnOnce(Timestamp) -> Pace) {
        let mut state = self.state();
        state.pace = to(state.pace.now());
        drop(state);
        self.changed.send_replace(());
    }
}

impl Pace {
    fn now(self) -> Timestamp {
        match self {
            Self::Real => SystemClock.now(),
            Self::Frozen(at) => at,
            Self::Scaled { from, since, factor } => {
                let run =
                    SignedDuration::try_from(since.elapsed().saturating_mul(factor)).unwrap_or(SignedDuration::MAX);
                from.saturating_add(run).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// How long to sleep until `at`; `None` when no sleep reaches it.
    fn real_time_until(self, at: Timestamp) -> Option<Duration> {
        let left = Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO);
        match self {
            Self::Real => Some(left),
            Self::Scaled { factor, .. } => left.checked_div(factor),
            Self::Frozen(_) => None,
        }
    }
}

/// One who waits; registered for as long as it lives.
struct Waiter {
    shared: Arc<Shared>,
    key: (Timestamp, u64),
    changed: watch::Receiver<()>,
}

impl Waiter {
    fn new(shared: Arc<Shared>, at: Timestamp) -> Self {
        let changed = shared.changed.subscribe();
        let mut state = shared.state();
        let key = (at, state.next);
        state.next += 1;
        if state.pace.now() < at {
            state.waiting.insert(key);
        }
        drop(state);
        Self { shared, key, changed }
    }

    async fn wait(mut self) {
        loop {
            self.changed.mark_unchanged();
            let pace = self.shared.state().pace;
            if pace.now() >= self.key.0 {
                return;
            }
            // One that cannot be reached in 1e8 seconds waits for a change; tokio's timers end before that.
            let sleep = pace.real_time_until(self.key.0).filter(|left| left.as_secs() < 100_000_000);
            let reached = async {
                match sleep {
                    // Never nothing: what is left is rounded down, and the loop must not spin.
                    Some(left) => tokio::time::sleep_until(Instant::now() + left.max(Duration::from_micros(1))).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = reached => {}
                changed = self.changed.changed() => if changed.is_err() { return },
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.shared.state().waiting.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn seconds(n: i64) -> SignedDuration {
        SignedDuration::from_secs(n)
    }

    #[tokio::test]
    async fn frozen_time_moves_only_when_it_is_advanced() {
        let clock = StackClock::frozen(START);
        let mut first = clock.wait_until(START + seconds(10));
        let mut second = clock.wait_until(START + seconds(20));
        assert_eq!(clock.next_wake(), Some(START + seconds(10)));
        assert!((&mut first).now_or_never().is_none());
        clock.advance(seconds(10));
        first.await;
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(clock.next_wake(), Some(START + seconds(20)));
        drop(second);
        assert_eq!(clock.next_wake(), None);
        assert_eq!(clock.now(), START + seconds(10));
    }

    #[tokio::test]
    async fn one_who_sleeps_is_woken_by_a_jump() {
        let clock = StackClock::frozen(START);
        let waiter = tokio::spawn(clock.wait_until(START + seconds(5)));
        tokio::task::yield_now().await;
        clock.advance(seconds(5));
        waiter.await.unwrap();
    }

    #[tokio::test]
    async fn scaled_time_runs_faster() {
        let clock = StackClock::scaled(START, 1_000_000);
        let began = Instant::now();
        clock.wait_until(START + seconds(3_600)).await;
        assert!(clock.now() >= START + seconds(3_600));
        assert!(began.elapsed() < Duration::from_secs(60));
        clock.freeze();
        assert_eq!(clock.now(), clock.now());
    }

    #[tokio::test]
    async fn the_past_is_not_waited_for() {
        let clock = StackClock::real();
        assert!(clock.wait_until(clock.now() - seconds(1)).now_or_never().is_some());
        clock.advance(seconds(3_600));
        assert!(clock.now() > SystemClock.now() + seconds(3_500));
    }

    #[test]
    fn time_never_runs_backwards() {
        let clock = StackClock::frozen(START);
        clock.advance(seconds(-5));
        assert_eq!(clock.now(), START);
    }
}
