//! Making secrets, reading and writing their values, and moving labels.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::secret::{CURRENT, Secret, SecretValue, Version, no_value};
use super::{SecretsManager, epoch, find, invalid_parameter, invalid_request};
use crate::{aws::AwsError, template::arn::secret_arn};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PutValue {
    secret_id: String,
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    version_stages: Option<Vec<String>>,
    /// Names the session of a cross-account rotation; every caller here is in one account.
    #[serde(rename = "RotationToken")]
    _rotation_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateStage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

impl SecretsManager {
    pub(super) fn create(&self, request: Create) -> Result<Value, AwsError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if request.name.is_empty() || request.name.len() > 512 || !request.name.chars().all(legal) {
            return Err(invalid_parameter(
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
            ));
        }
        let token = self.token(request.client_request_token)?;
        let value = value(request.secret_string, request.secret_binary)?;
        let mut secrets = self.lock()?;
        if let Some(known) = find(&secrets, &request.name) {
            return again(known, &token, value.as_ref());
        }
        let now = self.clock.now();
        let mut secret = Secret {
            arn: secret_arn(&self.region, &request.name),
            name: request.name,
            description: request.description,
            kms_key_id: request.kms_key_id,
            tags: tags(request.tags),
            versions: Vec::new(),
            rotation: None,
            created: now,
            changed: now,
            rotated: None,
            deletion: None,
        };
        let version = value.is_some().then_some(&token);
        if let Some(value) = value {
            secret.put(&token, value, &[], now)?;
        }
        let answer = json!({"ARN": secret.arn, "Name": secret.name, "VersionId": version});
        self.keep(&mut secrets, secret)?;
        Ok(answer)
    }

    pub(super) fn get_value(&self, request: &GetValue) -> Result<Value, AwsError> {
        self.with(&request.secret_id, |secret| {
            let version = chosen(secret, request)?;
            let value = version.value.as_ref().ok_or_else(|| no_value(&format!("VersionId: {}", version.id)))?;
            let mut answer = json!({
                "ARN": secret.arn,
                "Name": secret.name,
                "VersionId": version.id,
                "VersionStages": version.stages,
                "CreatedDate": epoch(version.created),
            });
            match value {
                SecretValue::Text(text) => answer["SecretString"] = text.as_str().into(),
                SecretValue::Binary(base64) => answer["SecretBinary"] = base64.as_str().into(),
            }
            Ok(answer)
        })
    }

    pub(super) fn put_value(&self, request: PutValue) -> Result<Value, AwsError> {
        let token = self.token(request.client_request_token)?;
        let value = value(request.secret_string, request.secret_binary)?;
        let value = value.ok_or_else(|| invalid_request("You must provide either SecretString or SecretBinary."))?;
        let stages = request.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        self.change(&request.secret_id, |secret, now| {
            secret.put(&token, value, &stages, now)?;
            let stages = secret.version(&token).map(|version| &version.stages);
            Ok(json!({"ARN": secret.arn, "Name": secret.name, "VersionId": token, "VersionStages": stages}))
        })
    }

    pub(super) fn update_stage(&self, request: &UpdateStage) -> Result<Value, AwsError> {
        let (from, to) = (request.remove_from_version_id.as_deref(), request.move_to_version_id.as_deref());
        self.change(&request.secret_id, |secret, _| {
            secret.move_stage(&request.version_stage, from, to)?;
            Ok(json!({"ARN": secret.arn, "Name": secret.name}))
        })
    }

    /// The caller's idempotency token, which is the version's id, or a new one.
    pub(super) fn token(&self, given: Option<String>) -> Result<String, AwsError> {
        match given {
            Some(token) if (32..=64).contains(&token.len()) => Ok(token),
            Some(_) => Err(invalid_parameter("ClientRequestToken must be 32-64 characters long.")),
            None => {
                let hex = format!("{:032x}", u128::from_be_bytes(domain::bytes(&*self.entropy)));
                Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
            }
        }
    }
}

pub(super) fn tags(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// `CreateSecret` for a name that is taken: fine if it is the same request again.
fn again(known: &Secret, token: &str, value: Option<&SecretValue>) -> Result<Value, AwsError> {
    if known.deletion.is_some() {
        return Err(invalid_request(
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    match known.version(token) {
        Some(version) if version.value.as_ref() == value => {
            Ok(json!({"ARN": known.arn, "Name": known.name, "VersionId": token}))
        }
        _ => Err(AwsError::refused(
            "ResourceExistsException",
            format!("The operation failed because the secret {} already exists.", known.name),
        )),
    }
}

/// The version that a reader means: by id, by label (the current one unless said otherwise), or by both if they agree.
fn chosen<'a>(secret: &'a Secret, request: &GetValue) -> Result<&'a Version, AwsError> {
    let stage = request.version_stage.as_deref();
    let Some(id) = request.version_id.as_deref() else {
        let stage = stage.unwrap_or(CURRENT);
        return secret.labelled(stage).ok_or_else(|| no_value(&format!("staging label: {stage}")));
    };
    let version = secret.version(id).ok_or_else(|| no_value(&format!("VersionId: {id}")))?;
    match stage {
        Some(stage) if !version.stages.contains(stage) => {
            Err(invalid_request("You provided a VersionStage that is not associated to the provided VersionId."))
        }
        _ => Ok(version),
    }
}

fn value(text: Option<String>, binary: Option<String>) -> Result<Option<SecretValue>, AwsError> {
    match (text, binary) {
        (Some(_), Some(_)) => {
            Err(invalid_parameter("You can't specify both a binary secret value and a string secret value."))
        }
        (text, binary) => Ok(text.map(SecretValue::Text).or(binary.map(SecretValue::Binary))),
    }
}
