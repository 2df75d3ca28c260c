//! One secret: its versions, and the rules by which staging labels move between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rotation::Rotation;
use crate::aws::AwsError;

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
pub(super) const PENDING: &str = "AWSPENDING";

/// Secrets Manager keeps about a hundred versions, and forgets unlabelled ones past that.
const MAX_VERSIONS: usize = 100;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// Told as it was asked for; nothing is encrypted here.
    pub(super) kms_key_id: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// Oldest first.
    pub(super) versions: Vec<Version>,
    pub(super) rotation: Option<Rotation>,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) rotated: Option<Timestamp>,
    /// When it is gone for good, if it is scheduled for deletion.
    pub(super) deletion: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) stages: BTreeSet<String>,
    /// Absent between the start of a rotation and its `createSecret` step.
    pub(super) value: Option<SecretValue>,
    pub(super) created: Timestamp,
}

/// The secret itself; binary as base64, as it is on the wire. Cannot be printed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum SecretValue {
    #[serde(rename = "SecretString")]
    Text(String),
    #[serde(rename = "SecretBinary")]
    Binary(String),
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Secret {
    pub(super) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(super) fn labelled(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.contains(stage))
    }

    /// Adds a version and labels it. The same token with the same value is ignored, with another value refused.
    pub(super) fn put(
        &mut self,
        id: &str,
        value: SecretValue,
        stages: &[String],
        now: Timestamp,
    ) -> Result<(), AwsError> {
        match self.version(id).map(|version| version.value.as_ref()) {
            Some(Some(known)) if *known == value => return Ok(()),
            Some(Some(_)) => return Err(self.token_in_use(id)),
            Some(None) => {}
            None => {
                self.versions.push(Version { id: id.to_owned(), stages: BTreeSet::new(), value: None, created: now })
            }
        }
        if let Some(version) = self.versions.iter_mut().find(|version| version.id == id) {
            version.value = Some(value);
        }
        for stage in stages {
            self.attach(stage, id);
        }
        // The first value of a secret is current whatever the request says.
        if self.labelled(CURRENT).is_none() {
            self.attach(CURRENT, id);
        }
        self.prune();
        Ok(())
    }

    /// Reserves a version for a rotation: labelled, without a value yet.
    pub(super) fn reserve(&mut self, id: &str, now: Timestamp) {
        if self.version(id).is_none() {
            self.versions.push(Version { id: id.to_owned(), stages: BTreeSet::new(), value: None, created: now });
        }
        self.attach(PENDING, id);
    }

    /// Whether a rotation has begun and not been finished: a version pends that is not the current one.
    pub(super) fn pending(&self) -> Option<&Version> {
        self.labelled(PENDING).filter(|version| !version.stages.contains(CURRENT))
    }

    /// Takes AWSPENDING from the version that has become the current one.
    pub(super) fn settle(&mut self) {
        if self.pending().is_none() {
            self.detach(PENDING);
        }
    }

    /// Labels a version; the label leaves whichever version had it. What was current becomes previous.
    pub(super) fn attach(&mut self, stage: &str, id: &str) {
        let held = self.labelled(stage).map(|version| version.id.clone());
        if held.as_deref() == Some(id) {
            return;
        }
        if stage == CURRENT {
            self.detach(PREVIOUS);
        }
        for version in &mut self.versions {
            if version.stages.remove(stage) && stage == CURRENT {
                version.stages.insert(PREVIOUS.to_owned());
            }
            if version.id == id {
                version.stages.insert(stage.to_owned());
            }
        }
    }

    /// `UpdateSecretVersionStage`: moves a label from the version that must have it now to another one.
    pub(super) fn move_stage(&mut self, stage: &str, from: Option<&str>, to: Option<&str>) -> Result<(), AwsError> {
        let invalid = |message: String| Err(AwsError::refused("InvalidParameterException", message));
        for id in [from, to].into_iter().flatten() {
            if self.version(id).is_none() {
                return Err(no_value(&format!("VersionId: {id}")));
            }
        }
        let holder = self.labelled(stage).map(|version| version.id.as_str());
        match (holder, from, to) {
            (_, None, None) => return invalid("You must specify MoveToVersionId or RemoveFromVersionId.".to_owned()),
            (_, Some(_), None) if stage == CURRENT => {
                return invalid(format!(
                    "You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
                ));
            }
            (holder, None, Some(to)) if holder == Some(to) => {}
            (Some(holder), None, Some(_)) => {
                return invalid(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version \
                     {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                ));
            }
            (holder, Some(from), _) if holder != Some(from) => {
                return invalid(format!("The staging label {stage} isn't attached to version {from}."));
            }
            (_, _, Some(to)) => self.attach(stage, to),
            (_, Some(_), None) => self.detach(stage),
        }
        self.prune();
        Ok(())
    }

    fn detach(&mut self, stage: &str) {
        for version in &mut self.versions {
            version.stages.remove(stage);
        }
    }

    fn prune(&mut self) {
        while self.versions.len() > MAX_VERSIONS
            && let Some(oldest) = self.versions.iter().position(|version| version.stages.is_empty())
        {
            self.versions.remove(oldest);
        }
    }

    fn token_in_use(&self, id: &str) -> AwsError {
        let arn = &self.arn;
        AwsError::refused(
            "ResourceExistsException",
            format!(
                "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {arn}."
            ),
        )
    }
}

/// There is no such version, or it has no value yet; `what` says which one was asked for.
pub(super) fn no_value(what: &str) -> AwsError {
    let message = format!("Secrets Manager can't find the specified secret value for {what}");
    AwsError::refused("ResourceNotFoundException", message)
}
