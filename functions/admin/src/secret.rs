//! What the operator's routes show of a secret, and what they work with. Ids, labels and dates; no function here may read a
//! value.

use domain::{SecretName, is_overdue};
use jiff::{SignedDuration, Timestamp};
use lambda::{
    Env, FromEnv, StartError,
    http::{Problem, kinds},
};
use secrets::{Overview, Secrets};
use serde::Serialize;
use utoipa::ToSchema;

/// Secrets Manager, and which of its secrets are this stage's.
pub struct Deps {
    pub(crate) secrets: Secrets,
    pub(crate) stage: String,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { secrets: Secrets::new(&env.sdk), stage: env.required("STAGE")?.to_owned() })
    }
}

impl Deps {
    /// The name, in full or from after the stage on; what is no name of this stage is not there.
    pub(crate) fn name(&self, text: &str) -> Result<SecretName, Problem> {
        SecretName::of_stage(&self.stage, text).map_err(|_| Problem::new(&kinds::NOT_FOUND))
    }
}

/// A secret, from outside.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
pub struct Answer {
    #[schema(example = "innkeeper/production/signing-keys")]
    name: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// How long the current value has been in use, in seconds: since the last rotation, or since the secret was made.
    age_seconds: i64,
    /// Whether a function rotates it.
    rotates: bool,
    /// How often, in hours; none where the schedule has no fixed period.
    #[schema(example = 720)]
    rotates_every_hours: Option<i64>,
    /// None where no rotation has ended well yet.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_rotated_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    next_rotation_at: Option<Timestamp>,
    /// A rotation has begun and not ended.
    rotation_under_way: bool,
    /// The value is a day older than its schedule allows.
    overdue: bool,
    /// The versions that have a label.
    versions: Vec<Version>,
}

/// A version, without its value.
#[derive(Serialize, ToSchema)]
#[schema(as = SecretVersion)]
struct Version {
    id: String,
    #[schema(example = json!(["AWSCURRENT"]))]
    stages: Vec<String>,
}

/// Whether its value is older than its schedule allows.
pub(crate) fn is_late(secret: &Overview, now: Timestamp) -> bool {
    let every = secret.every.filter(|_| secret.rotates);
    every.is_some_and(|every| is_overdue(secret.in_use_since(), every, now))
}

impl Answer {
    pub(crate) fn of(secret: Overview, now: Timestamp) -> Self {
        let in_use_since = secret.in_use_since();
        let every = secret.every.filter(|_| secret.rotates);
        Self {
            created_at: secret.created_at,
            age_seconds: now.duration_since(in_use_since).max(SignedDuration::ZERO).as_secs(),
            rotates: secret.rotates,
            rotates_every_hours: every.map(|every| every.as_hours()),
            last_rotated_at: secret.rotated_at,
            next_rotation_at: secret.next_rotation_at,
            rotation_under_way: secret.is_rotating(),
            overdue: is_late(&secret, now),
            versions: secret.versions.into_iter().map(|(id, stages)| Version { id, stages }).collect(),
            name: secret.name,
        }
    }
}
