//! Rotation by the four steps of AWS Secrets Manager, as a state machine that every rotating secret shares.
//!
//! Secrets Manager calls a rotation function with `{Step, SecretId, ClientRequestToken, RotationToken?}`, once for each of
//! `createSecret`, `setSecret`, `testSecret`, `finishSecret`; it may repeat a call, cut one short, or take up tomorrow what
//! broke off today. So no call trusts that another one came before it: [`Rotator::run`] looks where the version stands
//! (`standing`), and does what is left of the step. A secret only says what the steps mean for it ([`Rotation`]).
//!
//! Of AWS's sample, `SecretsManagerRotationTemplate`, we follow: a secret without rotation is refused; a version that is
//! unknown, or neither AWSCURRENT nor AWSPENDING, is refused; one that is AWSCURRENT is done, whatever the step;
//! `createSecret` demands a current version and keeps a pending value that is there; `finishSecret` moves AWSCURRENT from
//! the version that has it, and leaves AWSPENDING to Secrets Manager, which takes it away when a rotation has ended well
//! (aws-samples/aws-secrets-manager-rotation-lambdas, pull request 145).
//!
//! Beyond the sample:
//! * `finishSecret` tests again, and a secret's test fails where its set has not been done: a step that was skipped cannot
//!   make anything current that is only partly there.
//! * A pending value that no longer follows the current one (somebody replaced that meanwhile, or its times have passed)
//!   loses AWSPENDING and never becomes current; the next rotation begins with a new version.
//! * `finishSecret` of a current version repeats what comes after the move, which a crash may have cut off.
//! * `testSecret` of a version without a value tests the current one: so AWS checks a schedule that is set without
//!   rotating at once.
//! * `RotationToken` is handed on to `PutSecretValue`, as a rotation across accounts demands, and logged nowhere.

mod error;
mod replace;
mod standing;

use std::{future::Future, sync::Arc};

use domain::{Clock, Entropy};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

pub use error::{Refusal, RotationError, WorkError};
pub use replace::Replacement;
use standing::{Held, Standing};

use crate::{
    SecretError, Secrets,
    client::{CURRENT, NewVersion, PENDING},
};

/// A call of Secrets Manager.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Call {
    /// What to do.
    pub step: RotationStep,
    /// The secret's ARN.
    pub secret_id: String,
    /// The id of the version that is being made.
    pub client_request_token: String,
    /// Proves where the call comes from, in a rotation across accounts or by an assumed role.
    #[serde(default)]
    pub rotation_token: Option<SecretString>,
}

/// A step of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum RotationStep {
    /// Makes the new value, which nobody uses yet.
    #[serde(rename = "createSecret")]
    Create,
    /// Makes it known where it will be needed.
    #[serde(rename = "setSecret")]
    Set,
    /// Proves that it works.
    #[serde(rename = "testSecret")]
    Test,
    /// Makes it the current one.
    #[serde(rename = "finishSecret")]
    Finish,
}

impl RotationStep {
    /// As Secrets Manager calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done now.
    Done,
    /// It had been done before.
    DoneBefore,
}

/// What the steps mean for one secret. Each may be called any number of times.
pub trait Rotation: Send + Sync + 'static {
    /// What the secret holds.
    type Value: Send + Sync;

    /// Reads a value, current or pending.
    fn parse(&self, secret: &str, value: &SecretString) -> Result<Self::Value, SecretError>;

    /// The value that is to follow `current`. It has no effect until it is stored.
    fn create(&self, current: &Self::Value, now: Timestamp) -> Result<SecretString, WorkError>;

    /// Whether `pending` may still follow `current`, by what is in force there and by the times in it.
    fn follows(&self, pending: &Self::Value, current: &Self::Value, now: Timestamp) -> bool;

    /// Makes known what the world must know of `next` before it is current.
    fn set(
        &self,
        current: &Self::Value,
        next: &Self::Value,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), WorkError>> + Send;

    /// Proves that `next` works, and that [`Rotation::set`] has been done for it.
    fn test(&self, next: &Self::Value, now: Timestamp) -> impl Future<Output = Result<(), WorkError>> + Send;

    /// What follows once `current` is the current value.
    fn finish(&self, current: &Self::Value, now: Timestamp) -> impl Future<Output = Result<(), WorkError>> + Send;
}

/// Runs the steps for any secret.
#[derive(Clone)]
pub struct Rotator {
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Rotator {
    /// A rotator over this client.
    pub fn new(secrets: Secrets, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { secrets, clock, entropy }
    }

    /// One step.
    ///
    /// # Errors
    /// [`RotationError`]; the secret's current value is then as good as before.
    pub async fn run<R: Rotation>(&self, rotation: &R, call: &Call) -> Result<Outcome, RotationError> {
        let now = self.clock.now();
        match (call.step, self.standing(rotation, call).await?) {
            (RotationStep::Finish, Standing::Current(value)) => {
                rotation.finish(&value, now).await?;
                Ok(Outcome::DoneBefore)
            }
            (_, Standing::Current(_)) => Ok(Outcome::DoneBefore),
            (RotationStep::Create, Standing::Reserved(current)) => self.create(rotation, call, &current, now).await,
            (RotationStep::Test, Standing::Reserved(current)) => {
                rotation.test(&current.value, now).await?;
                Ok(Outcome::Done)
            }
            (RotationStep::Set | RotationStep::Finish, Standing::Reserved(_)) => {
                Err(RotationError::refused(call, Refusal::NotCreated))
            }
            (step, Standing::Created { current, pending }) => {
                if !rotation.follows(&pending, &current.value, now) {
                    return Err(self.give_up(call).await?);
                }
                match step {
                    RotationStep::Create => Ok(Outcome::DoneBefore),
                    RotationStep::Set => {
                        rotation.set(&current.value, &pending, now).await?;
                        Ok(Outcome::Done)
                    }
                    RotationStep::Test => {
                        rotation.test(&pending, now).await?;
                        Ok(Outcome::Done)
                    }
                    RotationStep::Finish => self.finish(rotation, call, &current, &pending, now).await,
                }
            }
        }
    }

    async fn create<R: Rotation>(
        &self,
        rotation: &R,
        call: &Call,
        current: &Held<R::Value>,
        now: Timestamp,
    ) -> Result<Outcome, RotationError> {
        let value = rotation.create(&current.value, now)?;
        // What cannot be read back must not be stored.
        rotation.parse(&call.secret_id, &value)?;
        let new = NewVersion {
            id: &call.client_request_token,
            stage: PENDING,
            rotation_token: call.rotation_token.as_ref(),
            value: &value,
        };
        // Another value under this id is that of a call which ran at the same time, and as good as ours.
        let ours = self.secrets.put_version(&call.secret_id, new).await?;
        Ok(if ours { Outcome::Done } else { Outcome::DoneBefore })
    }

    async fn finish<R: Rotation>(
        &self,
        rotation: &R,
        call: &Call,
        current: &Held<R::Value>,
        pending: &R::Value,
        now: Timestamp,
    ) -> Result<Outcome, RotationError> {
        rotation.test(pending, now).await?;
        let (from, to) = (Some(current.version.as_str()), Some(call.client_request_token.as_str()));
        self.secrets.move_stage(&call.secret_id, CURRENT, from, to).await?;
        rotation.finish(pending, now).await?;
        // Names only. The event on the stack's bus follows in `lambda::rotation`.
        tracing::info!(
            event = "secret.rotated",
            secret = call.secret_id,
            version = call.client_request_token,
            previous = current.version,
            "secret.rotated"
        );
        Ok(Outcome::Done)
    }

    /// Takes the label from a pending value that has been overtaken. The version is left without one, so that Secrets
    /// Manager forgets it.
    async fn give_up(&self, call: &Call) -> Result<RotationError, RotationError> {
        let (secret, version) = (&call.secret_id, &call.client_request_token);
        self.secrets.move_stage(secret, PENDING, Some(version), None).await?;
        tracing::warn!(secret, version, "a pending value was overtaken and given up");
        Ok(RotationError::Overtaken { secret: secret.clone() })
    }
}

#[cfg(test)]
mod tests;
