//! Rotation: the four steps of the rotation Lambda, in order, for one version.
//!
//! As on AWS, a rotation begins with a version that is labelled AWSPENDING and has no value, and a rotation that failed
//! leaves the label there; the next attempt goes on with the same version. `RotateSecret` answers once the version is
//! reserved; the steps are run by whoever waits for [`SecretsManager::ordered`] and calls [`SecretsManager::rotate_due`].

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::secret::{CURRENT, PENDING, Secret};
use super::{SecretsManager, find, invalid_parameter, invalid_request};
use crate::aws::{AwsError, InvokeError};

/// The steps of a rotation Lambda, in order.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// A rotation that failed is tried again after this long.
const TRY_AGAIN: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rotation {
    pub(super) lambda: String,
    /// `RotationRules` as given.
    pub(super) rules: Value,
    configured: Timestamp,
    /// When a rotation that did not end is taken up again.
    retry: Option<Timestamp>,
}

/// Why a rotation did not end.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The secret cannot be rotated.
    #[error(transparent)]
    Refused(#[from] AwsError),
    /// The Lambda failed in this step; the version stays AWSPENDING.
    #[error("step {step} failed")]
    Step {
        /// `createSecret`, `setSecret`, `testSecret` or `finishSecret`.
        step: &'static str,
        /// What the Lambda reported.
        #[source]
        source: InvokeError,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Rotate {
    secret_id: String,
    client_request_token: Option<String>,
    #[serde(rename = "RotationLambdaARN")]
    rotation_lambda_arn: Option<String>,
    rotation_rules: Option<Value>,
    rotate_immediately: Option<bool>,
}

impl SecretsManager {
    pub(super) fn rotate_secret(&self, request: Rotate) -> Result<Value, AwsError> {
        let token = self.token(request.client_request_token.clone())?;
        let now = request.rotate_immediately.unwrap_or(true);
        let answer = self.change(&request.secret_id, |secret, at| {
            secret.configure(&request, at)?;
            match now {
                true => secret.begin(&token, at)?,
                false => return Ok(json!({"ARN": secret.arn, "Name": secret.name})),
            }
            // In the state that is kept, so that a restart does not lose the order.
            secret.resume(at);
            Ok(json!({"ARN": secret.arn, "Name": secret.name, "VersionId": token}))
        })?;
        if now {
            self.ordered.notify_one();
        }
        Ok(answer)
    }

    /// Resolves when somebody has ordered a rotation since it last did.
    pub async fn ordered(&self) {
        self.ordered.notified().await;
    }

    /// Who rotates also invokes, on AWS and here:
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html>
    pub(super) fn rotation_needs(&self, id: &str, request: &Value) -> Option<(String, String)> {
        let named = request["RotationLambdaARN"].as_str().map(str::to_owned);
        let known = || Some(find(&*self.lock().ok()?, id)?.rotation.as_ref()?.lambda.clone());
        let lambda = named.or_else(known)?;
        Some(("lambda:InvokeFunction".to_owned(), lambda))
    }

    /// Rotates every secret that is due, or goes on with its unfinished rotation; says how each ended.
    pub async fn rotate_due(&self) -> Result<Vec<(String, Result<(), RotationError>)>, AwsError> {
        let now = self.clock.now();
        let is_due = |secret: &Secret| secret.deletion.is_none() && secret.next_rotation().is_some_and(|at| at <= now);
        let due: Vec<String> = self.lock()?.values().filter(|it| is_due(it)).map(|it| it.name.clone()).collect();
        let mut ended = Vec::new();
        for name in due {
            let result = self.rotate(&name).await;
            ended.push((name, result));
        }
        Ok(ended)
    }

    /// When [`rotate_due`](Self::rotate_due) next has something to do.
    pub fn next_rotation(&self) -> Option<Timestamp> {
        let secrets = self.lock().ok()?;
        secrets.values().filter(|secret| secret.deletion.is_none()).filter_map(Secret::next_rotation).min()
    }

    /// Rotates one secret now, or goes on with its unfinished rotation.
    pub async fn rotate(&self, id: &str) -> Result<(), RotationError> {
        let fresh = self.token(None)?;
        let token = self.change(id, |secret, now| {
            // The label stays until the end, even where the last step died after it had made the version current.
            let token = secret.labelled(PENDING).map_or(fresh, |version| version.id.clone());
            secret.reserve(&token, now);
            Ok(token)
        })?;
        self.steps(id, &token).await
    }

    /// What AWS does where a rotation is configured without rotating: it reserves a version, has it tested, and lets it go. Here
    /// on demand.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html>
    pub async fn try_out(&self, id: &str) -> Result<(), RotationError> {
        let token = self.token(None)?;
        let (arn, lambda) = self.change(id, |secret, now| {
            secret.reserve(&token, now);
            Ok((secret.arn.clone(), secret.rotation()?.lambda.clone()))
        })?;
        let tested = self.step("testSecret", &lambda, &arn, &token).await;
        self.change(id, |secret, _| {
            secret.versions.retain(|version| version.id != token);
            Ok(())
        })?;
        tested
    }

    /// No lock is held while the Lambda runs: it reads and writes the secret that it rotates.
    async fn steps(&self, id: &str, token: &str) -> Result<(), RotationError> {
        let (arn, lambda) = self.with(id, |secret| Ok((secret.arn.clone(), secret.rotation()?.lambda.clone())))?;
        for step in STEPS {
            if let Err(error) = self.step(step, &lambda, &arn, token).await {
                self.ended(&arn, false)?;
                return Err(error);
            }
        }
        Ok(self.ended(&arn, true)?)
    }

    async fn step(&self, step: &'static str, lambda: &str, arn: &str, token: &str) -> Result<(), RotationError> {
        let event = json!({"Step": step, "SecretId": arn, "ClientRequestToken": token});
        self.invoker.invoke(lambda, event).await.map(drop).map_err(|source| RotationError::Step { step, source })
    }

    fn ended(&self, arn: &str, well: bool) -> Result<(), AwsError> {
        self.change(arn, |secret, now| {
            secret.rotated = if well { Some(now) } else { secret.rotated };
            if well {
                // As on AWS, the service does it once the Lambda is through, and the Lambda leaves the label alone.
                secret.settle();
            }
            if let Some(rotation) = &mut secret.rotation {
                rotation.retry = if well { None } else { now.saturating_add(TRY_AGAIN).ok() };
            }
            Ok(())
        })
    }
}

impl Secret {
    /// When the secret is to be rotated next, if its rules say so.
    pub(super) fn next_rotation(&self) -> Option<Timestamp> {
        let rotation = self.rotation.as_ref()?;
        if rotation.retry.is_some() {
            return rotation.retry;
        }
        let period = period(&rotation.rules).ok()??;
        let since = self.rotated.map_or(rotation.configured, |rotated| rotated.max(rotation.configured));
        since.saturating_add(period).ok()
    }

    /// A rotation that the end of the process cut short is due at once.
    pub(super) fn resume(&mut self, now: Timestamp) {
        let unfinished = self.labelled(PENDING).is_some();
        if let Some(rotation) = self.rotation.as_mut().filter(|_| unfinished) {
            rotation.retry = Some(now);
        }
    }

    fn rotation(&self) -> Result<&Rotation, AwsError> {
        self.rotation
            .as_ref()
            .ok_or_else(|| invalid_request("No Lambda rotation function ARN is associated with this secret."))
    }

    fn configure(&mut self, request: &Rotate, now: Timestamp) -> Result<(), AwsError> {
        let known = self.rotation.take();
        let lambda = request.rotation_lambda_arn.clone().or_else(|| known.as_ref().map(|known| known.lambda.clone()));
        let rules = request.rotation_rules.clone().or_else(|| known.as_ref().map(|known| known.rules.clone()));
        if let Some(rules) = &rules {
            period(rules)?;
        }
        self.rotation = lambda.map(|lambda| Rotation {
            lambda,
            rules: rules.unwrap_or_else(|| json!({})),
            configured: known
                .as_ref()
                .filter(|_| request.rotation_rules.is_none())
                .map_or(now, |known| known.configured),
            retry: None,
        });
        self.rotation().map(drop)
    }

    /// Reserves the version that this request rotates to; the same request again finds it.
    fn begin(&mut self, token: &str, now: Timestamp) -> Result<(), AwsError> {
        match self.pending() {
            Some(version) if version.id != token => {
                Err(invalid_request("A previous rotation isn't complete. That rotation will be reattempted."))
            }
            None if self.version(token).is_some_and(|version| !version.stages.contains(CURRENT)) => {
                Err(invalid_parameter(format!("The version {token} exists already.")))
            }
            _ => {
                self.reserve(token, now);
                Ok(())
            }
        }
    }
}

/// How often the rules ask for a rotation: `AutomaticallyAfterDays` or `ScheduleExpression: rate(N days|hours)`.
fn period(rules: &Value) -> Result<Option<SignedDuration>, AwsError> {
    if let Some(days) = rules["AutomaticallyAfterDays"].as_i64() {
        return match (1..=1_000).contains(&days) {
            true => Ok(Some(SignedDuration::from_hours(24 * days))),
            false => Err(invalid_parameter("AutomaticallyAfterDays must be between 1 and 1000.")),
        };
    }
    let Some(schedule) = rules["ScheduleExpression"].as_str() else { return Ok(None) };
    let parts =
        schedule.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).and_then(|rate| rate.split_once(' '));
    match parts.map(|(count, unit)| (count.parse::<i64>(), unit)) {
        Some((Ok(days @ 1..=999), "day" | "days")) => Ok(Some(SignedDuration::from_hours(24 * days))),
        Some((Ok(hours @ 4..=999), "hour" | "hours")) => Ok(Some(SignedDuration::from_hours(hours))),
        _ => Err(AwsError::unknown(format!("the rotation schedule {schedule:?}"))),
    }
}
