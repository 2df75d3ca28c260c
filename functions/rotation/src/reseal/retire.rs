//! Takes the emptied keys out of use, and records that all is done. Only after a whole pass over the table has found
//! nobody: the record says so, and this state asks it again.
//!
//! The data key of what belongs to people, and so to no tenant, is one: it is wrapped anew here, and stays the key that it
//! is.

use std::sync::Arc;

use domain::{Action, Clock, Entropy};
use jiff::{SignedDuration, Timestamp};
use lambda::{Announcer, Env, FromEnv, StartError, Task};
use secrets::{Cached, DataKey, DataKeys, KeyRing, Secrets, Unsealable, WrappedKey};
use serde_json::{Value, json};
use store::{PeopleKey, ResealState, Store};
use workflow::StepError;

use super::{Run, ring_unusable, unavailable};
use crate::{RotateDataKeys, retirement};

/// The store, the rotation of the ring, and the bus.
pub struct Deps {
    store: Store,
    rotation: RotateDataKeys,
    announcer: Announcer,
    data_keys: Cached<KeyRing<DataKeys>>,
    secret: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let secret = env.required("DATA_KEYS_SECRET")?;
        Ok(Self {
            store: env.store()?,
            rotation: RotateDataKeys::from_env(env).await?,
            announcer: Announcer::from_env(env)?,
            data_keys: Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse),
            secret: secret.to_owned(),
            clock: env.clock.clone(),
            entropy: env.entropy.clone(),
        })
    }
}

impl Deps {
    async fn wrap_people_key(&self, run: &Run, now: Timestamp) -> Result<(), StepError> {
        let Some(before) = self.store.people_key().await.map_err(unavailable)? else { return Ok(()) };
        if !run.retiring.iter().any(|id| id.as_str() == before.key_id) {
            return Ok(());
        }
        let ring = self.data_keys.refresh_now().await.map_err(ring_unusable)?;
        let key = DataKey::unwrap_for_people(&WrappedKey(before.wrapped.clone()), &ring, now).map_err(unsealable)?;
        let wrapped = key.wrap_for_people(&ring, now, &*self.entropy).map_err(ring_unusable)?;
        let key_id = wrapped.key_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
        let after = PeopleKey { key_id, wrapped: wrapped.0 };
        let audit = run.audit(ResealRetire::NAME, Action::DataKeyMoved, None, now);
        match self.store.rewrap_people_key(&before, &after, &audit).await.map_err(unavailable)? {
            true => Ok(()),
            false => Err(StepError::retry("the people's data key was changed", Unsealable)),
        }
    }
}

fn unsealable(error: Unsealable) -> StepError {
    let detail = "the people's data key does not open: restore it from a backup";
    StepError::because("unsealable", detail, error)
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
        deps.wrap_people_key(&run, now).await?;
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
        let told = deps.announcer.rotated(&deps.secret, &replaced.version).await;
        told.map_err(|error| StepError::retry("the old keys are out of the ring, and nobody has been told", error))?;
        let audit = run.audit(Self::NAME, Action::ResealEnded, None, now);
        deps.store.end_reseal(&reseal, ResealState::Done, None, &audit).await.map_err(unavailable)?;
        tracing::info!(event = "data_keys.retired", keys = ?reseal.retiring, replaced = replaced.made, "data_keys.retired");
        Ok(json!({"retired": reseal.retiring}))
    }
}
