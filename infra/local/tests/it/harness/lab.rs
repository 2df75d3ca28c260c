//! A data folder, and the processes that follow each other on it.

use std::{cell::Cell, path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use local::{
    clock::StackClock,
    stack::{LocalStack, Options},
};
use tempfile::TempDir;
use testkit::{MockClock, SeededEntropy};
use tokio::sync::{Notify, watch};

use super::{Director, Ledger, Machine, Plan, Scenario, Stage};

/// How long nothing may run before what is not at rest is stuck: schedules have had their turn by then.
const PATIENCE: SignedDuration = SignedDuration::from_mins(6);
/// How often one who waits looks again. By the stack's time, which jumps.
const LOOK: SignedDuration = SignedDuration::from_secs(10);

/// A scenario, and what its processes leave to each other.
pub struct Lab<S> {
    /// The way through the machine.
    pub scenario: S,
    data: Option<TempDir>,
    now: Cell<Timestamp>,
    seed: Cell<u64>,
}

/// A stack that runs, until the closure that it was given to returns.
pub struct Process {
    /// The stack.
    pub stack: Arc<LocalStack>,
    /// Its observer.
    pub director: Arc<Director>,
    died: Arc<Notify>,
}

/// How the work in a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It came to rest.
    Settled,
    /// The process died first.
    Died,
}

impl<S: Scenario> Lab<S> {
    /// For one process: nothing is kept.
    pub fn memory(scenario: S) -> Self {
        let now = domain::Clock::now(&MockClock::new());
        Self { scenario, data: None, now: Cell::new(now), seed: Cell::new(1) }
    }

    /// For processes that find what those before them left.
    pub fn disk(scenario: S) -> Self {
        Self { data: Some(tempfile::tempdir().unwrap()), ..Self::memory(scenario) }
    }

    /// Opens the stack, uses it, and kills it.
    pub fn process<T>(&self, plan: Plan, work: impl AsyncFnOnce(&Process) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let process = self.open(plan).await;
            let done = work(&process).await;
            self.now.set(process.stack.clock.now());
            done
        })
    }

    async fn open(&self, plan: Plan) -> Process {
        let machine = Machine::read(S::MACHINE);
        let all = machine.forward().into_iter().chain(machine.others());
        let sockets: Vec<String> = all.filter(|state| self.scenario.uses_socket(state)).collect();
        let director = Arc::new(Director::new(plan, machine, sockets));
        // The count at the door is no part of the machine.
        let mut options = Options::memory("http://127.0.0.1:8080").unlimited();
        let parameters = self.scenario.parameters().await;
        options.parameters.extend(parameters.into_iter().map(|(name, value)| (name.to_owned(), value)));
        options.data = self.data.as_ref().map(|folder| Path::join(folder.path(), "data"));
        options.clock = StackClock::scaled(self.now.get(), 1);
        options.entropy = Arc::new(SeededEntropy::new(self.seed.replace(self.seed.get() + 1) << 32));
        options.observer = Some(director.clone());
        let stack = Arc::new(LocalStack::open(options).await.unwrap());
        director.attach(&stack);
        let died = Arc::new(Notify::new());
        let hook = died.clone();
        stack.gateway.faults().on_crash(move || hook.notify_one());
        tokio::spawn(hold_still(director.busy(), stack.clock.clone()));
        let process = Process { stack, director, died };
        self.scenario.opened(&process);
        process
    }
}

impl Process {
    /// Asks for the work and waits until it is at rest.
    pub async fn run<S: Scenario>(&self, scenario: &S) -> Done {
        self.until(async {
            scenario.start(&self.stack).await;
            self.rest(scenario).await;
        })
        .await
    }

    /// Asks for another attempt, likewise.
    pub async fn retry<S: Scenario>(&self, scenario: &S) -> Done {
        self.until(async {
            scenario.retry(&self.stack).await;
            self.rest(scenario).await;
        })
        .await
    }

    /// Goes on with what an earlier process left. What it did not even store is asked for again.
    pub async fn resume<S: Scenario>(&self, scenario: &S) -> Done {
        if scenario.stage(&Ledger::of(&self.stack).await) == Stage::Absent {
            return self.run(scenario).await;
        }
        self.until(self.rest(scenario)).await
    }

    async fn until(&self, work: impl Future<Output = ()>) -> Done {
        tokio::select! {
            () = self.died.notified() => Done::Died,
            () = self.stack.states.halted() => Done::Died,
            () = work => Done::Settled,
        }
    }

    /// Waits until the work is ready or has failed, and no execution runs; or until it is stuck.
    async fn rest<S: Scenario>(&self, scenario: &S) {
        let clock = &self.stack.clock;
        let mut ran = clock.now();
        loop {
            let ledger = Ledger::of(&self.stack).await;
            if ledger.executions.iter().any(|run| run.status == "RUNNING") {
                ran = clock.now();
            } else if !matches!(scenario.stage(&ledger), Stage::Running | Stage::Absent) || clock.now() > ran + PATIENCE
            {
                return;
            }
            clock.wait_until(clock.now() + LOOK).await;
        }
    }

    /// The AWS calls of the functions so far.
    pub fn calls(&self) -> u64 {
        self.stack.gateway.counters().snapshot().total(None, None, None).calls
    }
}

/// Paused time jumps when nobody has work, and bytes on their way through a loopback socket are nobody's work. While a
/// function may wait for some, this has work, so that they arrive; now and then it lets a moment pass, for a function
/// that waits for one.
async fn hold_still(mut busy: watch::Receiver<bool>, clock: StackClock) {
    while busy.wait_for(|busy| *busy).await.is_ok() {
        for _ in 0..1_000 {
            if !*busy.borrow() {
                break;
            }
            tokio::task::yield_now().await;
        }
        if *busy.borrow() {
            clock.wait_until(clock.now() + SignedDuration::from_millis(50)).await;
        }
    }
}
