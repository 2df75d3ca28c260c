//! Where tests watch executions, and kill them.

use futures::future::BoxFuture;

use super::execution::TaskId;

/// Sees every effect of every execution.
pub trait Observer: Send + Sync + 'static {
    /// Called before a function is called, and again after it came back and before that is recorded.
    fn observe<'a>(&'a self, effect: Effect<'a>) -> BoxFuture<'a, Verdict>;
}

/// A call of a function, about to happen or to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct Effect<'a> {
    /// The execution's ARN.
    pub execution: &'a str,
    /// The state that calls.
    pub state: &'a str,
    /// The call; a retry is another one, a call repeated after a restart is the same.
    pub task: TaskId,
    /// Before the call or after it.
    pub moment: Moment,
}

/// When an observer is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The task is recorded; the function is not called yet.
    BeforeDispatch,
    /// The function came back; nothing of that is recorded yet.
    BeforeRecord,
}

/// What an observer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Proceed,
    /// Stop the whole service here, as a killed process stops: see [`StepFunctions::halt`](super::StepFunctions::halt).
    Crash,
}
