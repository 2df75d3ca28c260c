//! The whole stack in one process, and what it must withstand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test both are an answer")]
#![expect(unreachable_pub, reason = "in a test binary `pub` says what the other modules use")]

mod deployer;
mod harness;
mod provisioning;
mod races;
mod removal;
mod reseal;
