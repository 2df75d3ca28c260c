//! What an operator may know of a secret: dates, and the ids and labels of its versions. No value comes near this file.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, RotationRulesType};
use jiff::{SignedDuration, Timestamp};

use super::{INVALID_REQUEST, NOT_FOUND, PENDING, Secrets, code, unavailable};
use crate::{SecretError, client::CURRENT};

const INVALID_NEXT_TOKEN: &str = "InvalidNextTokenException";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A secret from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// As it is called in Secrets Manager.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether a rotation function is configured.
    pub rotates: bool,
    /// When a rotation last ended well.
    pub rotated_at: Option<Timestamp>,
    /// By when Secrets Manager is to rotate it next.
    pub next_rotation_at: Option<Timestamp>,
    /// How often it is to be rotated, where that is a number of days or hours.
    pub every: Option<SignedDuration>,
    /// The labels of each version that has one, by its id.
    pub versions: BTreeMap<String, Vec<String>>,
}

impl Overview {
    /// Since when its value has been in use, as far as rotations tell.
    pub fn in_use_since(&self) -> Timestamp {
        self.rotated_at.unwrap_or(self.created_at)
    }

    /// Whether a rotation has begun and not ended.
    pub fn is_rotating(&self) -> bool {
        let has = |stages: &[String], label| stages.iter().any(|stage| stage == label);
        self.versions.values().any(|stages| has(stages, PENDING) && !has(stages, CURRENT))
    }
}

/// What became of an order to rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// Secrets Manager has begun, and goes on by itself.
    Begun,
    /// It refuses: an earlier rotation has not ended, or there is no rotation function.
    Refused,
}

impl Secrets {
    /// The secrets whose names begin so, a page of them, and what to ask for the next page with. What changed in the last
    /// five minutes may be missing: ListSecrets is eventually consistent, [`Secrets::overview`] is not. Fails with
    /// [`SecretError::NoSuchPage`] where `after` is nothing that it ever answered.
    pub async fn overviews(
        &self,
        prefix: &str,
        limit: u16,
        after: Option<String>,
    ) -> Result<(Vec<Overview>, Option<String>), SecretError> {
        let named = Filter::builder().key(FilterNameStringType::Name).values(prefix).build();
        let call = self.client.list_secrets().filters(named).max_results(limit.into()).set_next_token(after);
        let page = Box::pin(call.send()).await.map_err(|error| match code(&error) {
            Some(INVALID_NEXT_TOKEN) => SecretError::NoSuchPage,
            _ => unavailable(&format!("{prefix}*"), &error),
        })?;
        let entry = |entry: aws_sdk_secretsmanager::types::SecretListEntry| Overview {
            name: entry.name.unwrap_or_default(),
            created_at: time(entry.created_date).unwrap_or(Timestamp::UNIX_EPOCH),
            rotates: entry.rotation_enabled.unwrap_or(false),
            rotated_at: time(entry.last_rotated_date),
            next_rotation_at: time(entry.next_rotation_date),
            every: entry.rotation_rules.as_ref().and_then(every),
            versions: labelled(entry.secret_versions_to_stages),
        };
        Ok((page.secret_list.unwrap_or_default().into_iter().map(entry).collect(), page.next_token))
    }

    /// One secret; none where there is none, or it is marked for deletion.
    pub async fn overview(&self, name: &str) -> Result<Option<Overview>, SecretError> {
        let found = match Box::pin(self.client.describe_secret().secret_id(name).send()).await {
            Ok(found) => found,
            Err(error) if code(&error) == Some(NOT_FOUND) => return Ok(None),
            Err(error) => return Err(unavailable(name, &error)),
        };
        if found.deleted_date.is_some() {
            return Ok(None);
        }
        Ok(Some(Overview {
            name: found.name.unwrap_or_default(),
            created_at: time(found.created_date).unwrap_or(Timestamp::UNIX_EPOCH),
            rotates: found.rotation_enabled.unwrap_or(false),
            rotated_at: time(found.last_rotated_date),
            next_rotation_at: time(found.next_rotation_date),
            every: found.rotation_rules.as_ref().and_then(every),
            versions: labelled(found.version_ids_to_stages),
        }))
    }

    /// Orders a rotation to the version `id` (32 to 64 characters); the same order again is the same rotation. The answer
    /// comes before the rotation ends.
    pub async fn order_rotation(&self, name: &str, id: &str) -> Result<Ordered, SecretError> {
        let call = self.client.rotate_secret().secret_id(name).client_request_token(id);
        match Box::pin(call.send()).await {
            Ok(_) => Ok(Ordered::Begun),
            Err(error) => match code(&error) {
                Some(INVALID_REQUEST) => Ok(Ordered::Refused),
                Some(NOT_FOUND) => Err(SecretError::Missing { secret: name.to_owned() }),
                _ => Err(unavailable(name, &error)),
            },
        }
    }
}

fn time(at: Option<DateTime>) -> Option<Timestamp> {
    let at = at?;
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).unwrap_or_default()).ok()
}

fn labelled(versions: Option<HashMap<String, Vec<String>>>) -> BTreeMap<String, Vec<String>> {
    versions.unwrap_or_default().into_iter().collect()
}

/// `AutomaticallyAfterDays`, or a schedule of `rate(n days|hours)`; a `cron(…)` has no period.
fn every(rules: &RotationRulesType) -> Option<SignedDuration> {
    if let Some(days) = rules.automatically_after_days {
        return i32::try_from(days).ok().map(|days| DAY * days);
    }
    let rate = rules.schedule_expression.as_deref()?.strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = rate.split_once(' ')?;
    let count: i32 = count.parse().ok()?;
    match unit {
        "day" | "days" => Some(DAY * count),
        "hour" | "hours" => Some(SignedDuration::from_hours(count.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stand_in::{StandIn, refusal};

    #[tokio::test]
    async fn what_aws_tells_is_understood() {
        let aws = StandIn::new(|action, _| match action {
            "ListSecrets" => Some((
                200,
                json!({"NextToken": "more", "SecretList": [{
                    "Name": "innkeeper/dev/a", "CreatedDate": 1_700_000_000.25, "RotationEnabled": true,
                    "RotationRules": {"AutomaticallyAfterDays": 30}, "LastRotatedDate": 1_700_000_100,
                    "SecretVersionsToStages": {"v1": ["AWSCURRENT"], "v2": ["AWSPENDING"]},
                }]}),
            )),
            _ => refusal("ResourceNotFoundException"),
        });
        let secrets = aws.secrets();
        let (page, next) = secrets.overviews("innkeeper/dev/", 10, None).await.unwrap();
        assert_eq!(aws.last("ListSecrets")["Filters"], json!([{"Key": "name", "Values": ["innkeeper/dev/"]}]));
        assert_eq!(next.as_deref(), Some("more"));
        assert_eq!(page[0].every, Some(SignedDuration::from_hours(24 * 30)));
        assert_eq!(page[0].in_use_since().as_second(), 1_700_000_100);
        assert!(page[0].rotates && page[0].is_rotating());
        assert_eq!(secrets.overview("innkeeper/dev/b").await.unwrap(), None);
        assert!(secrets.order_rotation("innkeeper/dev/b", "t").await.is_err());
    }

    #[tokio::test]
    async fn a_page_that_was_never_offered_is_no_outage() {
        let secrets = StandIn::new(|_, _| refusal("InvalidNextTokenException")).secrets();
        let made_up = secrets.overviews("innkeeper/dev/", 10, Some("made up".to_owned())).await;
        assert!(matches!(made_up, Err(SecretError::NoSuchPage)));
    }

    #[test]
    fn a_schedule_has_a_period_or_none() {
        let of = |schedule: &str| every(&RotationRulesType::builder().schedule_expression(schedule).build());
        assert_eq!(of("rate(4 hours)"), Some(SignedDuration::from_hours(4)));
        assert_eq!(of("rate(1 day)"), Some(DAY));
        assert_eq!(of("cron(0 8 1 * ? *)"), None);
    }
}
