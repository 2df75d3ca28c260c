//! Rotation of the platform's key rings. `secrets::rotation` has the steps that all share; a file here says what they mean
//! for one secret.

mod data_key;
mod data_keys;
mod internal_secret;
mod pool_secrets;
mod refresh_keys;
mod reseal;
mod retire_signing_key;
mod retirement;
mod signing_keys;
mod silo_secrets;
mod timetable;

use lambda::Function;

pub use data_keys::RotateDataKeys;
pub use internal_secret::RotateInternalSecret;
pub use pool_secrets::RotatePoolSecrets;
pub use refresh_keys::RotateRefreshKeys;
pub use reseal::{ResealFail, ResealList, ResealRetire, ResealTenant, ResealWatch};
pub use retire_signing_key::RetireSigningKey;
pub use signing_keys::RotateSigningKeys;
pub use silo_secrets::RotateSiloSecrets;

/// `innkeeper/{stage}/signing-keys`
pub const ROTATE_SIGNING_KEYS: Function = Function::rotation::<RotateSigningKeys>("rotate-signing-keys");
/// `innkeeper/{stage}/refresh-keys`
pub const ROTATE_REFRESH_KEYS: Function = Function::rotation::<RotateRefreshKeys>("rotate-refresh-keys");
/// `innkeeper/{stage}/data-keys`
pub const ROTATE_DATA_KEYS: Function = Function::rotation::<RotateDataKeys>("rotate-data-keys");
/// `POST /api/v1/admin/signing-keys/{kid}/retire`
pub const ROTATE_RETIRE_SIGNING_KEY: Function = Function::http::<(RetireSigningKey,)>("rotate-retire-signing-key");

/// `innkeeper/{stage}/internal-secret`
pub const ROTATE_INTERNAL_SECRET: Function = Function::rotation::<RotateInternalSecret>("rotate-internal-secret");
/// `innkeeper/{stage}/tenant/{id}-{attempt}`, of every silo
pub const ROTATE_SILO_SECRETS: Function = Function::rotation::<RotateSiloSecrets>("rotate-silo-secrets");
/// The secrets of every tenant in the pool.
pub const ROTATE_POOL_SECRETS: Function = Function::job::<RotatePoolSecrets>("rotate-pool-secrets");
/// Begins the re-seal.
pub const RESEAL_WATCH: Function = Function::job::<ResealWatch>("reseal-watch");
/// The tenants that have something under an old key.
pub const RESEAL_LIST: Function = Function::task::<ResealList>("reseal-list");
/// One tenant's values, under a new key.
pub const RESEAL_TENANT: Function = Function::task::<ResealTenant>("reseal-tenant");
/// The end of the old keys.
pub const RESEAL_RETIRE: Function = Function::task::<ResealRetire>("reseal-retire");
/// What could not be moved.
pub const RESEAL_FAIL: Function = Function::task::<ResealFail>("reseal-fail");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[
    &ROTATE_SIGNING_KEYS,
    &ROTATE_REFRESH_KEYS,
    &ROTATE_DATA_KEYS,
    &ROTATE_INTERNAL_SECRET,
    &ROTATE_SILO_SECRETS,
    &ROTATE_POOL_SECRETS,
    &ROTATE_RETIRE_SIGNING_KEY,
    &RESEAL_WATCH,
    &RESEAL_LIST,
    &RESEAL_TENANT,
    &RESEAL_RETIRE,
    &RESEAL_FAIL,
];
