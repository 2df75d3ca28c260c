//! Innkeeper from outside, over HTTP alone.
//!
//! `INNKEEPER_URL` says where it runs: a local stack, another emulator or AWS. Unset, the tests run the `innkeeper`
//! binary of this build, in memory. What needs the mailbox is passed over where there is none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

mod client;
mod customer;
mod export;
mod headers;
mod manners;
mod restart;
mod server;
mod status;
mod subdomains;
mod tokens;
mod walkthrough;
