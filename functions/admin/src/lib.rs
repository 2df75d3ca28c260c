//! Running the platform: who does, getting rid of the credentials by which the first of them came in, and the secrets as an
//! operator sees and rotates them.

pub mod bootstrap_status;
pub mod overdue_secrets;
pub mod platform_user_list;
pub mod platform_user_revoke;
pub mod platform_users;
pub mod remove_bootstrap;
mod reseal;
pub mod rotation_order;
pub mod secret;
pub mod secret_list;
pub mod secret_read;
pub mod secret_rotate;

use lambda::Function;

/// `GET /api/v1/admin/bootstrap-status`
pub const BOOTSTRAP_STATUS: Function = Function::http::<(bootstrap_status::BootstrapStatus,)>("admin-bootstrap-status");
/// `POST /api/v1/admin/remove-bootstrap-credentials`
pub const REMOVE_BOOTSTRAP_CREDENTIALS: Function =
    Function::http::<(remove_bootstrap::RemoveBootstrap,)>("admin-remove-bootstrap-credentials");
/// `/api/v1/admin/platform-users`
pub const PLATFORM_USERS: Function = Function::http::<(
    platform_users::CreatePlatformUser,
    platform_user_list::ListPlatformUsers,
    platform_user_revoke::RevokePlatformUser,
)>("admin-platform-users");
/// `GET /api/v1/admin/secrets` and one of them
pub const SECRETS: Function = Function::http::<(secret_list::ListSecrets, secret_read::ReadSecret)>("admin-secrets");
/// `POST /api/v1/admin/secrets/{name}/rotate`
pub const ROTATE_SECRET: Function = Function::http::<(secret_rotate::RotateSecret,)>("admin-rotate-secret");
/// `POST /api/v1/jobs/rotations`
pub const ORDER_ROTATION: Function = Function::http::<(rotation_order::OrderRotation,)>("admin-order-rotation");
/// Says which secrets are overdue.
pub const OVERDUE_SECRETS: Function = Function::job::<overdue_secrets::OverdueSecrets>("admin-overdue-secrets");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[
    &BOOTSTRAP_STATUS,
    &REMOVE_BOOTSTRAP_CREDENTIALS,
    &PLATFORM_USERS,
    &SECRETS,
    &ROTATE_SECRET,
    &ORDER_ROTATION,
    &OVERDUE_SECRETS,
];
