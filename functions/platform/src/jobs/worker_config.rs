//! `GET /api/v1/jobs/worker/config`: what the work in the background is set up with, and the thresholds of its health. It
//! asks nobody.

use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route};
use serde::Serialize;
use store::OUTBOX_SHARDS;
use utoipa::ToSchema;

use crate::figures::{DEAD_LETTERS, Figures, LATE_AFTER, NEWS, OUTBOX_AGE, REMOVAL_AGE, WINDOW, name_of};

/// The configuration. Nothing of it is secret.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkerConfig)]
pub struct Answer {
    #[schema(example = "production")]
    stage: String,
    /// The state machines.
    machines: Vec<String>,
    jobs: Vec<Period>,
    /// How many partitions promised executions are spread over.
    outbox_shards: u8,
    thresholds: Thresholds,
}

/// A scheduled job.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkerJob)]
struct Period {
    name: String,
    every_seconds: i64,
}

/// From where on the health is degraded.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkerThresholds)]
struct Thresholds {
    /// A promised execution has waited for longer.
    outbox_seconds: i64,
    /// A removal has been due for longer.
    removal_seconds: i64,
    /// An execution failed within so many seconds.
    failed_execution_seconds: i64,
    /// A job has not run for so many of its periods, or for so many since it was first missed.
    late_after_periods: i32,
    /// How far back executions are counted, in seconds.
    counted_seconds: i64,
    /// So many events failed to the last.
    dead_letters: u64,
}

/// The route.
pub struct WorkerConfig;

impl Route for WorkerConfig {
    const POLICY: Policy = Policy::read(
        "platform-worker-config",
        "See what the work in the background is set up with",
        "/api/v1/jobs/worker/config",
        Access::Internal,
        Rate::General,
    );
    type Deps = Figures;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(figures: &Figures, _: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let period =
            |job: &crate::figures::Scheduled| Period { name: job.name.clone(), every_seconds: job.every.as_secs() };
        Ok(Reply::json(Answer {
            stage: figures.stage.clone(),
            machines: figures.machines.iter().map(|arn| name_of(arn)).collect(),
            jobs: figures.schedule.iter().map(period).collect(),
            outbox_shards: OUTBOX_SHARDS,
            thresholds: Thresholds {
                outbox_seconds: OUTBOX_AGE.as_secs(),
                removal_seconds: REMOVAL_AGE.as_secs(),
                failed_execution_seconds: NEWS.as_secs(),
                late_after_periods: LATE_AFTER,
                counted_seconds: WINDOW.as_secs(),
                dead_letters: DEAD_LETTERS,
            },
        }))
    }
}
