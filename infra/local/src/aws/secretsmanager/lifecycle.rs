//! What a secret is besides its value: description, listing, tags, deletion and its undoing.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::secret::Secret;
use super::values::{Tag, tags};
use super::{KIND, SecretsManager, absent, epoch, find, invalid_parameter, invalid_request};
use crate::aws::AwsError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    #[serde(default)]
    include_planned_deletion: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    values: Vec<String>,
}

impl Filter {
    /// Of the keys that AWS knows, only `name`: the beginning of the secret's, or with `!` none of these beginnings.
    fn fits(&self, secret: &Secret) -> bool {
        let begins = |value: &String| match value.strip_prefix('!') {
            Some(other) => !secret.name.starts_with(other),
            None => secret.name.starts_with(value.as_str()),
        };
        self.values.iter().any(begins)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListVersions {
    secret_id: String,
    #[serde(default)]
    include_deprecated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Delete {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tagged {
    secret_id: String,
    tags: Vec<Tag>,
}

impl SecretsManager {
    /// Tells of a secret that is scheduled for deletion too.
    pub(super) fn describe(&self, request: &Named) -> Result<Value, AwsError> {
        let secrets = self.lock()?;
        find(&secrets, &request.secret_id).map(description).ok_or_else(absent)
    }

    pub(super) fn list(&self, request: &List) -> Result<Value, AwsError> {
        if let Some(filter) = request.filters.iter().find(|filter| filter.key != "name") {
            return Err(AwsError::unknown(format!("ListSecrets with the filter {}", filter.key)));
        }
        let secrets = self.lock()?;
        let from = request.next_token.as_deref().unwrap_or_default();
        let mut shown = secrets
            .values()
            .filter(|secret| secret.name.as_str() > from)
            .filter(|secret| request.include_planned_deletion || secret.deletion.is_none())
            .filter(|secret| request.filters.iter().all(|filter| filter.fits(secret)));
        let page: Vec<&Secret> = shown.by_ref().take(request.max_results.unwrap_or(100).clamp(1, 100)).collect();
        // Names are in order, so the last one shown says where the next page begins.
        let next = shown.next().and_then(|_| page.last()).map(|secret| &secret.name);
        let mut answer = json!({"SecretList": page.iter().map(|secret| entry(secret)).collect::<Vec<_>>()});
        if let Some(next) = next {
            answer["NextToken"] = next.as_str().into();
        }
        Ok(answer)
    }

    pub(super) fn list_versions(&self, request: &ListVersions) -> Result<Value, AwsError> {
        let secrets = self.lock()?;
        let secret = find(&secrets, &request.secret_id).ok_or_else(absent)?;
        let shown = secret.versions.iter().filter(|version| request.include_deprecated || !version.stages.is_empty());
        let versions = shown.map(|version| {
            json!({"VersionId": version.id, "VersionStages": version.stages, "CreatedDate": epoch(version.created)})
        });
        Ok(json!({"ARN": secret.arn, "Name": secret.name, "Versions": versions.collect::<Vec<_>>()}))
    }

    pub(super) fn delete(&self, request: &Delete) -> Result<Value, AwsError> {
        let force = request.force_delete_without_recovery;
        let days = match request.recovery_window_in_days {
            Some(_) if force => {
                return Err(invalid_parameter(
                    "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
                ));
            }
            Some(days) if !(7..=30).contains(&days) => {
                return Err(invalid_parameter("RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."));
            }
            days => days.unwrap_or(30),
        };
        if force {
            return self.delete_now(&request.secret_id);
        }
        self.change(&request.secret_id, |secret, now| {
            let at = now.saturating_add(SignedDuration::from_hours(24 * days)).map_err(AwsError::internal)?;
            secret.deletion = Some(at);
            Ok(json!({"ARN": secret.arn, "Name": secret.name, "DeletionDate": epoch(at)}))
        })
    }

    /// As on AWS, forcing the deletion of what is not there succeeds.
    fn delete_now(&self, id: &str) -> Result<Value, AwsError> {
        let mut secrets = self.lock()?;
        let now = epoch(self.clock.now());
        let Some((name, arn)) = find(&secrets, id).map(|secret| (secret.name.clone(), secret.arn.clone())) else {
            return Ok(json!({"ARN": self.arn_of_absent(id), "Name": id, "DeletionDate": now}));
        };
        self.persist.delete(KIND, &name)?;
        secrets.remove(&name);
        Ok(json!({"ARN": arn, "Name": name, "DeletionDate": now}))
    }

    pub(super) fn restore(&self, request: &Named) -> Result<Value, AwsError> {
        self.change_any(&request.secret_id, |secret, _| match secret.deletion.take() {
            Some(_) => Ok(json!({"ARN": secret.arn, "Name": secret.name})),
            None => Err(invalid_request("You can't restore a secret that isn't scheduled for deletion.")),
        })
    }

    pub(super) fn tag(&self, request: Tagged) -> Result<Value, AwsError> {
        self.change(&request.secret_id, |secret, _| {
            secret.tags.extend(tags(request.tags));
            Ok(json!({}))
        })
    }
}

/// An entry of `ListSecrets`: as `DescribeSecret` tells it, but for the name of one member.
fn entry(secret: &Secret) -> Value {
    let mut entry = description(secret);
    if let Some(members) = entry.as_object_mut()
        && let Some(versions) = members.remove("VersionIdsToStages")
    {
        members.insert("SecretVersionsToStages".to_owned(), versions);
    }
    entry
}

/// `DescribeSecret`; members without a value are left out.
fn description(secret: &Secret) -> Value {
    let versions: serde_json::Map<String, Value> = secret
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty())
        .map(|version| (version.id.clone(), json!(version.stages)))
        .collect();
    let tags: Vec<Value> = secret.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let mut all = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description,
        "KmsKeyId": secret.kms_key_id,
        "CreatedDate": epoch(secret.created),
        "LastChangedDate": epoch(secret.changed),
        "LastRotatedDate": secret.rotated.map(epoch),
        "NextRotationDate": secret.next_rotation().map(epoch),
        "DeletedDate": secret.deletion.map(epoch),
        "RotationEnabled": secret.rotation.is_some(),
        "RotationLambdaARN": secret.rotation.as_ref().map(|rotation| &rotation.lambda),
        "RotationRules": secret.rotation.as_ref().map(|rotation| &rotation.rules),
        "Tags": tags,
        "VersionIdsToStages": versions,
    });
    if let Some(members) = all.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    all
}
