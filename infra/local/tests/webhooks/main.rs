//! R42, in part: tenants' webhooks, over HTTP and to real listeners.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test both are an answer")]

mod delivery;
mod hook;
mod house;
mod keeping;
mod manners;
#[path = "../accounts/world.rs"]
mod world;
