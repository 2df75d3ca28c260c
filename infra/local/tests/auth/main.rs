//! Sessions on a whole stack: refreshes in time and out of it, thieves, tabs, revocation, other tenants, browsers.
//!
//! In process, with the clock stopped: "within ten seconds" is meant to the millisecond.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

mod browser;
mod cost;
mod house;
mod refresh;
mod sessions;
