//! People and their accounts, on the whole stack without sockets: the first platform admin, passwords, second factors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

mod passwords;
mod platform;
mod secrets;
mod world;
