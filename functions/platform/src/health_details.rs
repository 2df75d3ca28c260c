//! `GET /health/details`: how the platform is, for operators and their monitoring. Eight Queries of the outbox, one each of the
//! orphans and the removals, a read of the re-seal's record and its failures, ListSecrets, a page for each hundred, and the executions, jobs
//! and dead letters as of [`crate::jobs`].
//!
//! | degraded | when |
//! |---|---|
//! | `outbox` | a promised execution has waited for more than five minutes: the sweeper does not start it |
//! | `executions` | one failed, was given up or ran out of time within the last hour |
//! | `jobs` | a scheduled job failed, or has not run for three of its periods |
//! | `dead_letters` | an event failed to the last: a job was not done, or a webhook not told |
//! | `orphans` | something of a failed tenant could not be removed |
//! | `removals` | a tenant's removal has been due for more than a day |
//! | `rotations` | a secret is a day older than its schedule allows |
//! | `reseal` | values are still under an old data key, and the last run failed |

use domain::{SecretName, is_overdue};
use jiff::Timestamp;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route},
};
use secrets::Secrets;
use serde::Serialize;
use store::ResealState;
use utoipa::ToSchema;

use crate::figures::{DEAD_LETTERS, Executions, Figures, Job, OUTBOX_AGE, Outbox};

/// Of ListSecrets.
const PAGE: u16 = 100;

/// The figures, and Secrets Manager, of which it sees no value.
pub struct Deps {
    figures: Figures,
    secrets: Secrets,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { figures: Figures::from_env(env).await?, secrets: Secrets::new(&env.sdk) })
    }
}

/// How the platform is.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthDetails)]
pub struct Answer {
    /// `ok`, or `degraded` where any part is.
    #[schema(example = "ok", pattern = "^(ok|degraded)$")]
    status: &'static str,
    /// Which parts: `outbox`, `executions`, `jobs`, `dead_letters`, `orphans`, `removals`, `rotations`, `reseal`.
    degraded: Vec<&'static str>,
    outbox: Outbox,
    executions: Vec<Executions>,
    jobs: Vec<Job>,
    /// Events that failed to the last and lie in the queue, about.
    dead_letters: u64,
    /// What undos could not remove.
    orphans: usize,
    /// Tenants whose removal has been due for more than a day, a hundred at most.
    removals: usize,
    rotations: Rotations,
    /// The last re-seal; none before the first rotation of the data keys.
    reseal: Option<Reseal>,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

/// How the secrets' rotations stand.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthRotations)]
struct Rotations {
    /// How many secrets are rotated.
    scheduled: usize,
    /// The names of those that are older than they should be.
    overdue: Vec<String>,
}

/// How far the move to the newest data key is.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthReseal)]
struct Reseal {
    #[schema(pattern = "^(running|waiting|failed|done)$")]
    state: &'static str,
    /// Tenants with something to move, as far as they are found.
    total: u64,
    done: u64,
    failed: usize,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

/// The route.
pub struct HealthDetails;

impl Route for HealthDetails {
    const POLICY: Policy = Policy::read(
        "platform-health-details",
        "See how the platform is, with figures",
        "/health/details",
        Access::Internal,
        Rate::General,
    );
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, _: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let figures = &deps.figures;
        let now = figures.clock.now();
        let outbox = figures.outbox(now).await?;
        let (executions, failures) = (figures.executions(now).await?, figures.failures(now).await?);
        let (jobs, dead_letters) = (figures.jobs(now).await?, figures.dead_letters().await?);
        let (orphans, removals) = (figures.store.orphans().await?.len(), figures.removals(now).await?);
        let rotations = rotations(deps, now).await?;
        let reseal = reseal(deps).await?;
        let parts = [
            ("outbox", outbox.oldest_seconds.is_some_and(|age| age > OUTBOX_AGE.as_secs())),
            ("executions", failures > 0),
            ("jobs", jobs.iter().any(Job::is_bad)),
            ("dead_letters", dead_letters >= DEAD_LETTERS),
            ("orphans", orphans > 0),
            ("removals", removals > 0),
            ("rotations", !rotations.overdue.is_empty()),
            ("reseal", reseal.as_ref().is_some_and(|reseal| reseal.state == "failed" || reseal.failed > 0)),
        ];
        let degraded: Vec<_> = parts.into_iter().filter(|(_, bad)| *bad).map(|(name, _)| name).collect();
        let status = if degraded.is_empty() { "ok" } else { "degraded" };
        Ok(Reply::json(Answer {
            status,
            degraded,
            outbox,
            executions,
            jobs,
            dead_letters,
            orphans,
            removals,
            rotations,
            reseal,
            at: now,
        }))
    }
}

async fn rotations(deps: &Deps, now: Timestamp) -> Result<Rotations, Problem> {
    let (mut scheduled, mut overdue, mut after) = (0, Vec::new(), None);
    loop {
        let (page, next) = deps.secrets.overviews(&SecretName::prefix(&deps.figures.stage), PAGE, after).await?;
        for secret in page.into_iter().filter(|secret| secret.rotates) {
            scheduled += 1;
            if secret.every.is_some_and(|every| is_overdue(secret.in_use_since(), every, now)) {
                overdue.push(secret.name);
            }
        }
        if next.is_none() {
            return Ok(Rotations { scheduled, overdue });
        }
        after = next;
    }
}

async fn reseal(deps: &Deps) -> Result<Option<Reseal>, Problem> {
    let progress = deps.figures.store.reseal_progress().await?;
    Ok(progress.map(|progress| Reseal {
        state: match progress.reseal.state {
            ResealState::Running => "running",
            ResealState::Waiting => "waiting",
            ResealState::Failed => "failed",
            ResealState::Done => "done",
        },
        total: progress.reseal.total,
        done: progress.reseal.done,
        failed: progress.failed.len(),
        since: progress.reseal.since,
    }))
}
