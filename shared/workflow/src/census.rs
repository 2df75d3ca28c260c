//! How many executions there are, by how they stand.

use aws_sdk_sfn::{Client, types::ExecutionStatus};
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};

use crate::{WorkflowError, executions::unavailable};

/// The most that one call lists.
const PAGE: i32 = 1_000;

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
    /// Of those that began within the time asked for: ended well.
    pub succeeded: usize,
    /// Ended with a failure, or were given up by somebody.
    pub failed: usize,
    /// Ran out of their time.
    pub timed_out: usize,
    /// Whether these are all: false where there are more than a thousand.
    pub complete: bool,
}

impl Census {
    /// A client for any machine.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Those of the machine with this ARN that began within that time, and those that run. Two ListExecutions, newest first.
    ///
    /// # Errors
    /// [`WorkflowError::Unavailable`].
    pub async fn count(&self, machine: &str, within: SignedDuration, now: Timestamp) -> Result<Counts, WorkflowError> {
        let list = || self.client.list_executions().state_machine_arn(machine).max_results(PAGE);
        let running = list().status_filter(ExecutionStatus::Running).send().await.map_err(unavailable)?;
        let recent = list().send().await.map_err(unavailable)?;
        let since = now.saturating_sub(within).unwrap_or(Timestamp::MIN).as_second();
        let mut counts = Counts { running: running.executions.len(), complete: true, ..Counts::default() };
        for execution in recent.executions.iter().filter(|execution| execution.start_date.secs() >= since) {
            match execution.status {
                ExecutionStatus::Succeeded => counts.succeeded += 1,
                ExecutionStatus::Failed | ExecutionStatus::Aborted => counts.failed += 1,
                ExecutionStatus::TimedOut => counts.timed_out += 1,
                _ => {}
            }
        }
        let older = recent.executions.last().is_none_or(|execution| execution.start_date.secs() < since);
        counts.complete = running.next_token.is_none() && (recent.next_token.is_none() || older);
        Ok(counts)
    }
}
