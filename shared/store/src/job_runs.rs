//! When each scheduled job last ran, in the table of counts: nothing that a restore would need.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnValue};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Limits, StoreError,
    item::{Item, n, s},
};

/// Longer than the longest period.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
const PREFIX: &str = "job-run#";
/// Of the note on a job that has not run.
const AWAITED: &str = "job-awaited#";

/// One run of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRun {
    /// When it began.
    pub at: Timestamp,
    /// Whether it did what it was to do.
    pub succeeded: bool,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

impl Limits {
    /// Notes a run in place of the one before. One write.
    pub async fn note_job_run(&self, job: &str, run: JobRun) -> Result<(), StoreError> {
        let forgotten = run.at.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", s(format!("{PREFIX}{job}")))
            .item("at", n(run.at.as_millisecond()))
            .item("took_ms", n(run.took_ms))
            .item("ok", n(u8::from(run.succeeded)))
            .item("ttl", n(forgotten.as_second()));
        Box::pin(put.send()).await?;
        Ok(())
    }

    /// The last run of each of these, at most a hundred; who is not in the answer never ran. One `BatchGetItem`.
    pub async fn job_runs(&self, jobs: &[String]) -> Result<BTreeMap<String, JobRun>, StoreError> {
        if jobs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let keys = jobs.iter().map(|job| HashMap::from([("pk".to_owned(), s(format!("{PREFIX}{job}")))])).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).build()?;
        let answer = Box::pin(self.client.batch_get_item().request_items(&self.table, wanted).send()).await?;
        if answer.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
            return Err(StoreError::busy("DynamoDB left keys unread"));
        }
        Ok(answer.responses.unwrap_or_default().into_values().flatten().filter_map(|item| read(&item)).collect())
    }

    /// Since when a run of this job is waited for: since the first call for a job of which none is known. One write.
    pub async fn job_awaited_since(&self, job: &str, now: Timestamp) -> Result<Timestamp, StoreError> {
        let forgotten = now.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        let note = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", s(format!("{AWAITED}{job}")))
            .update_expression("SET #at = if_not_exists(#at, :now), #ttl = if_not_exists(#ttl, :ttl)")
            .expression_attribute_names("#at", "at")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(now.as_millisecond()))
            .expression_attribute_values(":ttl", n(forgotten.as_second()))
            .return_values(ReturnValue::AllNew);
        let item = Box::pin(note.send()).await?.attributes.unwrap_or_default();
        Ok(number(&item, "at").and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(now))
    }
}

fn read(item: &Item) -> Option<(String, JobRun)> {
    let job = item.get("pk")?.as_s().ok()?.strip_prefix(PREFIX)?.to_owned();
    let at = Timestamp::from_millisecond(number(item, "at")?).ok()?;
    Some((job, JobRun { at, succeeded: number(item, "ok")? == 1, took_ms: number(item, "took_ms")? }))
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
