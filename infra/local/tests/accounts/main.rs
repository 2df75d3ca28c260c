//! People and their accounts, on the whole stack without sockets: the first platform admin, passwords, second
//! factors, members.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

mod authenticator;
mod export;
mod first_login;
mod impersonation;
mod members;
mod oracle;
mod outrun;
mod passwords;
mod platform;
mod platform_factor;
mod platform_roles;
mod second_factor;
mod secrets;
mod tenants;
mod world;
