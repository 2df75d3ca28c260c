//! What the first platform admin of the local stack signs in with. It is in the stack's own file, which only its owner can
//! read, and it is shown to whoever runs `cargo run -- bootstrap-password` there; over HTTP it is not to be had.

use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use crate::aws::{AwsError, Persist, PersistError, secretsmanager::SecretsManager};

const SECRET: &str = "innkeeper/local/bootstrap-admin";

/// Address and password.
#[derive(Deserialize)]
pub struct Credentials {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// Why they are not shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// No stack has kept anything there.
    #[error("there is no stack under {0}; `cargo run` makes one")]
    NoStack(String),
    /// The secret was deleted, by `remove-bootstrap-credentials`.
    #[error("the bootstrap credentials are removed: another super admin runs the platform")]
    Removed,
    /// The file.
    #[error(transparent)]
    Unreadable(#[from] PersistError),
    /// The secret is not what the template makes.
    #[error("the secret is not an address and a password")]
    Malformed(#[from] serde_json::Error),
    /// Secrets Manager says no.
    #[error("the secret cannot be read: {}", .0.message)]
    Refused(AwsError),
}

/// The credentials of the stack that keeps its data in this folder, whether it is running or not.
///
/// # Errors
/// [`ShowError`].
pub fn of_folder(data: &Path) -> Result<Credentials, ShowError> {
    let file = data.join("state.sqlite");
    if !file.exists() {
        return Err(ShowError::NoStack(data.display().to_string()));
    }
    let kept = SecretsManager::at_rest(&Persist::open(&file)?, SECRET)?;
    Ok(serde_json::from_str(&kept.ok_or(ShowError::Removed)?)?)
}

/// The credentials of a stack of this process.
///
/// # Errors
/// [`ShowError`].
pub async fn of(secrets: &SecretsManager) -> Result<Credentials, ShowError> {
    match secrets.run("GetSecretValue", json!({"SecretId": SECRET})).await {
        Ok(value) => Ok(serde_json::from_str(value["SecretString"].as_str().unwrap_or_default())?),
        Err(error) if error.code == "ResourceNotFoundException" => Err(ShowError::Removed),
        Err(error) => Err(ShowError::Refused(error)),
    }
}
