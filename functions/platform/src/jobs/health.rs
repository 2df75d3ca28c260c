//! `GET /api/v1/jobs/health`: whether the work in the background goes on. Eight Queries of the outbox, one each of the orphans
//! and the removals, one `BatchGetItem`, three ListExecutions for each state machine, and a GetQueueAttributes.
//!
//! | degraded | when |
//! |---|---|
//! | `outbox` | a promised execution has waited for more than five minutes |
//! | `executions` | one failed, was given up or ran out of time within the last hour |
//! | `orphans` | something of a failed tenant could not be removed |
//! | `removals` | a tenant's removal has been due for more than a day |
//! | `jobs` | a scheduled job failed, or has not run for three of its periods |
//! | `dead_letters` | an event failed to the last: a job was not done, or a webhook not told |

use jiff::Timestamp;
use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route};
use serde::Serialize;
use utoipa::ToSchema;

use crate::figures::{DEAD_LETTERS, Figures, Job, OUTBOX_AGE};

/// Whether it goes on.
#[derive(Serialize, ToSchema)]
#[schema(as = JobsHealth)]
pub struct Answer {
    /// `ok`, or `degraded` where any part is.
    #[schema(example = "ok", pattern = "^(ok|degraded)$")]
    status: &'static str,
    /// Which parts: `outbox`, `executions`, `orphans`, `removals`, `jobs`, `dead_letters`.
    degraded: Vec<&'static str>,
    /// How long the oldest promised execution has waited, in seconds.
    oldest_outbox_seconds: Option<i64>,
    /// Executions that failed, were given up or ran out of time within the last hour.
    failed_executions: usize,
    /// What undos could not remove.
    orphans: usize,
    /// Tenants whose removal has been due for more than a day, a hundred at most.
    removals: usize,
    /// The jobs that failed or are late.
    jobs: Vec<String>,
    /// Events that failed to the last and lie in the queue, about.
    dead_letters: u64,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

/// The route.
pub struct JobsHealth;

impl Route for JobsHealth {
    const POLICY: Policy = Policy::read(
        "platform-jobs-health",
        "See whether the work in the background goes on",
        "/api/v1/jobs/health",
        Access::Internal,
        Rate::General,
    );
    type Deps = Figures;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(figures: &Figures, _: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let at = figures.clock.now();
        let oldest_outbox_seconds = figures.outbox(at).await?.oldest_seconds;
        let failed_executions = figures.failures(at).await?;
        let (orphans, removals) = (figures.store.orphans().await?.len(), figures.removals(at).await?);
        let dead_letters = figures.dead_letters().await?;
        let jobs = figures.jobs(at).await?.into_iter().filter(Job::is_bad);
        let jobs: Vec<String> = jobs.map(|job| job.name).collect();
        let parts = [
            ("outbox", oldest_outbox_seconds.is_some_and(|age| age > OUTBOX_AGE.as_secs())),
            ("executions", failed_executions > 0),
            ("orphans", orphans > 0),
            ("removals", removals > 0),
            ("jobs", !jobs.is_empty()),
            ("dead_letters", dead_letters >= DEAD_LETTERS),
        ];
        let degraded: Vec<_> = parts.into_iter().filter(|(_, bad)| *bad).map(|(name, _)| name).collect();
        let status = if degraded.is_empty() { "ok" } else { "degraded" };
        Ok(Reply::json(Answer {
            status,
            degraded,
            oldest_outbox_seconds,
            failed_executions,
            orphans,
            removals,
            jobs,
            dead_letters,
            at,
        }))
    }
}
