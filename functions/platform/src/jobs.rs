//! The work in the background, for operators and their monitoring: `/api/v1/jobs/…` (REQUIREMENTS.md R19). No job waits in
//! a queue: in the one that there is lie events that failed to the last, which are counted as dead letters. What a failed
//! execution could not undo is an orphan, and is counted as such.

pub mod health;
pub mod scheduler;
pub mod stats;
pub mod worker_config;
