//! What happened on the way, for people.

use jiff::Timestamp;

use super::bounded::size;
use super::{Step, TenantStatus};
use crate::CorrelationId;
use crate::named::named;

/// The longest remark in an event, in bytes of JSON.
pub(super) const MAX_NOTE: usize = 160;

/// What a status takes in the record, at most: `"is":"DEPROVISIONING",`.
const OTHER_STATUS: usize = 22;

/// Something that happened to a tenant on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What kind of thing.
    pub event_type: EventType,
    /// How the tenant stood afterwards.
    pub status: TenantStatus,
    /// To which step.
    pub step: Option<Step>,
    /// What happened, in a sentence.
    pub message: String,
    /// Because of which request.
    pub correlation_id: CorrelationId,
    /// In which attempt.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
}

impl Event {
    /// The message, unless it is the one that follows from the type and the step.
    pub(super) fn remark(&self) -> Option<&str> {
        (self.message != self.event_type.message(self.step, "")).then_some(self.message.as_str())
    }

    /// The request, unless it is the present one of the record.
    pub(super) fn other_request(&self, present: &CorrelationId) -> Option<&CorrelationId> {
        (self.correlation_id != *present).then_some(&self.correlation_id)
    }

    /// The status, unless it is the one that follows from the type and the step.
    pub(super) fn other_status(&self) -> Option<TenantStatus> {
        (self.status != self.event_type.status(self.step)).then_some(self.status)
    }

    /// What the record has to store of the event beyond its type, in bytes.
    pub(super) fn own_words(&self, present: &CorrelationId) -> usize {
        let request = self.other_request(present).map_or(0, |id| id.as_str().len());
        let status = self.other_status().map_or(0, |_| OTHER_STATUS);
        request + status + self.remark().map_or(0, size)
    }
}

named! {
    /// What kind of thing happened.
    pub enum EventType {
        /// The tenant was asked for.
        Requested = "tenant.requested",
        /// The workflow was started.
        Queued = "tenant.queued",
        /// A step was begun once more.
        StepRetried = "step.retried",
        /// A step did its work.
        StepSucceeded = "step.succeeded",
        /// A step did not do its work, and the tenant is ready without it.
        StepWarned = "step.warned",
        /// What a step had made was taken away.
        StepUndone = "step.undone",
        /// What a step had made could not be taken away.
        StepOrphaned = "step.orphaned",
        /// The tenant can be used.
        Ready = "tenant.ready",
        /// The attempt failed.
        Failed = "tenant.failed",
        /// Somebody asked for another attempt.
        RetryRequested = "tenant.retry_requested",
        /// The tenant was closed for the time being.
        Suspended = "tenant.suspended",
        /// The tenant was opened again.
        Resumed = "tenant.resumed",
        /// The tenant was closed, to be removed.
        Deprovisioning = "tenant.deprovisioning",
        /// The tenant is not removed after all.
        Restored = "tenant.restored",
        /// What was made is taken away from now on.
        RemovalBegun = "tenant.removal_begun",
        /// Nothing is left but what has to be kept.
        Archived = "tenant.archived",
    }
}

impl EventType {
    /// How a tenant stands to which this has happened, in the usual case.
    pub(super) fn status(self, step: Option<Step>) -> TenantStatus {
        match self {
            Self::Requested | Self::RetryRequested => TenantStatus::Requested,
            Self::Queued => TenantStatus::Queued,
            Self::Ready | Self::Resumed | Self::Restored => TenantStatus::Ready,
            Self::Suspended => TenantStatus::Suspended,
            Self::Deprovisioning | Self::RemovalBegun => TenantStatus::Deprovisioning,
            Self::Archived => TenantStatus::Archived,
            Self::Failed => TenantStatus::Failed,
            _ if step == Some(Step::SendWelcome) => TenantStatus::Ready,
            Self::StepRetried | Self::StepSucceeded | Self::StepWarned | Self::StepUndone | Self::StepOrphaned => {
                TenantStatus::InProgress
            }
        }
    }

    /// The sentence for it, with what there is to remark.
    pub(super) fn message(self, step: Option<Step>, note: &str) -> String {
        let name = step.map_or("", Step::name);
        let sentence = match (self, step) {
            (Self::Requested, _) => "Received the request".to_owned(),
            (Self::Queued, _) => "Started the provisioning".to_owned(),
            (Self::Suspended, _) => "The tenant is suspended".to_owned(),
            (Self::Resumed, _) => "The tenant is open again".to_owned(),
            (Self::Deprovisioning, _) => "The tenant is closed, and will be removed".to_owned(),
            (Self::Restored, _) => "The tenant is not removed after all".to_owned(),
            (Self::RemovalBegun, _) => "Began to remove the tenant".to_owned(),
            (Self::Archived, _) => "The tenant is removed".to_owned(),
            (Self::RetryRequested, _) => "Received the request to try again".to_owned(),
            (Self::StepSucceeded | Self::Ready, Some(step)) => step.done().to_owned(),
            (Self::StepUndone, Some(step)) => step.undone().to_owned(),
            (Self::StepRetried, _) => format!("Trying {name} once more"),
            (Self::StepOrphaned, _) => format!("Could not take back what {name} had made"),
            (Self::StepWarned, _) => {
                format!("{name} did not work; the tenant is ready all the same")
            }
            (Self::Failed, _) => format!("Provisioning failed in {name}"),
            (Self::StepSucceeded | Self::StepUndone | Self::Ready, None) => String::new(),
        };
        if note.is_empty() { sentence } else { format!("{sentence}: {note}") }
    }
}
