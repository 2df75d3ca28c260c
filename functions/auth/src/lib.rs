//! Signing in: set a first password, get a token, see who one is, check tokens elsewhere.

pub mod activate;
mod issuer;
pub mod jwks;
pub mod login;
pub mod password_hash;
#[cfg(test)]
mod stand_in;
pub mod whoami;

use lambda::Function;

pub use issuer::IssueError;

/// `POST /api/v1/auth/activate`
pub const ACTIVATE: Function = Function::http::<(activate::Activate,)>("auth-activate");
/// `POST /api/v1/auth/login`
pub const LOGIN: Function = Function::http::<(login::Login,)>("auth-login");
/// `GET /api/v1/auth/whoami`
pub const WHOAMI: Function = Function::http::<(whoami::Whoami,)>("auth-whoami");
/// `GET /.well-known/jwks.json`
pub const JWKS: Function = Function::http::<(jwks::Jwks,)>("auth-jwks");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&ACTIVATE, &LOGIN, &WHOAMI, &JWKS];
