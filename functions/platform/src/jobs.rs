//! The work in the background, for operators and their monitoring: `/api/v1/jobs/…` (REQUIREMENTS.md R19). The one queue is that
//! of dead letters; what a failed execution could not undo is an orphan, and is counted as such.

pub mod health;
pub mod scheduler;
pub mod stats;
pub mod worker_config;
