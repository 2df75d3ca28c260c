//! How many executions there are, by how they stand.

use aws_sdk_sfn::{Client, operation::list_executions::ListExecutionsOutput, types::ExecutionStatus};
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};

use crate::{WorkflowError, executions::unavailable};

/// The most that one call lists.
const PAGE: i32 = 1_000;
/// No machine runs for longer (its `TimeoutSeconds`). Lists are in the order of the starts, so what began earlier than this before
/// the time asked about has ended before it.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// Those that somebody gave up among them.
const BADLY: [ExecutionStatus; 3] = [ExecutionStatus::Failed, ExecutionStatus::Aborted, ExecutionStatus::TimedOut];

/// Counts executions. It sees no input and no output of one.
#[derive(Clone)]
pub struct Census {
    client: Client,
}

/// The executions of one state machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that run now, whenever they began.
    pub running: usize,
    /// Of those that ended within the time asked for, whenever they began: ended well.
    pub succeeded: usize,
    /// Ended with a failure, or were given up by somebody.
    pub failed: usize,
    /// Ran out of their time.
    pub timed_out: usize,
    /// Whether these are all: false where there may be more than the thousand of one kind that are looked at.
    pub complete: bool,
}

impl Census {
    /// A client for any machine.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Those of the machine with this ARN that ended within that time, and those that run. Five ListExecutions.
    ///
    /// # Errors
    /// [`WorkflowError::Unavailable`].
    pub async fn count(&self, machine: &str, within: SignedDuration, now: Timestamp) -> Result<Counts, WorkflowError> {
        let running = self.page(machine, ExecutionStatus::Running).await?;
        let mut counts =
            Counts { running: running.executions.len(), complete: running.next_token.is_none(), ..Counts::default() };
        for status in [ExecutionStatus::Succeeded].into_iter().chain(BADLY) {
            let (ended, complete) = self.ended(machine, status.clone(), within, now).await?;
            match status {
                ExecutionStatus::Succeeded => counts.succeeded += ended,
                ExecutionStatus::TimedOut => counts.timed_out += ended,
                _ => counts.failed += ended,
            }
            counts.complete &= complete;
        }
        Ok(counts)
    }

    /// How many of them ended badly within that time. Three ListExecutions.
    ///
    /// # Errors
    /// [`WorkflowError::Unavailable`].
    pub async fn failures(
        &self,
        machine: &str,
        within: SignedDuration,
        now: Timestamp,
    ) -> Result<usize, WorkflowError> {
        let mut failures = 0;
        for status in BADLY {
            failures += self.ended(machine, status, within, now).await?.0;
        }
        Ok(failures)
    }

    /// How many ended so within that time, and whether these are all.
    async fn ended(
        &self,
        machine: &str,
        status: ExecutionStatus,
        within: SignedDuration,
        now: Timestamp,
    ) -> Result<(usize, bool), WorkflowError> {
        let page = self.page(machine, status).await?;
        let since = now.saturating_sub(within).unwrap_or(Timestamp::MIN).as_second();
        let lately = page.executions.iter().filter(|it| it.stop_date.is_some_and(|at| at.secs() >= since)).count();
        let earliest = since.saturating_sub(LONGEST.as_secs());
        let older = page.executions.last().is_none_or(|it| it.start_date.secs() < earliest);
        Ok((lately, page.next_token.is_none() || older))
    }

    /// Newest first, by when they began.
    async fn page(&self, machine: &str, status: ExecutionStatus) -> Result<ListExecutionsOutput, WorkflowError> {
        let list = self.client.list_executions().state_machine_arn(machine).status_filter(status).max_results(PAGE);
        list.send().await.map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r19_no_machine_runs_for_longer_than_the_census_looks_back() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../statemachines");
        let mut machines = 0;
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                let machine: serde_json::Value = serde_json::from_str(&text).unwrap();
                let most = machine["TimeoutSeconds"].as_i64().unwrap();
                assert!(most <= LONGEST.as_secs(), "{}: {most} s", entry.path().display());
                machines += 1;
            }
        }
        assert!(machines > 3, "{machines}");
    }
}
