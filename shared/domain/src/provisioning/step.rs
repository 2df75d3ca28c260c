//! The steps, in the order of `statemachines/tenant-provisioning.asl.json`.

use super::Phase;
use crate::named::named;

named! {
    /// A step of provisioning. Its name is that of the state in the state machine.
    pub enum Step {
        /// The request keeps the rules of the store too.
        ValidateRequest = "ValidateRequest",
        /// The partition or table.
        CreateDatabase = "CreateDatabase",
        /// The tenant's four secrets.
        GenerateSecrets = "GenerateSecrets",
        /// The application plane.
        DeployStack = "DeployStack",
        /// The host name.
        ConfigureDomain = "ConfigureDomain",
        /// The schema, brought up to date.
        RunMigrations = "RunMigrations",
        /// The first admin.
        SeedAdmin = "SeedAdmin",
        /// Everything that was made, read back.
        HealthCheck = "HealthCheck",
        /// READY.
        Activate = "Activate",
        /// The mail with the activation link.
        SendWelcome = "SendWelcome",
    }
}

impl Step {
    /// The name of the state.
    pub const fn name(self) -> &'static str {
        self.as_str()
    }

    /// The phase of a tenant in which this step runs.
    pub const fn phase_while_running(self) -> Phase {
        match self {
            Self::ValidateRequest => Phase::Validating,
            Self::CreateDatabase | Self::GenerateSecrets | Self::DeployStack | Self::ConfigureDomain => {
                Phase::Provisioning
            }
            Self::RunMigrations => Phase::Migrating,
            Self::SeedAdmin => Phase::Seeding,
            Self::HealthCheck | Self::Activate => Phase::Testing,
            Self::SendWelcome => Phase::Ready,
        }
    }

    /// Whether the step makes something that a failure must take away again.
    pub const fn has_undo(self) -> bool {
        matches!(
            self,
            Self::CreateDatabase | Self::GenerateSecrets | Self::DeployStack | Self::ConfigureDomain | Self::SeedAdmin
        )
    }

    /// What the step has done, for people.
    pub(super) const fn done(self) -> &'static str {
        match self {
            Self::ValidateRequest => "Checked the request",
            Self::CreateDatabase => "Created the tenant's database partition",
            Self::GenerateSecrets => "Generated the tenant's secrets",
            Self::DeployStack => "Deployed the application",
            Self::ConfigureDomain => "Set up the tenant's host name",
            Self::RunMigrations => "Brought the database schema up to date",
            Self::SeedAdmin => "Invited the first admin",
            Self::HealthCheck => "Checked that everything works",
            Self::Activate => "The tenant is ready",
            Self::SendWelcome => "Sent the welcome mail",
        }
    }

    /// What undoing the step has done, for people.
    pub(super) const fn undone(self) -> &'static str {
        match self {
            Self::CreateDatabase => "Removed the tenant's database partition",
            Self::GenerateSecrets => "Deleted the tenant's secrets",
            Self::DeployStack => "Removed the application",
            Self::ConfigureDomain => "Released the tenant's host name",
            Self::SeedAdmin => "Withdrew the first admin's invitation",
            Self::ValidateRequest | Self::RunMigrations | Self::HealthCheck | Self::Activate | Self::SendWelcome => {
                "Nothing had to be taken away"
            }
        }
    }
}
