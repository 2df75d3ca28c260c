//! Retry and Catch, and what a failure that nobody answers to takes with it.

use super::definition::Retrier;
use super::engine::{Engine, Move, details};
use super::execution::{Phase, Status, later};
use super::failure::Failure;

impl Engine<'_> {
    /// The first retrier that covers the failure decides; once it is used up, the first such catcher.
    pub(super) fn failed(&mut self, id: u64, failure: Failure) {
        // A Map may fail between two of its iterations.
        if matches!(self.execution.branches.get(&id).map(|branch| &branch.phase), Some(Phase::Children { .. })) {
            self.drop_children(id);
        }
        let Some((state, branch)) = self.state(id).zip(self.execution.branches.get_mut(&id)) else { return };
        branch.phase = Phase::Moving;
        let covers = |errors: &[String]| errors.iter().any(|name| failure.is_covered_by(name));
        if let Some(index) = state.retry.iter().position(|retrier| covers(&retrier.errors)) {
            branch.retries.resize(state.retry.len(), 0);
            let (retrier, used) = (&state.retry[index], &mut branch.retries[index]);
            if *used < retrier.max_attempts {
                let until = later(self.now, retrier.delay(*used, self.entropy));
                *used += 1;
                branch.retry_count += 1;
                branch.phase = Phase::Backoff { until };
                return;
            }
        }
        let Some(catcher) = state.catch.iter().find(|catcher| covers(&catcher.errors)) else {
            return self.moves.push_back(Move::Unhandled { branch: id, failure });
        };
        match self.combined(id, catcher.result_path.as_ref(), failure.output()) {
            Ok(output) => self.moves.push_back(Move::Leave { branch: id, output, next: Some(catcher.next.clone()) }),
            Err(failure) => self.moves.push_back(Move::Unhandled { branch: id, failure }),
        }
    }

    /// Ends the branch; its siblings end with it, and the failure becomes that of the Map or Parallel around them.
    pub(super) fn unhandled(&mut self, id: u64, failure: Failure) {
        let Some(parent) = self.execution.branches.get(&id).and_then(|branch| branch.parent) else {
            self.finish(Status::Failed, Err(failure));
            return;
        };
        self.iteration_event(id, "MapIterationFailed");
        let last_event = self.execution.branches.get(&id).map_or(0, |branch| branch.last_event);
        self.drop_children(parent);
        if let Some(branch) = self.execution.branches.get_mut(&parent) {
            branch.last_event = last_event;
        }
        let kind = self.state(parent).map_or("Map", |state| state.kind.name());
        self.event(Some(parent), &format!("{kind}StateFailed"), details(&failure));
        self.moves.push_back(Move::Failed { branch: parent, failure });
    }
}

impl Retrier {
    /// Before the retry number `used` (from 0): interval × backoff^used, at most `MaxDelaySeconds`; with full jitter, anything
    /// from 0 to that.
    pub(super) fn delay(&self, used: u64, entropy: &dyn domain::Entropy) -> jiff::SignedDuration {
        let most = self.max_delay.unwrap_or(99_999_999) as f64;
        let seconds = (self.interval as f64 * self.backoff.powf(used as f64)).min(most);
        let mut millis = (seconds * 1000.0) as i64;
        if self.full_jitter {
            let mut random = [0; 8];
            entropy.fill(&mut random);
            millis = (u64::from_le_bytes(random) % (millis as u64 + 1)) as i64;
        }
        jiff::SignedDuration::from_millis(millis)
    }
}
