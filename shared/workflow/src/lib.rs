//! Step Functions: starting an execution, answering a task token, and the envelope that every step speaks.
//!
//! A step says how it failed in its type, where the failure is known: [`StepError::Retry`] is tried again by the state
//! machine with backoff, [`StepError::Fail`] goes to the undo states. The two error names are all that a `Retry` or
//! `Catch` block in `statemachines/` ever matches on.

mod census;
mod executions;
mod step;

pub use census::{Census, Counts};
pub use executions::{Executions, Started, WorkflowError};
pub use step::{Caught, FAIL, Mode, RETRY, StepError, StepInput};
