//! Takes the emptied keys out of use, and records that all is done. Only after a whole pass over the table has found
//! nobody: the record says so, and this state asks it again.

use std::sync::Arc;

use domain::{Action, Clock, Entropy};
use jiff::SignedDuration;
use lambda::{Env, FromEnv, StartError, Task};
use secrets::{DataKeys, KeyRing};
use serde_json::{Value, json};
use store::{ResealState, Store};
use workflow::StepError;

use super::{Run, unavailable};
use crate::{RotateDataKeys, retirement};

/// The store, and the rotation of the ring.
pub struct Deps {
    store: Store,
    rotation: RotateDataKeys,
    secret: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self {
            store: env.store()?,
            rotation: RotateDataKeys::from_env(env).await?,
            secret: env.required("DATA_KEYS_SECRET")?.to_owned(),
            clock: env.clock.clone(),
            entropy: env.entropy.clone(),
        })
    }
}

/// The state.
pub struct ResealRetire;

impl Task for ResealRetire {
    type Deps = Deps;
    type Input = Run;
    type Output = Value;
    const NAME: &'static str = "reseal-retire";

    async fn run(deps: &Deps, run: Run) -> Result<Value, StepError> {
        let (reseal, now) = (run.record(&deps.store).await?, deps.clock.now());
        match reseal.state {
            ResealState::Done => return Ok(Value::Null),
            ResealState::Running if reseal.clean => {}
            _ => return Err(StepError::fail("not_clean", "no pass over the table has found nothing")),
        }
        let without = |ring: &KeyRing<DataKeys>| {
            let mut left = None;
            for key in &reseal.retiring {
                let next = left.as_ref().unwrap_or(ring).without(key, now, SignedDuration::ZERO, &*deps.entropy);
                left = next.or(left);
            }
            left.map(|ring| ring.to_secret())
        };
        let rotator = lambda::Rotates::rotator(&deps.rotation);
        let replaced = rotator.replace(&deps.rotation, &deps.secret, without).await;
        let replaced = replaced.map_err(retirement::not_retired)?;
        let audit = run.audit(Self::NAME, Action::ResealEnded, None, now);
        deps.store.end_reseal(&reseal, ResealState::Done, None, &audit).await.map_err(unavailable)?;
        tracing::info!(event = "data_keys.retired", keys = ?reseal.retiring, replaced, "data_keys.retired");
        Ok(json!({"retired": reseal.retiring}))
    }
}
