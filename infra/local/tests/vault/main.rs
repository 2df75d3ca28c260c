//! R22: the tenant's vault, over HTTP and from behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test both are an answer")]

#[path = "../contract/api.rs"]
mod api;
mod canary;
mod cost;
mod limit;
mod manners;
mod misuse;
mod races;
mod rights;
mod world;
