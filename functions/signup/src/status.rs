//! `GET /api/v1/tenants/{tenant_id}/status`: how far a tenant is. One eventually consistent read of half a read unit,
//! which holds the status token's digest too.

use domain::{Event, Failure, Permission, Provisioning, StepRecord, TenantId, TenantStatus};
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use lambda::http::{Access, Caller, Cx, Json, Policy, Problem, Rate, Reply, Route, kinds};
use serde::Serialize;
use store::{Proof, Store, StoreError};
use utoipa::ToSchema;

/// How far a tenant is.
#[derive(Serialize, ToSchema)]
#[schema(as = TenantStatus)]
pub struct Answer {
    /// `tenant-{subdomain}-{8 hex}`
    tenant_id: String,
    /// REQUESTED, QUEUED, IN_PROGRESS, READY, FAILED, SUSPENDED, DEPROVISIONING or ARCHIVED.
    status: String,
    /// requested, validating, queued, provisioning, migrating, seeding, testing or ready.
    phase: String,
    /// 0 to 100.
    progress_percent: u8,
    /// The step that runs, or that failed.
    current_step: Option<String>,
    /// Counted from 1.
    attempt: u32,
    /// Every step of this attempt, in order.
    steps: Vec<StepAnswer>,
    /// Why the attempt failed.
    error: Option<FailureAnswer>,
    /// What happened last, oldest first.
    events: Vec<EventAnswer>,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

/// One step.
#[derive(Serialize, ToSchema)]
#[schema(as = Step)]
struct StepAnswer {
    name: String,
    /// PENDING, RUNNING, SUCCEEDED, FAILED, UNDONE or WARNING.
    status: String,
    #[schema(value_type = Option<String>, format = "date-time")]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    finished_at: Option<Timestamp>,
    tries: u32,
}

/// Why an attempt failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
struct FailureAnswer {
    /// Stable, for programs.
    code: String,
    step: String,
    detail: String,
    /// Whether a retry can help.
    retryable: bool,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
struct EventAnswer {
    event_type: String,
    status: String,
    step: Option<String>,
    message: String,
    correlation_id: String,
    attempt: u32,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

impl Answer {
    fn of(tenant_id: &TenantId, provisioning: &Provisioning) -> Self {
        Self {
            tenant_id: tenant_id.to_string(),
            status: provisioning.status().to_string(),
            phase: provisioning.phase().to_string(),
            progress_percent: provisioning.phase().progress_percent(),
            current_step: provisioning.current_step().map(|s| s.to_string()),
            attempt: provisioning.attempt(),
            steps: provisioning.steps().iter().map(StepAnswer::of).collect(),
            error: provisioning.error().map(FailureAnswer::of),
            events: provisioning.events().iter().map(EventAnswer::of).collect(),
            created_at: provisioning.created_at(),
            updated_at: provisioning.updated_at(),
        }
    }
}

impl StepAnswer {
    fn of(record: &StepRecord) -> Self {
        let StepRecord { step, status, started_at, finished_at, tries } = record;
        Self {
            name: step.to_string(),
            status: status.to_string(),
            started_at: *started_at,
            finished_at: *finished_at,
            tries: *tries,
        }
    }
}

impl FailureAnswer {
    fn of(failure: &Failure) -> Self {
        let Failure { code, step, detail, retryable } = failure;
        Self { code: code.clone(), step: step.to_string(), detail: detail.clone(), retryable: *retryable }
    }
}

impl EventAnswer {
    fn of(event: &Event) -> Self {
        Self {
            event_type: event.event_type.to_string(),
            status: event.status.to_string(),
            step: event.step.map(|s| s.to_string()),
            message: event.message.clone(),
            correlation_id: event.correlation_id.to_string(),
            attempt: event.attempt,
            at: event.at,
        }
    }
}

/// Why there is no status to tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such tenant, or not this caller's.
    #[error("no such tenant for this caller")]
    NotFound,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::Store(error) => error.into(),
        }
    }
}

/// The route.
pub struct Status;

impl Route for Status {
    const POLICY: Policy = Policy::read(
        "signup-status",
        "Follow a tenant's provisioning",
        "/api/v1/tenants/{tenant_id}/status",
        Access::StatusToken { or: Permission::TenantRead },
        Rate::Status,
    );
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let tenant_id: TenantId = cx.path("tenant_id").map_err(|_| Error::NotFound)?;
        let proof = match cx.caller {
            Caller::StatusToken(digest) => Proof::StatusToken(digest),
            // The door has matched the member's tenant, or a platform role's permission, with the path.
            Caller::Member(_) => Proof::Member(tenant_id.clone()),
            Caller::Anonymous | Caller::SigningIn(_) | Caller::Service(_) | Caller::Internal => {
                return Err(Error::NotFound);
            }
        };
        let provisioning = store.status_view(&tenant_id, &proof).await?.ok_or(Error::NotFound)?;
        let running =
            matches!(provisioning.status(), TenantStatus::Requested | TenantStatus::Queued | TenantStatus::InProgress);
        let reply = Reply::json(Answer::of(&tenant_id, &provisioning));
        Ok(if running { reply.header(RETRY_AFTER, pause(&provisioning, cx.now)) } else { reply })
    }
}

/// Seconds after which to look again. Most tenants are ready within five; who looks as often as this never looks more than
/// twenty times in a minute, which is all that one may.
fn pause(provisioning: &Provisioning, now: Timestamp) -> &'static str {
    let asked_just_now = now.duration_since(provisioning.created_at()).as_secs() < 5;
    if asked_just_now { "1" } else { "5" }
}
