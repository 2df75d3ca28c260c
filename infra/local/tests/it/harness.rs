//! What proves a state machine: every step delivered twice and out of its turn, a failure at every node, a process that
//! dies before and after every effect and every AWS call. A machine brings a [`Scenario`]; the proofs are in [`prove`].
//!
//! A [`Lab`] is a data folder and the processes that follow each other on it. Each has a tokio runtime of its own, and
//! dies with it: what was under way ends where it is. Time is tokio's paused time, which jumps to the next moment that
//! anybody waits for as soon as nobody has work, so retries and timeouts take no time and nothing depends on how fast
//! the machine is.

mod director;
mod lab;
mod ledger;
mod machine;
pub mod prove;

pub use director::{Deliver, Director, Plan, Trouble};
pub use lab::{Done, Lab, Process};
pub use ledger::Ledger;
pub use machine::{Machine, calls};

use local::stack::LocalStack;

/// Why something does not hold; an empty list of them is a proof.
pub type Holds = Result<(), String>;

/// How far what a scenario asks for has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing of it is stored.
    Absent,
    /// It is on its way.
    Running,
    /// It is there, by this attempt.
    Ready(u32),
    /// This attempt has failed.
    Failed(u32),
}

/// One way through a state machine.
pub trait Scenario {
    /// The machine's file in `statemachines/`, without its ending.
    const MACHINE: &'static str;

    /// Values for the template's parameters, once for each process, in its runtime.
    async fn parameters(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The stack is open, and nothing of it has run yet.
    fn opened(&self, _: &Process) {}

    /// Whether the state's function talks to a socket. Time stands still while it may.
    fn uses_socket(&self, _state: &str) -> bool {
        false
    }

    /// Asks for the work, once.
    async fn start(&self, stack: &LocalStack);

    /// Asks for another attempt of failed work.
    async fn retry(&self, stack: &LocalStack);

    /// How far it is.
    fn stage(&self, ledger: &Ledger) -> Stage;

    /// The failure that the record names: its step and its code.
    fn failure(&self, ledger: &Ledger) -> Option<(String, String)>;

    /// Everything that the attempt should have made is there, exactly once, and nothing else.
    fn expect_ready(&self, ledger: &Ledger, attempt: u32) -> Holds;

    /// Nothing that the attempt made is left.
    fn clean_slate(&self, ledger: &Ledger, attempt: u32) -> Holds;
}

/// `Ok` where it holds, else what was expected.
pub fn holds(it: bool, otherwise: impl FnOnce() -> String) -> Holds {
    if it { Ok(()) } else { Err(otherwise()) }
}
