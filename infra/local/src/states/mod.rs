//! Step Functions for one machine: runs `statemachines/*.asl.json` against the stack's functions.
//!
//! Three layers, each ignorant of the next. `definition` reads an ASL file and refuses what is not supported, with its line.
//! `engine` is a pure interpreter: (execution, input, time) to (execution, commands). `driver` writes every transition
//! down and only then acts on it, so that a kill at any point resumes; `service` is the API before it.

mod children;
mod choice;
mod context;
mod definition;
mod driver;
mod endpoint;
mod engine;
mod execution;
mod failure;
mod flow;
mod history;
mod intrinsic;
mod message;
mod observer;
mod parse;
mod parse_task;
mod path;
mod recovery;
mod registry;
mod service;
mod source;
mod task;
mod template;
mod timers;
mod token;

pub use definition::Definition;
pub use driver::{StepFunctions, Wiring};
pub use engine::advance;
pub use execution::{Execution, Status, TaskId};
pub use failure::Failure;
pub use history::Event;
pub use message::{Command, Input, Invoke};
pub use observer::{Effect, Moment, Observer, Verdict};
pub use source::DefinitionError;

#[cfg(test)]
mod tests;
