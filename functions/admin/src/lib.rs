//! Running the platform: who does, and getting rid of the credentials by which the first of them came in.

pub mod bootstrap_status;
pub mod platform_users;
pub mod remove_bootstrap;

use lambda::Function;

/// `GET /api/v1/admin/bootstrap-status`
pub const BOOTSTRAP_STATUS: Function = Function::http::<(bootstrap_status::BootstrapStatus,)>("admin-bootstrap-status");
/// `POST /api/v1/admin/remove-bootstrap-credentials`
pub const REMOVE_BOOTSTRAP_CREDENTIALS: Function =
    Function::http::<(remove_bootstrap::RemoveBootstrap,)>("admin-remove-bootstrap-credentials");
/// `POST /api/v1/admin/platform-users`
pub const PLATFORM_USERS: Function = Function::http::<(platform_users::CreatePlatformUser,)>("admin-platform-users");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&BOOTSTRAP_STATUS, &REMOVE_BOOTSTRAP_CREDENTIALS, &PLATFORM_USERS];
