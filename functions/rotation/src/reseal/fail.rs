//! Records a failure: of a tenant, which does not keep the others from being moved, or of the whole run. Either keeps
//! every key in use. There is nothing to undo: whatever has been moved opens, and whatever has not does too.

use std::sync::Arc;

use domain::{Action, Clock, TenantId};
use lambda::{Env, FromEnv, StartError, Task};
use serde::Deserialize;
use serde_json::Value;
use store::{ResealState, Store, TenantLeft};
use workflow::{Caught, StepError};

use super::{Run, unavailable};

/// The store.
pub struct Deps {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { store: env.store()?, clock: env.clock.clone() })
    }
}

/// What failed.
#[derive(Deserialize)]
pub struct Input {
    #[serde(flatten)]
    run: Run,
    #[serde(default)]
    tenant_id: Option<TenantId>,
    failure: Caught,
}

/// The state.
pub struct ResealFail;

impl Task for ResealFail {
    type Deps = Deps;
    type Input = Input;
    type Output = Value;
    const NAME: &'static str = "reseal-fail";

    async fn run(deps: &Deps, Input { run, tenant_id, failure }: Input) -> Result<Value, StepError> {
        let (reseal, now, why) = (run.record(&deps.store).await?, deps.clock.now(), told(&failure));
        let audit = run.audit(Self::NAME, Action::ResealEnded, tenant_id.as_ref(), now);
        // Refused where it is no longer so: a late delivery.
        let recorded = match tenant_id {
            Some(tenant_id) => {
                let left = TenantLeft { tenant_id, why: why.clone(), at: now };
                deps.store.reseal_left(&reseal, &left, &audit).await
            }
            None => deps.store.end_reseal(&reseal, ResealState::Failed, Some(&why), &audit).await,
        };
        if recorded.map_err(unavailable)? {
            tracing::error!(alarm = "reseal", why, "the re-seal left something under an old key");
        }
        Ok(Value::Null)
    }
}

/// The words of our own state; what AWS says may name internals, and is in the log.
fn told(caught: &Caught) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wrapped {
        error_message: String,
    }
    #[derive(Deserialize)]
    struct Told {
        code: String,
        detail: String,
    }
    let told = serde_json::from_str::<Wrapped>(&caught.cause).ok();
    let told = told.and_then(|wrapped| serde_json::from_str::<Told>(&wrapped.error_message).ok());
    told.map_or_else(|| caught.error.clone(), |Told { code, detail }| format!("{code}: {detail}"))
}
