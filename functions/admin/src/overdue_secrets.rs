//! Woken by a schedule: says which secrets are overdue, one log line each, for which the template has an alarm. One
//! ListSecrets for each hundred secrets.

use domain::SecretName;
use lambda::{Env, FromEnv, Job, StartError};
use secrets::SecretError;
use serde_json::{Value, json};
use workflow::StepError;

use crate::secret::{self, is_late};

/// Secrets on a page; AWS's own limit.
const PAGE: u16 = 100;

/// Secrets Manager, and the time.
pub struct Deps {
    of: secret::Deps,
    clock: std::sync::Arc<dyn domain::Clock>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { of: secret::Deps::from_env(env).await?, clock: env.clock.clone() })
    }
}

/// The job.
pub struct OverdueSecrets;

impl Job for OverdueSecrets {
    type Deps = Deps;
    const NAME: &'static str = "overdue-secrets";

    async fn run(deps: &Deps) -> Result<Value, StepError> {
        let failed = |error: SecretError| StepError::retry("the secrets cannot be listed", error);
        let (prefix, now) = (SecretName::prefix(&deps.of.stage), deps.clock.now());
        let (mut overdue, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = deps.of.secrets.overviews(&prefix, PAGE, after).await.map_err(failed)?;
            for secret in page.into_iter().filter(|secret| is_late(secret, now)) {
                let since = secret.in_use_since();
                tracing::error!(alarm = "rotation_overdue", secret = secret.name, %since, "a secret was not rotated in time");
                overdue.push(secret.name);
            }
            match next {
                Some(token) => after = Some(token),
                None => return Ok(json!({ "overdue": overdue })),
            }
        }
    }
}
