//! `GET /api/v1/jobs/scheduler`: the scheduled jobs, and when each last ran. One `BatchGetItem`, and a
//! write for each of which no run is known.

use jiff::Timestamp;
use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route};
use serde::Serialize;
use utoipa::ToSchema;

use crate::figures::{Figures, Job};

/// The jobs.
#[derive(Serialize, ToSchema)]
#[schema(as = JobsScheduler)]
pub struct Answer {
    jobs: Vec<Job>,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

/// The route.
pub struct JobsScheduler;

impl Route for JobsScheduler {
    const POLICY: Policy = Policy::read(
        "platform-jobs-scheduler",
        "See when the scheduled jobs last ran",
        "/api/v1/jobs/scheduler",
        Access::Internal,
        Rate::General,
    );
    type Deps = Figures;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(figures: &Figures, _: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let at = figures.clock.now();
        Ok(Reply::json(Answer { jobs: figures.jobs(at).await?, at }))
    }
}
