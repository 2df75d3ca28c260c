//! R15, R39: the rate limits, as the stack that ships keeps them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

mod credit;
mod exact;
mod fleet;
mod people;
mod rights;
#[path = "../accounts/world.rs"]
mod world;

/// A stack whose template has these numbers.
async fn stack(parameters: &[(&str, &str)]) -> world::World {
    auth::password_hash::cheap::choose();
    world::World::with(parameters).await
}
