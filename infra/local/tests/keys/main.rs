//! R18: API keys, over HTTP and from behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test both are an answer")]

#[path = "../contract/api.rs"]
mod api;
mod canary;
mod cost;
mod door;
mod life;
mod manners;
mod plan;
mod races;
mod scopes;
mod world;
