//! The versions of a secret and their staging labels: what a rotation works with.

use std::collections::HashMap;

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use secrecy::{ExposeSecret, SecretString};

use super::{EXISTS, INVALID_REQUEST, NOT_FOUND, Secrets, code, unavailable};
use crate::SecretError;

/// The version that readers get.
pub(crate) const CURRENT: &str = "AWSCURRENT";
/// The version that a rotation is making.
pub(crate) const PENDING: &str = "AWSPENDING";
/// What AWS answers when a label is not where the caller says.
const INVALID_PARAMETER: &str = "InvalidParameterException";

/// A secret's labelled versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Whether a rotation function is configured.
    pub rotates: bool,
    stages: HashMap<String, Vec<String>>,
}

impl Versions {
    /// Whether the version exists and has a label.
    pub fn contains(&self, version: &str) -> bool {
        self.stages.contains_key(version)
    }

    /// Whether the version has this label.
    pub fn is(&self, version: &str, stage: &str) -> bool {
        self.stages.get(version).is_some_and(|stages| stages.iter().any(|known| known == stage))
    }

    /// The version that has this label.
    pub fn labelled(&self, stage: &str) -> Option<&str> {
        self.stages.keys().find(|version| self.is(version, stage)).map(String::as_str)
    }
}

/// A version to be stored.
pub(crate) struct NewVersion<'a> {
    /// Its id (32 to 64 characters): `ClientRequestToken`. The same one twice is stored once.
    pub(crate) id: &'a str,
    /// Its label.
    pub(crate) stage: &'a str,
    /// What Secrets Manager checks the caller's role by in a rotation across accounts, where it sent one.
    pub(crate) rotation_token: Option<&'a SecretString>,
    /// Its value.
    pub(crate) value: &'a SecretString,
}

impl Secrets {
    /// The labelled versions of a secret.
    pub async fn versions(&self, secret: &str) -> Result<Versions, SecretError> {
        let answer = self.client.describe_secret().secret_id(secret).send().await;
        let found = answer.map_err(|error| match code(&error) {
            Some(NOT_FOUND) => SecretError::Missing { secret: secret.to_owned() },
            _ => unavailable(secret, &error),
        })?;
        Ok(Versions {
            rotates: found.rotation_enabled.unwrap_or(false),
            stages: found.version_ids_to_stages.unwrap_or_default(),
        })
    }

    /// The value of a version that exists; none where a rotation has only reserved it.
    pub async fn version(&self, secret: &str, version: &str) -> Result<Option<SecretString>, SecretError> {
        match self.client.get_secret_value().secret_id(secret).version_id(version).send().await {
            Ok(answer) => match answer.secret_string {
                Some(text) => Ok(Some(SecretString::from(text))),
                None => Err(SecretError::Malformed { secret: secret.to_owned(), reason: "is not text" }),
            },
            Err(error) if matches!(code(&error), Some(NOT_FOUND | INVALID_REQUEST)) => Ok(None),
            Err(error) => Err(unavailable(secret, &error)),
        }
    }

    /// Stores a version. False where one of that id has another value, which stays as it is.
    pub(crate) async fn put_version(&self, secret: &str, new: NewVersion<'_>) -> Result<bool, SecretError> {
        let call = self.client.put_secret_value().secret_id(secret).client_request_token(new.id);
        let call = call.version_stages(new.stage).secret_string(new.value.expose_secret());
        let token = new.rotation_token.map(|token| token.expose_secret().to_owned());
        match call.set_rotation_token(token).send().await {
            Ok(_) => Ok(true),
            Err(error) if code(&error) == Some(EXISTS) => Ok(false),
            Err(error) => Err(unavailable(secret, &error)),
        }
    }

    /// Moves a label from the version that has it to another one, or takes it away. The service compares and moves in
    /// one: fails with [`SecretError::Changed`] where the label is on another version by now.
    pub async fn move_stage(
        &self,
        secret: &str,
        stage: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), SecretError> {
        let call = self.client.update_secret_version_stage().secret_id(secret).version_stage(stage);
        let call = call.set_remove_from_version_id(from.map(str::to_owned));
        match call.set_move_to_version_id(to.map(str::to_owned)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.as_service_error().and_then(ProvideErrorMetadata::code) {
                Some(INVALID_PARAMETER | NOT_FOUND) => SecretError::Changed { secret: secret.to_owned() },
                _ => unavailable(secret, &error),
            }),
        }
    }
}
