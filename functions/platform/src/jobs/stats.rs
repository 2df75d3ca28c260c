//! `GET /api/v1/jobs/stats`: how much there is to do and was done. Eight Queries of the outbox, one of the orphans, five
//! ListExecutions for each state machine, and a GetQueueAttributes.

use jiff::Timestamp;
use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route};
use serde::Serialize;
use utoipa::ToSchema;

use crate::figures::{Executions, Figures, Outbox};

/// The figures.
#[derive(Serialize, ToSchema)]
#[schema(as = JobsStats)]
pub struct Answer {
    outbox: Outbox,
    executions: Vec<Executions>,
    /// Events that failed to the last and lie in the queue, about.
    dead_letters: u64,
    /// What undos could not remove.
    orphans: usize,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

/// The route.
pub struct JobsStats;

impl Route for JobsStats {
    const POLICY: Policy = Policy::read(
        "platform-jobs-stats",
        "See how much work there is in the background",
        "/api/v1/jobs/stats",
        Access::Internal,
        Rate::General,
    );
    type Deps = Figures;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(figures: &Figures, _: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let at = figures.clock.now();
        let (outbox, executions) = (figures.outbox(at).await?, figures.executions(at).await?);
        let (dead_letters, orphans) = (figures.dead_letters().await?, figures.store.orphans().await?.len());
        Ok(Reply::json(Answer { outbox, executions, dead_letters, orphans, at }))
    }
}
