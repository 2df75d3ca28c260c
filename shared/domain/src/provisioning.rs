//! How far a tenant is on its way from a request to a running tenant.
//!
//! A [`Provisioning`] is one record with a state, moved by functions that consume it and refuse what the state does not
//! allow. The store writes each move under a condition on `status` and `attempt`, so that two who move the same record
//! cannot both succeed.

mod bounded;
mod event;
mod failure;
mod illegal;
mod lifecycle;
mod moves;
mod phase;
mod status;
mod step;
mod stored;

pub use event::{Event, EventType};
pub use failure::Failure;
pub use illegal::{IllegalMove, Move};
pub use phase::Phase;
pub use status::{StepStatus, TenantStatus};
pub use step::Step;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::CorrelationId;

/// The record. It is at most 3 000 bytes of JSON, so that a tenant with it, eventually consistent, is read for half a read
/// unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "stored::Stored", into = "stored::Stored")]
pub struct Provisioning {
    status: TenantStatus,
    phase: Phase,
    current_step: Option<Step>,
    attempt: u32,
    correlation_id: CorrelationId,
    steps: Vec<StepRecord>,
    error: Option<Failure>,
    events: Vec<Event>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// What became of one step in the present attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    /// Which step.
    pub step: Step,
    /// How it stands.
    pub status: StepStatus,
    /// When it was begun for the first time.
    pub started_at: Option<Timestamp>,
    /// When it succeeded, failed or was undone.
    pub finished_at: Option<Timestamp>,
    /// How often it was begun.
    pub tries: u32,
}

impl StepRecord {
    /// A step that was not begun.
    const fn pending(step: Step) -> Self {
        Self { step, status: StepStatus::Pending, started_at: None, finished_at: None, tries: 0 }
    }
}

impl Provisioning {
    /// How the tenant stands.
    pub const fn status(&self) -> TenantStatus {
        self.status
    }

    /// How the tenant stands, in detail. After a failure, how far it had come.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The step that runs, ran last, or failed.
    pub const fn current_step(&self) -> Option<Step> {
        self.current_step
    }

    /// Which attempt this is, counted from 1.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The request that caused this attempt.
    pub const fn correlation_id(&self) -> &CorrelationId {
        &self.correlation_id
    }

    /// All steps, in order.
    pub fn steps(&self) -> &[StepRecord] {
        &self.steps
    }

    /// Why the last attempt failed, if it did.
    pub const fn error(&self) -> Option<&Failure> {
        self.error.as_ref()
    }

    /// What happened last, the oldest first; of all attempts.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// When the tenant was requested.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When this last changed.
    pub const fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// How a step stands in the present attempt.
    pub fn step_status(&self, step: Step) -> StepStatus {
        self.steps[step as usize].status
    }

    /// Whether the step succeeded in that attempt, so that running it again must do nothing.
    pub fn is_step_done(&self, step: Step, attempt: u32) -> bool {
        attempt == self.attempt && self.step_status(step) == StepStatus::Succeeded
    }

    /// The step at which the attempt came to a halt, whether it was begun or not: the first one that has not succeeded, as
    /// it was when the first undo began.
    pub fn halted_at(&self) -> Step {
        let taken_back = |status| matches!(status, StepStatus::Undone | StepStatus::Warning);
        let noted = self.current_step.filter(|_| self.steps.iter().any(|record| taken_back(record.status)));
        let first = self.steps.iter().find(|record| record.status != StepStatus::Succeeded).map(|record| record.step);
        noted.or(first).unwrap_or(Step::SendWelcome)
    }

    /// Whether that attempt began the step and nobody undid it yet, so that undoing it has something to do. Only of a
    /// tenant on its way, or one that is being removed: of any other nothing is taken away.
    pub fn needs_undo(&self, step: Step, attempt: u32) -> bool {
        let begun = !matches!(self.step_status(step), StepStatus::Pending | StepStatus::Undone);
        let open = self.status == TenantStatus::InProgress || self.is_being_removed();
        open && attempt == self.attempt && step.has_undo() && begun
    }
}
