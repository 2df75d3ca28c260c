//! How a tenant stands, and how one of its steps does.

use crate::named::named;

named! {
    /// How a tenant stands.
    pub enum TenantStatus {
        /// Accepted and written down; nothing runs yet.
        Requested = "REQUESTED",
        /// The workflow was started.
        Queued = "QUEUED",
        /// Steps run, or are undone.
        InProgress = "IN_PROGRESS",
        /// The tenant can be used.
        Ready = "READY",
        /// The attempt ended, and what it made was taken away.
        Failed = "FAILED",
        /// Closed for the time being.
        Suspended = "SUSPENDED",
        /// Being taken down.
        Deprovisioning = "DEPROVISIONING",
        /// Taken down; the name stays claimed.
        Archived = "ARCHIVED",
    }
}

impl TenantStatus {
    /// Whether provisioning is on its way, so that asking again later is worth it.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Requested | Self::Queued | Self::InProgress)
    }
}

named! {
    /// How a step stands in the present attempt.
    pub enum StepStatus {
        /// Not begun.
        Pending = "PENDING",
        /// Begun.
        Running = "RUNNING",
        /// Done; running it again does nothing.
        Succeeded = "SUCCEEDED",
        /// The reason why the attempt failed.
        Failed = "FAILED",
        /// What it made was taken away.
        Undone = "UNDONE",
        /// Ended in a way that somebody has to look at: a mail not sent, something not taken away.
        Warning = "WARNING",
    }
}
