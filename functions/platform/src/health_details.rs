//! `GET /health/details`: how the platform is, for operators and their monitoring. Eight Queries of the outbox, one of the
//! orphans, a read of the re-seal's record and its failures, and ListSecrets, a page for each hundred.
//!
//! | degraded | when |
//! |---|---|
//! | `outbox` | a promised execution has waited for more than five minutes: the sweeper does not start it |
//! | `orphans` | something of a failed tenant could not be removed |
//! | `rotations` | a secret is a day older than its schedule allows |
//! | `reseal` | values are still under an old data key, and the last run failed |

use std::sync::Arc;

use domain::{Clock, SecretName, is_overdue};
use jiff::{SignedDuration, Timestamp};
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route},
};
use secrets::Secrets;
use serde::Serialize;
use store::{OUTBOX_SHARDS, ResealState, Store};
use utoipa::ToSchema;

/// The sweeper starts a lost execution within two minutes.
const OUTBOX_AGE: SignedDuration = SignedDuration::from_mins(5);
/// Of ListSecrets.
const PAGE: u16 = 100;

/// The store and Secrets Manager, of which it sees no value.
pub struct Deps {
    store: Store,
    secrets: Secrets,
    stage: String,
    clock: Arc<dyn Clock>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let stage = env.required("STAGE")?.to_owned();
        Ok(Self { store: env.store()?, secrets: Secrets::new(&env.sdk), stage, clock: env.clock.clone() })
    }
}

/// How the platform is.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthDetails)]
pub struct Answer {
    /// `ok`, or `degraded` where any part is.
    #[schema(example = "ok", pattern = "^(ok|degraded)$")]
    status: &'static str,
    /// Which parts: `outbox`, `orphans`, `rotations`, `reseal`.
    degraded: Vec<&'static str>,
    outbox: Outbox,
    /// What undos could not remove.
    orphans: usize,
    rotations: Rotations,
    /// The last re-seal; none before the first rotation of the data keys.
    reseal: Option<Reseal>,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

/// Executions that were promised and have not begun.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthOutbox)]
struct Outbox {
    entries: usize,
    /// Seconds; none where there is no entry.
    oldest_seconds: Option<i64>,
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
        let now = deps.clock.now();
        let outbox = outbox(deps, now).await?;
        let orphans = deps.store.orphans().await?.len();
        let rotations = rotations(deps, now).await?;
        let reseal = reseal(deps).await?;
        let parts = [
            ("outbox", outbox.oldest_seconds.is_some_and(|age| age > OUTBOX_AGE.as_secs())),
            ("orphans", orphans > 0),
            ("rotations", !rotations.overdue.is_empty()),
            ("reseal", reseal.as_ref().is_some_and(|reseal| reseal.state == "failed" || reseal.failed > 0)),
        ];
        let degraded: Vec<_> = parts.into_iter().filter(|(_, bad)| *bad).map(|(name, _)| name).collect();
        let status = if degraded.is_empty() { "ok" } else { "degraded" };
        Ok(Reply::json(Answer { status, degraded, outbox, orphans, rotations, reseal, at: now }))
    }
}

async fn outbox(deps: &Deps, now: Timestamp) -> Result<Outbox, Problem> {
    let (mut entries, mut oldest) = (0, None);
    for shard in 0..OUTBOX_SHARDS {
        let due = deps.store.due(shard, now).await?;
        entries += due.len();
        oldest = due.iter().map(|entry| entry.created_at).chain(oldest).min();
    }
    Ok(Outbox { entries, oldest_seconds: oldest.map(|at| now.duration_since(at).as_secs()) })
}

async fn rotations(deps: &Deps, now: Timestamp) -> Result<Rotations, Problem> {
    let (mut scheduled, mut overdue, mut after) = (0, Vec::new(), None);
    loop {
        let (page, next) = deps.secrets.overviews(&SecretName::prefix(&deps.stage), PAGE, after).await?;
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
    let progress = deps.store.reseal_progress().await?;
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
