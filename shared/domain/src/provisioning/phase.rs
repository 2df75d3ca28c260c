//! How far provisioning has come.

use crate::named::named;

named! {
    /// The detailed state of a tenant on its way.
    pub enum Phase {
        /// Accepted.
        Requested = "requested",
        /// The request is checked against the store.
        Validating = "validating",
        /// Checked; nothing is made yet.
        Queued = "queued",
        /// Database, secrets, application and host name are made.
        Provisioning = "provisioning",
        /// The schema is brought up to date.
        Migrating = "migrating",
        /// The first admin is made.
        Seeding = "seeding",
        /// Everything is read back.
        Testing = "testing",
        /// The tenant can be used.
        Ready = "ready",
        /// What was made is taken away.
        Removing = "removing",
        /// Nothing is left but what has to be kept.
        Removed = "removed",
    }
}

impl Phase {
    /// How much of the way is done, in percent; of a tenant that is removed, nothing.
    pub const fn progress_percent(self) -> u8 {
        match self {
            Self::Removing | Self::Removed => 0,
            Self::Requested => 5,
            Self::Validating => 10,
            Self::Queued => 15,
            Self::Provisioning => 40,
            Self::Migrating => 70,
            Self::Seeding => 85,
            Self::Testing => 95,
            Self::Ready => 100,
        }
    }
}
