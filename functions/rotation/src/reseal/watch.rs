//! Begins the re-seal, every five minutes if there is something to do: a key that is in use, with older ones beside it.
//!
//! It looks at what is, and waits for no message: a rotation's last step may die after it has made the new ring current,
//! and nobody would repeat its message; a key, moreover, is not in use before 90 minutes after its rotation. The record
//! is written before the execution is started, so a start that got lost is made good by the next look, under the same
//! name. At rest a look costs one `GetSecretValue` and one `GetItem`: a ring from a cache may still
//! have the keys that a re-seal has just taken out of use.

use std::sync::Arc;

use domain::{Action, Clock, CorrelationId, Entropy, KeyId};
use jiff::{SignedDuration, Timestamp};
use lambda::{Env, FromEnv, Job, StartError};
use secrets::{DataKeys, KeyRing, Secrets};
use serde::Serialize;
use serde_json::{Value, json};
use store::{Reseal, ResealState, Store};
use workflow::{Executions, StepError};

use super::{Run, ring_unusable, unavailable};

/// How long a failure is left to the people whom its alarm has called, before the next try.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_hours(1);
/// The state machine's `TimeoutSeconds`, and an hour: who has not ended by then never will.
const LOST_AFTER: SignedDuration = SignedDuration::from_hours(25);

/// The store, the ring and the state machine.
pub struct Deps {
    store: Store,
    secrets: Secrets,
    ring: String,
    executions: Executions,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let (secrets, ring) = (Secrets::new(&env.sdk), env.required("DATA_KEYS_SECRET")?.to_owned());
        KeyRing::<DataKeys>::parse(&ring, &secrets.current(&ring).await?)?;
        Ok(Self {
            store: env.store()?,
            secrets,
            ring,
            executions: Executions::new(&env.sdk, env.required("RESEAL_MACHINE")?),
            clock: env.clock.clone(),
            entropy: env.entropy.clone(),
        })
    }
}

#[derive(Serialize)]
struct Input {
    #[serde(flatten)]
    run: Run,
    page: Page,
}

#[derive(Serialize)]
struct Page {
    number: u64,
}

/// The job.
pub struct ResealWatch;

impl Job for ResealWatch {
    type Deps = Deps;
    const NAME: &'static str = "reseal-watch";

    async fn run(deps: &Deps) -> Result<Value, StepError> {
        let now = deps.clock.now();
        let value = deps.secrets.current(&deps.ring).await.map_err(ring_unusable)?;
        let ring = KeyRing::<DataKeys>::parse(&deps.ring, &value).map_err(ring_unusable)?;
        let target = ring.active(now).map_err(ring_unusable)?.id().clone();
        let older = ring.superseded(now).map_err(ring_unusable)?;
        let before = deps.store.reseal().await.map_err(unavailable)?;
        let reseal = match next(before.as_ref(), target, older, now, &*deps.entropy) {
            Next::Rest => return Ok(json!({"started": false})),
            Next::StartAgain(reseal) => reseal,
            Next::Begin(reseal) => {
                let audit = Run::from(&reseal).audit(Self::NAME, Action::ResealBegun, None, now);
                if !deps.store.begin_reseal(before.as_ref(), &reseal, &audit).await.map_err(unavailable)? {
                    return Ok(json!({"started": false}));
                }
                reseal
            }
        };
        let input = Input { run: Run::from(&reseal), page: Page { number: 0 } };
        let name = format!("{}-{}", reseal.target, reseal.run);
        let started = deps.executions.start_named(&name, &input).await;
        started.map_err(|e| StepError::retry("the re-seal was not started", e))?;
        Ok(json!({"started": name}))
    }
}

enum Next {
    Rest,
    /// Its execution may never have been started.
    StartAgain(Reseal),
    Begin(Reseal),
}

/// What is to be done about keys that are to go, given how the last re-seal stands.
fn next(last: Option<&Reseal>, target: KeyId, older: Vec<KeyId>, now: Timestamp, entropy: &dyn Entropy) -> Next {
    let last = last.filter(|last| last.target == target);
    // They leave the ring before the record says so.
    let unrecorded = last.filter(|last| last.state != ResealState::Done).map(|last| last.retiring.clone());
    let retiring = if older.is_empty() { unrecorded.unwrap_or_default() } else { older };
    if retiring.is_empty() {
        return Next::Rest;
    }
    let first = Reseal {
        target,
        retiring,
        run: 1,
        state: ResealState::Running,
        since: now,
        run_began_at: now,
        changed_at: now,
        total: 0,
        done: 0,
        found: None,
        before: 0,
        correlation_id: CorrelationId::new(entropy),
        page: 0,
        from: None,
        next: None,
        clean: false,
        why: None,
    };
    let Some(last) = last else { return Next::Begin(first) };
    let anew = |first: Reseal| {
        let (run, since, total, done) = (last.run + 1, last.since, last.total, last.done);
        Reseal { run, since, total, done, ..first }
    };
    match last.state {
        ResealState::Running if now < last.run_began_at + LOST_AFTER => Next::StartAgain(last.clone()),
        ResealState::Failed if now < last.changed_at + AFTER_FAILURE => Next::Rest,
        // It goes on in the middle of its pass.
        ResealState::Waiting => {
            let (next, found, before) = (last.next.clone(), last.found, last.before);
            Next::Begin(Reseal { next, found, before, ..anew(first) })
        }
        ResealState::Done => Next::Begin(Reseal { run: last.run + 1, ..first }),
        ResealState::Running | ResealState::Failed => Next::Begin(anew(first)),
    }
}
