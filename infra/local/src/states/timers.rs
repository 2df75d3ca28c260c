//! One heap and one task for everything that waits: a thousand sleeping executions cost a thousand heap entries.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::registry::Run;

#[derive(Default)]
pub(super) struct Timers {
    heap: Mutex<BinaryHeap<Reverse<Entry>>>,
    sooner: Notify,
}

struct Entry {
    at: Timestamp,
    run: Arc<Run>,
}

impl Timers {
    pub(super) fn add(&self, at: Timestamp, run: &Arc<Run>) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let first = heap.peek().is_none_or(|Reverse(entry)| at < entry.at);
        heap.push(Reverse(Entry { at, run: run.clone() }));
        if first {
            self.sooner.notify_one();
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        heap.peek().map(|Reverse(entry)| entry.at)
    }

    pub(super) fn due(&self, now: Timestamp) -> Option<Arc<Run>> {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        heap.peek().filter(|Reverse(entry)| entry.at <= now)?;
        heap.pop().map(|Reverse(entry)| entry.run)
    }

    /// Resolves when something was added before everything else.
    pub(super) async fn sooner(&self) {
        self.sooner.notified().await;
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}
