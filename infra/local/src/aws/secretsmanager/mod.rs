//! Secrets Manager: secrets with staged versions, and their rotation by Lambda.
//!
//! Values are kept as they come, in the stack's state file, which only its owner can read. Nothing here logs a request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Clock, Entropy};
use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::persist::PersistError;
use super::{ACCOUNT, AwsError, Caller, Invoker, Persist, Service};
use secret::Secret;

mod lifecycle;
mod password;
mod rotation;
mod secret;
mod values;

pub use password::{PasswordRules, random_password};
pub use rotation::RotationError;

const KIND: &str = "secret";

/// The Secrets Manager API.
pub struct SecretsManager {
    region: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    persist: Arc<Persist>,
    invoker: Arc<dyn Invoker>,
    /// By name.
    secrets: Mutex<BTreeMap<String, Secret>>,
    /// Tells whoever runs the rotations that one was ordered.
    ordered: Notify,
}

impl SecretsManager {
    /// Opens the secrets that earlier runs left. Rotations are run through `invoker`.
    pub fn open(
        region: impl Into<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        persist: Arc<Persist>,
        invoker: Arc<dyn Invoker>,
    ) -> Result<Self, PersistError> {
        let mut secrets = BTreeMap::new();
        for (name, value) in persist.load(KIND)? {
            let mut secret: Secret = serde_json::from_value(value).map_err(PersistError::unreadable)?;
            secret.resume(clock.now());
            secrets.insert(name, secret);
        }
        Ok(Self {
            region: region.into(),
            clock,
            entropy,
            persist,
            invoker,
            secrets: Mutex::new(secrets),
            ordered: Notify::new(),
        })
    }

    /// The current value of a secret in the state that a stack keeps, for who may read that file anyway.
    pub fn at_rest(persist: &Persist, name: &str) -> Result<Option<String>, PersistError> {
        let Some((_, kept)) = persist.load(KIND)?.into_iter().find(|(known, _)| known == name) else { return Ok(None) };
        let secret: Secret = serde_json::from_value(kept).map_err(PersistError::unreadable)?;
        Ok(match secret.labelled(secret::CURRENT).and_then(|version| version.value.as_ref()) {
            Some(secret::SecretValue::Text(text)) => Some(text.clone()),
            _ => None,
        })
    }

    /// Runs one action without IAM, faults or counts: for the stack itself, which creates the template's secrets.
    pub async fn run(&self, action: &str, body: Value) -> Result<Value, AwsError> {
        match action {
            "CreateSecret" => self.create(read(body)?),
            "GetSecretValue" => self.get_value(&read(body)?),
            "PutSecretValue" => self.put_value(read(body)?),
            "UpdateSecretVersionStage" => self.update_stage(&read(body)?),
            "DescribeSecret" => self.describe(&read(body)?),
            "ListSecrets" => self.list(&read(body)?),
            "ListSecretVersionIds" => self.list_versions(&read(body)?),
            "DeleteSecret" => self.delete(&read(body)?),
            "RestoreSecret" => self.restore(&read(body)?),
            "TagResource" => self.tag(read(body)?),
            "RotateSecret" => self.rotate_secret(read(body)?),
            "GetRandomPassword" => Ok(json!({"RandomPassword": random_password(&read(body)?, &*self.entropy)?})),
            _ => Err(AwsError::unknown(format!("secretsmanager:{action}"))),
        }
    }

    /// Reads a secret that is there and not scheduled for deletion.
    fn with<T>(&self, id: &str, read: impl FnOnce(&Secret) -> Result<T, AwsError>) -> Result<T, AwsError> {
        let secrets = self.lock()?;
        let secret = find(&secrets, id).ok_or_else(absent)?;
        present(secret)?;
        read(secret)
    }

    /// Changes such a secret; nothing changes unless it could be persisted.
    fn change<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Secret, Timestamp) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        self.change_any(id, |secret, now| {
            present(secret)?;
            change(secret, now)
        })
    }

    fn change_any<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Secret, Timestamp) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        let mut secrets = self.lock()?;
        let mut secret = find(&secrets, id).ok_or_else(absent)?.clone();
        let now = self.clock.now();
        let outcome = change(&mut secret, now)?;
        secret.changed = now;
        self.keep(&mut secrets, secret)?;
        Ok(outcome)
    }

    fn keep(&self, secrets: &mut BTreeMap<String, Secret>, secret: Secret) -> Result<(), AwsError> {
        self.persist.put(KIND, &secret.name, &secret)?;
        secrets.insert(secret.name.clone(), secret);
        Ok(())
    }

    /// The secrets, without those whose recovery window has passed.
    fn lock(&self) -> Result<MutexGuard<'_, BTreeMap<String, Secret>>, AwsError> {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let over = |secret: &Secret| secret.deletion.is_some_and(|at| at <= now);
        let gone: Vec<String> = secrets.values().filter(|it| over(it)).map(|it| it.name.clone()).collect();
        for name in gone {
            self.persist.delete(KIND, &name)?;
            secrets.remove(&name);
        }
        Ok(secrets)
    }

    /// The ARN that IAM decides on. Of a secret that is not there, it is made of what the caller says, without the random
    /// suffix: a statement on `…-??????` does not match it.
    fn resource(&self, id: &str) -> String {
        let known = self.lock().ok().and_then(|secrets| Some(find(&secrets, id)?.arn.clone()));
        known.unwrap_or_else(|| self.arn_of_absent(id))
    }

    fn arn_of_absent(&self, id: &str) -> String {
        match id.starts_with("arn:") {
            true => id.to_owned(),
            false => format!("arn:aws:secretsmanager:{}:{ACCOUNT}:secret:{id}", self.region),
        }
    }
}

impl Service for SecretsManager {
    fn call<'a>(&'a self, _: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        self.run(action, body).boxed()
    }

    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        let id = if action == "CreateSecret" { &body["Name"] } else { &body["SecretId"] };
        let resource = id.as_str().map_or_else(|| "*".to_owned(), |id| self.resource(id));
        let invoked = id.as_str().filter(|_| action == "RotateSecret").and_then(|id| self.rotation_needs(id, body));
        std::iter::once((format!("secretsmanager:{action}"), resource)).chain(invoked).collect()
    }
}

/// Finds a secret by name, by ARN, or by ARN without the random suffix.
fn find<'a>(secrets: &'a BTreeMap<String, Secret>, id: &str) -> Option<&'a Secret> {
    let Some((_, name)) = id.strip_prefix("arn:").and_then(|arn| arn.split_once(":secret:")) else {
        return secrets.get(id);
    };
    let unsuffixed = name.rsplit_once('-').map_or(name, |(name, _)| name);
    let whole = secrets.get(unsuffixed).filter(|secret| secret.arn == id);
    whole.or_else(|| secrets.get(name).filter(|secret| secret.arn.starts_with(id)))
}

fn present(secret: &Secret) -> Result<(), AwsError> {
    match secret.deletion {
        None => Ok(()),
        Some(_) => {
            Err(invalid_request("You can't perform this operation on the secret because it was marked for deletion."))
        }
    }
}

fn absent() -> AwsError {
    AwsError::refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

fn invalid_request(message: impl Into<String>) -> AwsError {
    AwsError::refused("InvalidRequestException", message)
}

fn invalid_parameter(message: impl Into<String>) -> AwsError {
    AwsError::refused("InvalidParameterException", message)
}

/// Reads an input; a field that the local stack does not know is refused by name.
fn read<T: DeserializeOwned>(body: Value) -> Result<T, AwsError> {
    serde_json::from_value(body).map_err(|error| invalid_parameter(format!("Local Secrets Manager: {error}")))
}

/// Seconds since 1970, as the JSON protocols write time.
fn epoch(at: Timestamp) -> f64 {
    std::time::Duration::try_from(at.as_duration()).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests;
