//! Rotation of the platform's key rings, on the whole stack without sockets: interrupted anywhere, with tokens in flight,
//! in an emergency, with what is under them moved, and by the template's schedule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

mod announced;
mod canary;
mod emergency;
mod flight;
mod internal;
mod interrupted;
mod load;
mod readers;
mod reseal;
mod schedule;
mod tenants;
mod world;
