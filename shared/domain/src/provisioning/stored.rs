//! How the record is written down: short names, moments in milliseconds, and nothing that follows from something else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, EventType, Failure, Phase, Provisioning, Step, StepRecord, StepStatus, TenantStatus};
use crate::{CorrelationId, Rule};

/// The record in the store.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    status: TenantStatus,
    phase: Phase,
    attempt: u32,
    correlation_id: CorrelationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    steps: Vec<StoredStep>,
    events: Vec<StoredEvent>,
    created: i64,
    updated: i64,
}

/// A step that is not pending.
#[derive(Serialize, Deserialize)]
struct StoredStep {
    s: Step,
    is: StepStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
    n: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredEvent {
    e: EventType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<Step>,
    /// The message, where it does not follow from `e` and `s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    m: Option<String>,
    /// The request, where it is not the record's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<CorrelationId>,
    /// How the tenant stood, where it does not follow from `e` and `s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<TenantStatus>,
    n: u32,
    at: i64,
}

impl From<Provisioning> for Stored {
    fn from(record: Provisioning) -> Self {
        Self {
            status: record.status,
            phase: record.phase,
            attempt: record.attempt,
            step: record.current_step,
            error: record.error,
            steps: record
                .steps
                .into_iter()
                .filter(|step| step.status != StepStatus::Pending)
                .map(StoredStep::from)
                .collect(),
            events: record.events.into_iter().map(|event| StoredEvent::new(event, &record.correlation_id)).collect(),
            correlation_id: record.correlation_id,
            created: record.created_at.as_millisecond(),
            updated: record.updated_at.as_millisecond(),
        }
    }
}

impl TryFrom<Stored> for Provisioning {
    type Error = Rule;

    fn try_from(stored: Stored) -> Result<Self, Rule> {
        let mut steps: Vec<StepRecord> = Step::ALL.iter().copied().map(StepRecord::pending).collect();
        for step in stored.steps {
            let place = step.s as usize;
            steps[place] = step.record()?;
        }
        let request = &stored.correlation_id;
        Ok(Self {
            status: stored.status,
            phase: stored.phase,
            current_step: stored.step,
            attempt: stored.attempt,
            steps,
            error: stored.error,
            events: stored.events.into_iter().map(|event| event.event(request)).collect::<Result<_, _>>()?,
            created_at: moment(stored.created)?,
            updated_at: moment(stored.updated)?,
            correlation_id: stored.correlation_id,
        })
    }
}

impl From<StepRecord> for StoredStep {
    fn from(record: StepRecord) -> Self {
        Self {
            s: record.step,
            is: record.status,
            from: record.started_at.map(Timestamp::as_millisecond),
            to: record.finished_at.map(Timestamp::as_millisecond),
            n: record.tries,
        }
    }
}

impl StoredStep {
    fn record(self) -> Result<StepRecord, Rule> {
        Ok(StepRecord {
            step: self.s,
            status: self.is,
            started_at: self.from.map(moment).transpose()?,
            finished_at: self.to.map(moment).transpose()?,
            tries: self.n,
        })
    }
}

impl StoredEvent {
    fn new(event: Event, present: &CorrelationId) -> Self {
        Self {
            e: event.event_type,
            s: event.step,
            m: event.remark().map(str::to_owned),
            c: event.other_request(present).cloned(),
            is: event.other_status(),
            n: event.attempt,
            at: event.at.as_millisecond(),
        }
    }

    fn event(self, present: &CorrelationId) -> Result<Event, Rule> {
        Ok(Event {
            event_type: self.e,
            status: self.is.unwrap_or_else(|| self.e.status(self.s)),
            step: self.s,
            message: self.m.unwrap_or_else(|| self.e.message(self.s, "")),
            correlation_id: self.c.unwrap_or_else(|| present.clone()),
            attempt: self.n,
            at: moment(self.at)?,
        })
    }
}

fn moment(milliseconds: i64) -> Result<Timestamp, Rule> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| Rule::new("invalid", "is not a moment"))
}
