//! Rotation of the platform's key rings. `secrets::rotation` has the steps that all share; a file here says what they mean
//! for one secret.

mod data_keys;
mod refresh_keys;
mod retirement;
mod signing_keys;
mod timetable;

use lambda::Function;

pub use data_keys::RotateDataKeys;
pub use refresh_keys::RotateRefreshKeys;
pub use signing_keys::RotateSigningKeys;

/// `innkeeper/{stage}/signing-keys`
pub const ROTATE_SIGNING_KEYS: Function = Function::rotation::<RotateSigningKeys>("rotate-signing-keys");
/// `innkeeper/{stage}/refresh-keys`
pub const ROTATE_REFRESH_KEYS: Function = Function::rotation::<RotateRefreshKeys>("rotate-refresh-keys");
/// `innkeeper/{stage}/data-keys`
pub const ROTATE_DATA_KEYS: Function = Function::rotation::<RotateDataKeys>("rotate-data-keys");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&ROTATE_SIGNING_KEYS, &ROTATE_REFRESH_KEYS, &ROTATE_DATA_KEYS];
