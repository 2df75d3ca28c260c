//! The figures of the work in the background, and from where on they are bad.

use std::{str::FromStr, sync::Arc};

use domain::Clock;
use jiff::{SignedDuration, Timestamp};
use lambda::{
    Env, FromEnv, StartError,
    http::{Problem, kinds},
};
use queue::DeadLetters;
use serde::Serialize;
use store::{JobRun, Limits, OUTBOX_SHARDS, Store, StoreError};
use utoipa::ToSchema;
use workflow::{Census, Counts, WorkflowError};

/// The sweeper starts a lost execution within two minutes.
pub(crate) const OUTBOX_AGE: SignedDuration = SignedDuration::from_mins(5);
/// Executions that ended badly count as news for so long.
pub(crate) const NEWS: SignedDuration = SignedDuration::from_hours(1);
/// What is shown of executions goes back so far.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// From so many on, dead letters are somebody's work: each is something that was promised and not done.
pub(crate) const DEAD_LETTERS: u64 = 1;
/// A removal may take 20 hours, and begins within a minute after it has come due.
pub(crate) const REMOVAL_AGE: SignedDuration = SignedDuration::from_hours(24);
/// Of its period, how long after its last run a job is late, or after the first question that found none.
pub(crate) const LATE_AFTER: i32 = 3;

/// The store, the counts, Step Functions, and what the template says is there.
pub struct Figures {
    pub(crate) store: Store,
    limits: Limits,
    census: Census,
    letters: DeadLetters,
    pub(crate) machines: Vec<String>,
    pub(crate) schedule: Vec<Scheduled>,
    pub(crate) stage: String,
    pub(crate) clock: Arc<dyn Clock>,
}

impl FromEnv for Figures {
    /// Reads `STATE_MACHINES`, ARNs with commas between, and `SCHEDULED_JOBS`, `name=seconds` with commas between.
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        env.required("STATE_MACHINES")?;
        env.required("SCHEDULED_JOBS")?;
        let invalid = |reason| StartError::Invalid { name: "SCHEDULED_JOBS", reason };
        let schedule = env.list("SCHEDULED_JOBS").iter().map(|job| job.parse()).collect::<Result<_, _>>();
        Ok(Self {
            store: env.store()?,
            limits: env.limits()?,
            census: Census::new(&env.sdk),
            letters: DeadLetters::new(&env.sdk, env.required("DEAD_LETTERS")?),
            machines: env.list("STATE_MACHINES"),
            schedule: schedule.map_err(invalid)?,
            stage: env.required("STAGE")?.to_owned(),
            clock: env.clock.clone(),
        })
    }
}

/// A job of the template, and how often it runs.
pub(crate) struct Scheduled {
    pub(crate) name: String,
    pub(crate) every: SignedDuration,
}

impl FromStr for Scheduled {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text} is not name=seconds");
        let (name, seconds) = text.split_once('=').ok_or_else(refused)?;
        let seconds = seconds.parse::<u32>().ok().filter(|seconds| *seconds > 0).ok_or_else(refused)?;
        Ok(Self { name: name.to_owned(), every: SignedDuration::from_secs(seconds.into()) })
    }
}

/// Executions that were promised and have not begun.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthOutbox)]
pub(crate) struct Outbox {
    pub(crate) entries: usize,
    /// Seconds; none where there is no entry.
    pub(crate) oldest_seconds: Option<i64>,
}

/// The executions of one state machine: those that run, and how those ended that did within the last day.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthExecutions)]
pub(crate) struct Executions {
    #[schema(example = "innkeeper-production-tenant-provisioning")]
    machine: String,
    running: usize,
    succeeded: usize,
    /// Those that somebody gave up among them.
    failed: usize,
    timed_out: usize,
    /// False where there may be more than the thousand of a kind that are counted.
    complete: bool,
}

/// How a scheduled job does.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthJob)]
pub(crate) struct Job {
    #[schema(example = "sweep")]
    pub(crate) name: String,
    pub(crate) every_seconds: i64,
    /// RFC 3339; none where no run is known.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_run_at: Option<Timestamp>,
    last_run_took_ms: Option<i64>,
    /// `ok`, `failed`, `late` where three periods have passed since its last run, or since it was first missed, or `unknown`
    /// where no run is known and it may come yet.
    #[schema(pattern = "^(ok|failed|late|unknown)$", example = "ok")]
    pub(crate) state: &'static str,
}

/// What is known of a job.
#[derive(Clone, Copy)]
enum Seen {
    Run(JobRun),
    /// No run; somebody has asked for one since then.
    NoneSince(Timestamp),
}

impl Job {
    fn of(scheduled: &Scheduled, seen: Seen, now: Timestamp) -> Self {
        let (last, run) = match seen {
            Seen::Run(run) => (run.at, Some(run)),
            Seen::NoneSince(since) => (since, None),
        };
        let state = match run {
            _ if now.duration_since(last) > scheduled.every * LATE_AFTER => "late",
            None => "unknown",
            Some(run) if run.succeeded => "ok",
            Some(_) => "failed",
        };
        Self {
            name: scheduled.name.clone(),
            every_seconds: scheduled.every.as_secs(),
            last_run_at: run.map(|run| run.at),
            last_run_took_ms: run.map(|run| run.took_ms),
            state,
        }
    }

    pub(crate) fn is_bad(&self) -> bool {
        matches!(self.state, "late" | "failed")
    }
}

impl Figures {
    /// One `Query` for each shard.
    pub(crate) async fn outbox(&self, now: Timestamp) -> Result<Outbox, StoreError> {
        let (mut entries, mut oldest) = (0, None);
        for shard in 0..OUTBOX_SHARDS {
            let due = self.store.due(shard, now).await?;
            entries += due.len();
            oldest = due.iter().map(|entry| entry.created_at).chain(oldest).min();
        }
        Ok(Outbox { entries, oldest_seconds: oldest.map(|at| now.duration_since(at).as_secs()) })
    }

    /// Tenants whose removal has been due for more than a day, a hundred at most. One `Query`.
    pub(crate) async fn removals(&self, now: Timestamp) -> Result<usize, StoreError> {
        let before = now.saturating_sub(REMOVAL_AGE).unwrap_or(Timestamp::MIN);
        self.store.removals_due_before(before).await
    }

    /// Five ListExecutions for each machine.
    pub(crate) async fn executions(&self, now: Timestamp) -> Result<Vec<Executions>, Problem> {
        let mut all = Vec::new();
        for machine in &self.machines {
            let counts = self.census.count(machine, WINDOW, now).await.map_err(unlisted)?;
            let Counts { running, succeeded, failed, timed_out, complete } = counts;
            all.push(Executions { machine: name_of(machine), running, succeeded, failed, timed_out, complete });
        }
        Ok(all)
    }

    /// How many executions ended badly within the last hour, whenever they began. Three ListExecutions for each machine.
    pub(crate) async fn failures(&self, now: Timestamp) -> Result<usize, Problem> {
        let mut failures = 0;
        for machine in &self.machines {
            failures += self.census.failures(machine, NEWS, now).await.map_err(unlisted)?;
        }
        Ok(failures)
    }

    /// Events that failed to the last, and that nobody has taken out yet. One GetQueueAttributes.
    pub(crate) async fn dead_letters(&self) -> Result<u64, Problem> {
        self.letters.depth().await.map_err(Problem::unavailable)
    }

    /// One `BatchGetItem`, and a write for each job of which no run is known.
    pub(crate) async fn jobs(&self, now: Timestamp) -> Result<Vec<Job>, StoreError> {
        let names: Vec<String> = self.schedule.iter().map(|scheduled| scheduled.name.clone()).collect();
        let (runs, mut jobs) = (self.limits.job_runs(&names).await?, Vec::new());
        for scheduled in &self.schedule {
            let seen = match runs.get(&scheduled.name) {
                Some(run) => Seen::Run(*run),
                None => Seen::NoneSince(self.limits.job_awaited_since(&scheduled.name, now).await?),
            };
            jobs.push(Job::of(scheduled, seen, now));
        }
        Ok(jobs)
    }
}

pub(crate) fn name_of(arn: &str) -> String {
    arn.rsplit(':').next().unwrap_or_default().to_owned()
}

fn unlisted(error: WorkflowError) -> Problem {
    match error {
        WorkflowError::Unavailable(_) => Problem::unavailable(error),
        WorkflowError::NobodyWaits => Problem::new(&kinds::INTERNAL).source(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r19_a_job_is_late_after_three_periods() {
        let (now, minute) = (Timestamp::UNIX_EPOCH, SignedDuration::from_mins(1));
        let scheduled: Scheduled = "sweep=60".parse().unwrap();
        let state = |ago: SignedDuration, succeeded| {
            let run = JobRun { at: now - ago, succeeded, took_ms: 5 };
            Job::of(&scheduled, Seen::Run(run), now).state
        };
        let never = |ago: SignedDuration| Job::of(&scheduled, Seen::NoneSince(now - ago), now).state;
        assert_eq!([state(minute, true), state(minute, false), state(minute * 3, true)], ["ok", "failed", "ok"]);
        assert_eq!(state(minute * 3 + SignedDuration::from_millis(1), true), "late");
        assert_eq!([never(minute), never(minute * 3), never(minute * 4)], ["unknown", "unknown", "late"]);
    }

    #[test]
    fn r21_a_schedule_that_is_none_is_refused() {
        for bad in ["sweep", "sweep=", "sweep=0", "sweep=x", "=60x"] {
            assert!(bad.parse::<Scheduled>().is_err(), "{bad}");
        }
    }
}
