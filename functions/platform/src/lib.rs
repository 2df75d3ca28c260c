//! What the platform says about itself: that it is up, what its API is, what its problems mean, and to which pages it talks.

pub mod docs;
mod figures;
pub mod health;
pub mod health_details;
pub mod jobs;
pub mod openapi;
pub mod preflight;
pub mod probe;
pub mod unmatched;

use std::sync::Arc;

use domain::Entropy;
use lambda::{Env, FromEnv, Function, StartError};

type Routes = (health::Health, openapi::OpenApi, docs::Docs, preflight::Preflight, unmatched::Unmatched);

/// `GET /healthz`, `GET /openapi.json`, `GET /docs`, `OPTIONS /{proxy+}`, and whatever nothing else takes
pub const DOCS: Function = Function::http::<Routes>("platform-docs");

/// `GET /health/details`
pub const HEALTH_DETAILS: Function = Function::http::<(health_details::HealthDetails,)>("platform-health-details");

/// The routes below `/api/v1/jobs`
pub const JOBS: Function = Function::http::<(
    jobs::health::JobsHealth,
    jobs::stats::JobsStats,
    jobs::scheduler::JobsScheduler,
    jobs::worker_config::WorkerConfig,
)>("platform-jobs");

/// CodeDeploy, before a new version gets traffic
pub const PROBE: Function = Function::hook::<probe::Probe>("platform-probe");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&DOCS, &HEALTH_DETAILS, &JOBS, &PROBE];

/// The origins that the door allows, and randomness for nonces.
pub struct Deps {
    origins: Vec<String>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { origins: env.list("ALLOWED_ORIGINS"), entropy: env.entropy.clone() })
    }
}

#[cfg(test)]
mod tests;
