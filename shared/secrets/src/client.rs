//! Secrets Manager.

mod overview;
mod versions;

use std::fmt;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::types::RotationRulesType;
use aws_types::SdkConfig;
use secrecy::{ExposeSecret, SecretString};

use crate::{CallFailure, SecretError, check_strength};

pub use overview::{Ordered, Overview};
pub use versions::Versions;
pub(crate) use versions::{CURRENT, NewVersion, PENDING};

const NOT_FOUND: &str = "ResourceNotFoundException";
/// What AWS answers about a secret that is marked for deletion, among other things.
const INVALID_REQUEST: &str = "InvalidRequestException";
const EXISTS: &str = "ResourceExistsException";

/// What AWS calls a secret. No secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arn(String);

impl Arn {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads secrets, and keeps those of silo tenants.
#[derive(Clone, Debug)]
pub struct Secrets {
    client: Client,
}

impl Secrets {
    /// A client of the account and region that `config` says.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// The current value of a secret that somebody may have typed in: refused where it could be guessed. Of a JSON
    /// object the longest string is measured; who parses it measures the others.
    pub async fn current(&self, id: &str) -> Result<SecretString, SecretError> {
        let value = self.read(id).await?;
        check_strength(id, material(value.expose_secret()).as_bytes())?;
        Ok(value)
    }

    /// The current value, whatever it is.
    pub async fn read(&self, name: &str) -> Result<SecretString, SecretError> {
        let answer = self.client.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| match code(&error) {
            Some(NOT_FOUND | INVALID_REQUEST) => SecretError::Missing { secret: name.to_owned() },
            _ => unavailable(name, &error),
        })?;
        match answer.secret_string {
            Some(text) => Ok(SecretString::from(text)),
            None => Err(SecretError::Malformed { secret: name.to_owned(), reason: "is not text" }),
        }
    }

    /// Keeps `value` under `name`, encrypted under the KMS key of this ARN. `token` (32 to 64 characters) names the attempt: what an earlier call of the same
    /// attempt has stored stays as it is, for it may be in use. Fails with [`SecretError::Exists`] where anything else
    /// has the name, and for a while where a predecessor is still being deleted.
    pub async fn create(
        &self,
        name: &str,
        token: &str,
        key_arn: &str,
        value: &SecretString,
    ) -> Result<Arn, SecretError> {
        let call = self.client.create_secret().name(name).client_request_token(token).kms_key_id(key_arn);
        match call.secret_string(value.expose_secret()).send().await {
            Ok(made) => arn(name, made.arn),
            Err(error) if code(&error) == Some(EXISTS) => self.made_before(name, token).await,
            Err(error) => Err(vanishing(name, &error)),
        }
    }

    /// Has `function` rotate the secret every so many `days`, from now on. The function has to allow Secrets Manager to call
    /// it; the caller needs `lambda:InvokeFunction` on it. Secrets Manager tries the function, and refuses to be told so again
    /// until it has: that passes.
    pub async fn rotate_every(&self, name: &str, function: &str, days: i64) -> Result<(), SecretError> {
        let rules = RotationRulesType::builder().automatically_after_days(days).build();
        let call = self.client.rotate_secret().secret_id(name).rotation_lambda_arn(function).rotation_rules(rules);
        let call = call.rotate_immediately(false);
        Box::pin(call.send()).await.map(drop).map_err(|error| match code(&error) {
            Some(INVALID_REQUEST) => SecretError::Unavailable {
                secret: name.to_owned(),
                source: CallFailure::passing("an earlier order to rotate it is still being tried"),
            },
            _ => unavailable(name, &error),
        })
    }

    /// Whether there is such a secret, not marked for deletion. Reads no value.
    pub async fn exists(&self, name: &str) -> Result<bool, SecretError> {
        match self.client.describe_secret().secret_id(name).send().await {
            Ok(found) => Ok(found.deleted_date.is_none()),
            Err(error) if code(&error) == Some(NOT_FOUND) => Ok(false),
            Err(error) => Err(unavailable(name, &error)),
        }
    }

    /// Deletes at once, with no way back. A secret that is not there is deleted already.
    pub async fn delete(&self, name: &str) -> Result<(), SecretError> {
        let call = self.client.delete_secret().secret_id(name).force_delete_without_recovery(true);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == Some(NOT_FOUND) => Ok(()),
            Err(error) => Err(unavailable(name, &error)),
        }
    }

    async fn made_before(&self, name: &str, token: &str) -> Result<Arn, SecretError> {
        let found = self.client.describe_secret().secret_id(name).send().await;
        let found = found.map_err(|error| vanishing(name, &error))?;
        if found.version_ids_to_stages.is_some_and(|versions| versions.contains_key(token)) {
            return arn(name, found.arn);
        }
        Err(SecretError::Exists { secret: name.to_owned() })
    }
}

/// A deletion without recovery takes a moment, in which the name can be neither used nor restored.
fn vanishing<E>(secret: &str, error: &SdkError<E, HttpResponse>) -> SecretError
where
    E: std::error::Error + ProvideErrorMetadata,
{
    match code(error) {
        Some(NOT_FOUND | INVALID_REQUEST) => SecretError::Unavailable {
            secret: secret.to_owned(),
            source: CallFailure::passing("its predecessor is still being deleted"),
        },
        _ => unavailable(secret, error),
    }
}

fn arn(name: &str, arn: Option<String>) -> Result<Arn, SecretError> {
    arn.map(Arn).ok_or_else(|| SecretError::Malformed { secret: name.to_owned(), reason: "came back without an ARN" })
}

/// The text, or the longest piece in quotes where it is a JSON object. Found without parsing, which would leave copies.
fn material(text: &str) -> &str {
    let is_object = text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if !is_object {
        return text;
    }
    let mut escaped = false;
    let pieces = text.split(|character| {
        let quote = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        quote
    });
    pieces.skip(1).step_by(2).max_by_key(|piece| piece.len()).unwrap_or("")
}

fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

fn unavailable<E>(secret: &str, error: &SdkError<E, HttpResponse>) -> SecretError
where
    E: std::error::Error + ProvideErrorMetadata,
{
    SecretError::Unavailable { secret: secret.to_owned(), source: CallFailure::from(error) }
}

#[cfg(test)]
mod tests;
