//! What tests of several crates share: a clock that stands still, randomness that repeats, and the usual signup.

mod clock;
mod entropy;
mod signup;

pub use clock::MockClock;
pub use entropy::SeededEntropy;
pub use signup::{demo_signup, demo_signup_json, regions, signup_json};
