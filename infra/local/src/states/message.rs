//! What goes into the engine, and what comes out of it.

use jiff::Timestamp;
use serde_json::Value;

use super::execution::TaskId;
use super::failure::Failure;

/// What happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// The execution begins.
    Start,
    /// The function of a task came back.
    Returned {
        /// Which call.
        task: TaskId,
        /// What it returned, or the error that it reported.
        result: Result<Value, Failure>,
    },
    /// Somebody answered with a task token.
    Answered {
        /// Which call.
        task: TaskId,
        /// `SendTaskSuccess` or `SendTaskFailure`.
        result: Result<Value, Failure>,
    },
    /// `SendTaskHeartbeat`.
    Heartbeat {
        /// Which call.
        task: TaskId,
    },
    /// Time has passed.
    Tick,
    /// `StopExecution`.
    Stop(Failure),
    /// The process came back: whatever was under way is asked for again.
    Resume,
}

/// What is to be done, once the transition is written down.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Call a function and report with [`Input::Returned`].
    Invoke(Invoke),
    /// Send [`Input::Tick`] then. Replaces the wake before it.
    WakeAt(Timestamp),
    /// Nothing more will come.
    Finished,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Invoke {
    /// To report with.
    pub task: TaskId,
    /// The state that calls.
    pub state: String,
    /// Name or ARN.
    pub function: String,
    /// What the function gets.
    pub payload: Value,
    /// In case the answer comes by token.
    pub token: Option<String>,
    /// After this the answer no longer counts.
    pub deadline: Option<Timestamp>,
}
