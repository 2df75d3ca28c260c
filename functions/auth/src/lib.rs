//! Signing in: set a first password, get a token and keep it fresh, see who one is and where, check tokens elsewhere.

pub mod accept_invitation;
pub mod activate;
mod bootstrap;
mod credentials;
mod entrance;
pub mod impersonation;
mod issuer;
pub mod jwks;
pub mod login;
pub mod logout;
pub mod mfa;
mod new_password;
mod notices;
pub mod openid_configuration;
pub mod password_change;
pub mod password_forgot;
pub mod password_hash;
pub mod password_reset;
pub mod refresh;
mod refresh_tokens;
pub mod send_reset;
pub mod session_list;
pub mod session_revoke;
pub mod session_revoke_others;
#[cfg(test)]
mod stand_in;
pub mod switch_tenant;
mod temporary;
pub mod whoami;

use lambda::Function;

pub use issuer::IssueError;

/// `POST /api/v1/auth/activate`
pub const ACTIVATE: Function = Function::http::<(activate::Activate,)>("auth-activate");
/// `POST /api/v1/auth/accept-invitation`
pub const ACCEPT_INVITATION: Function =
    Function::http::<(accept_invitation::AcceptInvitation,)>("auth-accept-invitation");
/// `POST /api/v1/auth/login`
pub const LOGIN: Function = Function::http::<(login::Login,)>("auth-login");
/// `GET /api/v1/auth/whoami`
pub const WHOAMI: Function = Function::http::<(whoami::Whoami,)>("auth-whoami");
/// `GET /.well-known/jwks.json`, `GET /.well-known/openid-configuration`
pub const JWKS: Function = Function::http::<(jwks::Jwks, openid_configuration::OpenidConfiguration)>("auth-jwks");
/// `POST /api/v1/auth/refresh`
pub const REFRESH: Function = Function::http::<(refresh::Refresh,)>("auth-refresh");
/// `POST /api/v1/auth/logout`, and the routes below `/api/v1/auth/sessions`
pub const SESSIONS: Function = Function::http::<(
    session_list::ListSessions,
    session_revoke::RevokeSession,
    session_revoke_others::RevokeOthers,
    logout::Logout,
)>("auth-sessions");
/// Enrols and removes a second factor, and renews its recovery codes: the routes below `/api/v1/auth/mfa` that check no
/// code
pub const MFA: Function =
    Function::http::<(mfa::enrol::Enrol, mfa::remove::Remove, mfa::recovery_codes::RenewRecoveryCodes)>("auth-mfa");
/// `POST /api/v1/auth/mfa/verify` and `POST /api/v1/auth/mfa/totp/confirm`: those that check one
pub const MFA_VERIFY: Function = Function::http::<(mfa::verify::Verify, mfa::confirm::Confirm)>("auth-mfa-verify");
/// The routes below `/api/v1/impersonations`
pub const IMPERSONATION: Function =
    Function::http::<(impersonation::start::Start, impersonation::list::List, impersonation::end::End)>(
        "auth-impersonation",
    );
/// `POST /api/v1/auth/switch-tenant`
pub const SWITCH_TENANT: Function = Function::http::<(switch_tenant::SwitchTenant,)>("auth-switch-tenant");

/// `POST /api/v1/auth/password/change`
pub const PASSWORD_CHANGE: Function = Function::http::<(password_change::ChangePassword,)>("auth-password-change");
/// `POST /api/v1/auth/password/forgot`
pub const PASSWORD_FORGOT: Function = Function::http::<(password_forgot::ForgotPassword,)>("auth-password-forgot");
/// `POST /api/v1/auth/password/reset`
pub const PASSWORD_RESET: Function = Function::http::<(password_reset::ResetPassword,)>("auth-password-reset");
/// The state `SendReset` of `statemachines/password-reset.asl.json`
pub const SEND_RESET: Function = Function::task::<send_reset::SendReset>("auth-send-reset");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[
    &ACTIVATE,
    &ACCEPT_INVITATION,
    &LOGIN,
    &WHOAMI,
    &JWKS,
    &REFRESH,
    &SESSIONS,
    &MFA,
    &MFA_VERIFY,
    &SWITCH_TENANT,
    &IMPERSONATION,
    &PASSWORD_CHANGE,
    &PASSWORD_FORGOT,
    &PASSWORD_RESET,
    &SEND_RESET,
];
