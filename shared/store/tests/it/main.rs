//! The store against a real DynamoDB implementation, over HTTP: conditions, races and costs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test both are an answer")]

mod direct;
mod direct_writes;
mod door;
mod identity;
mod lease;
mod limits;
mod password;
mod purge;
mod refresh;
mod script;
mod second_factor;
mod signup;
mod silo;
mod size;
mod stand_in;
mod steps;
