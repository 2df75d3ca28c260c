//! The moves. Each says when it is allowed, and changes nothing when it is not.

use jiff::Timestamp;

use super::bounded::bounded;
use super::event::MAX_NOTE;
use super::{
    Event, EventType, Failure, IllegalMove, Move, Phase, Provisioning, Step, StepRecord, StepStatus, TenantStatus,
};
use crate::{CorrelationId, to_milliseconds};

/// A run without incident is told in twelve events.
const MAX_EVENTS: usize = 12;
/// What the events may say in their own words, in bytes together; beyond it the oldest events go first.
const MAX_OWN_WORDS: usize = 800;

impl Provisioning {
    /// A tenant that was asked for just now: the first attempt.
    pub fn requested(correlation_id: CorrelationId, now: Timestamp) -> Self {
        let now = to_milliseconds(now);
        Self {
            status: TenantStatus::Requested,
            phase: Phase::Requested,
            current_step: None,
            attempt: 1,
            correlation_id,
            steps: all_pending(),
            error: None,
            events: Vec::new(),
            created_at: now,
            updated_at: now,
        }
        .told(EventType::Requested, None, "", now)
    }

    /// The workflow was started: REQUESTED to QUEUED.
    pub fn queued(self, attempt: u32, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = self.is_current(attempt) && self.status == TenantStatus::Requested;
        let mut next = self.allow(legal, Move::Queue { attempt })?;
        next.status = TenantStatus::Queued;
        Ok(next.told(EventType::Queued, None, "", now))
    }

    /// The step is being run, for the first time or once more. All steps before it must have succeeded; the welcome mail
    /// is only sent for a tenant that is READY.
    pub fn begin(self, step: Step, attempt: u32, now: Timestamp) -> Result<Self, IllegalMove> {
        let resumable = match self.step_status(step) {
            StepStatus::Pending | StepStatus::Running => true,
            StepStatus::Warning => step == Step::SendWelcome,
            StepStatus::Succeeded | StepStatus::Failed | StepStatus::Undone => false,
        };
        let in_turn = self.is_turn_of(step) || (step == Step::ValidateRequest && self.status.is_running());
        let legal = self.is_current(attempt) && in_turn && resumable && self.succeeded_before(step);
        let mut next = self.allow(legal, Move::Begin { step, attempt })?;
        if step != Step::SendWelcome {
            next.status = TenantStatus::InProgress;
        }
        next.phase = step.phase_while_running();
        next.current_step = Some(step);
        let record = next.record(step);
        record.status = StepStatus::Running;
        record.tries = record.tries.saturating_add(1);
        record.started_at.get_or_insert(to_milliseconds(now));
        record.finished_at = None;
        let again = record.tries > 1;
        Ok(if again { next.told(EventType::StepRetried, Some(step), "", now) } else { next.touched(now) })
    }

    /// The step that runs did its work. Activate ends with [`Provisioning::ready`] instead.
    pub fn succeed(self, step: Step, attempt: u32, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = step != Step::Activate && self.may_end(step, attempt);
        let mut next = self.allow(legal, Move::Succeed { step, attempt })?;
        next.finish(step, StepStatus::Succeeded, now);
        match step {
            Step::ValidateRequest => next.phase = Phase::Queued,
            Step::SendWelcome => next.current_step = None,
            _ => {}
        }
        Ok(next.told(EventType::StepSucceeded, Some(step), "", now))
    }

    /// The welcome mail could not be sent, if its step could be begun at all. The tenant stays READY, and the step may be
    /// begun again.
    pub fn warn(self, step: Step, attempt: u32, message: &str, now: Timestamp) -> Result<Self, IllegalMove> {
        let open = matches!(self.step_status(step), StepStatus::Pending | StepStatus::Running);
        let legal = step == Step::SendWelcome && self.is_current(attempt) && self.is_turn_of(step) && open;
        let mut next = self.allow(legal, Move::Warn { step, attempt })?;
        next.finish(step, StepStatus::Warning, now);
        next.current_step = None;
        Ok(next.told(EventType::StepWarned, Some(step), message, now))
    }

    /// What the step had made in this attempt was taken away.
    pub fn undone(self, step: Step, attempt: u32, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = self.needs_undo(step, attempt);
        let mut next = self.allow(legal, Move::Undo { step, attempt })?.halted();
        next.finish(step, StepStatus::Undone, now);
        Ok(next.told(EventType::StepUndone, Some(step), "", now))
    }

    /// What the step had made could not be taken away; somebody has to look at it.
    pub fn orphaned(self, step: Step, attempt: u32, detail: &str, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = self.needs_undo(step, attempt);
        let mut next = self.allow(legal, Move::Orphan { step, attempt })?.halted();
        next.finish(step, StepStatus::Warning, now);
        Ok(next.told(EventType::StepOrphaned, Some(step), detail, now))
    }

    /// The tenant can be used. This is how Activate, which must be running, succeeds.
    pub fn ready(self, attempt: u32, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = self.may_end(Step::Activate, attempt);
        let mut next = self.allow(legal, Move::Ready { attempt })?;
        next.finish(Step::Activate, StepStatus::Succeeded, now);
        next.status = TenantStatus::Ready;
        next.phase = Phase::Ready;
        next.current_step = None;
        Ok(next.told(EventType::Ready, Some(Step::Activate), "", now))
    }

    /// The attempt is over, for this reason. Whatever was not undone by now stays visible in the steps, but does not keep
    /// the attempt from ending.
    pub fn fail(self, attempt: u32, failure: Failure, now: Timestamp) -> Result<Self, IllegalMove> {
        let legal = self.is_current(attempt) && self.status.is_running();
        let mut next = self.allow(legal, Move::Fail { attempt })?;
        let failure = failure.bounded();
        for step in Step::ALL.iter().copied() {
            if step == failure.step || next.step_status(step) == StepStatus::Running {
                next.finish(step, StepStatus::Failed, now);
            }
        }
        next.status = TenantStatus::Failed;
        next.current_step = Some(failure.step);
        let (step, note) = (failure.step, failure.detail.clone());
        next.error = Some(failure);
        Ok(next.told(EventType::Failed, Some(step), &note, now))
    }

    /// Another attempt, for the request `correlation_id`: only from FAILED. The failed attempt took away what it had made,
    /// so every step is due again.
    pub fn retry(self, correlation_id: CorrelationId, now: Timestamp) -> Result<Self, IllegalMove> {
        let attempt = self.attempt.checked_add(1);
        let legal = self.status == TenantStatus::Failed && attempt.is_some();
        let mut next = self.allow(legal, Move::Retry)?;
        next.attempt = attempt.unwrap_or(next.attempt);
        next.status = TenantStatus::Requested;
        next.phase = Phase::Requested;
        next.current_step = None;
        next.correlation_id = correlation_id;
        next.steps = all_pending();
        next.error = None;
        Ok(next.told(EventType::RetryRequested, None, "", now))
    }

    pub(super) fn allow(self, legal: bool, to: Move) -> Result<Self, IllegalMove> {
        if legal { Ok(self) } else { Err(IllegalMove { from: self.status, attempt: self.attempt, to }) }
    }

    const fn is_current(&self, attempt: u32) -> bool {
        attempt == self.attempt
    }

    /// The welcome mail comes after READY, also where the tenant is closed a moment later.
    fn is_turn_of(&self, step: Step) -> bool {
        match self.status {
            TenantStatus::InProgress => step != Step::SendWelcome,
            TenantStatus::Ready | TenantStatus::Suspended => step == Step::SendWelcome,
            _ => false,
        }
    }

    fn succeeded_before(&self, step: Step) -> bool {
        self.steps[..step as usize].iter().all(|record| record.status == StepStatus::Succeeded)
    }

    fn may_end(&self, step: Step, attempt: u32) -> bool {
        let running = self.step_status(step) == StepStatus::Running;
        self.is_current(attempt) && self.is_turn_of(step) && running && self.succeeded_before(step)
    }

    /// Notes where the attempt came to a halt: once a step is undone, the steps no longer tell. A removal has no halt.
    fn halted(mut self) -> Self {
        if !self.is_being_removed() {
            self.current_step = Some(self.halted_at());
        }
        self
    }

    fn record(&mut self, step: Step) -> &mut StepRecord {
        &mut self.steps[step as usize]
    }

    fn finish(&mut self, step: Step, status: StepStatus, now: Timestamp) {
        let record = self.record(step);
        record.status = status;
        record.finished_at = Some(to_milliseconds(now));
    }

    fn own_words(&self) -> usize {
        self.events.iter().map(|event| event.own_words(&self.correlation_id)).sum()
    }

    fn touched(mut self, now: Timestamp) -> Self {
        self.updated_at = to_milliseconds(now);
        self
    }

    pub(super) fn told(mut self, event_type: EventType, step: Option<Step>, note: &str, now: Timestamp) -> Self {
        self.events.push(Event {
            event_type,
            status: self.status,
            step,
            message: event_type.message(step, &bounded(note, MAX_NOTE)),
            correlation_id: self.correlation_id.clone(),
            attempt: self.attempt,
            at: to_milliseconds(now),
        });
        while self.events.len() > MAX_EVENTS || self.own_words() > MAX_OWN_WORDS {
            self.events.remove(0);
        }
        self.touched(now)
    }
}

fn all_pending() -> Vec<StepRecord> {
    Step::ALL.iter().copied().map(StepRecord::pending).collect()
}
