//! The next tenants, and when there are none: one scan of a part of the table, and one update of the record.
//!
//! Passes over the table follow each other until one finds nobody. An execution may have 25 000 events, so it ends after
//! some pages, and the next one goes on where it stopped.

use std::sync::Arc;

use domain::{Action, Clock};
use lambda::{Env, FromEnv, StartError, Task};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Reseal, ResealState, Store};
use workflow::StepError;

use super::{Run, unavailable};

/// How many pages an execution goes through: some 50 tenants each, at 11 events, stay below half of what it may have.
const PAGES: u64 = 20;

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

/// Which page came last.
#[derive(Deserialize)]
pub struct Input {
    #[serde(flatten)]
    run: Run,
    after: u64,
}

/// The state.
pub struct ResealList;

impl Task for ResealList {
    type Deps = Deps;
    type Input = Input;
    type Output = Value;
    const NAME: &'static str = "reseal-list";

    async fn run(deps: &Deps, Input { run, after }: Input) -> Result<Value, StepError> {
        let reseal = run.record(&deps.store).await?;
        match reseal.state {
            ResealState::Running => {}
            ResealState::Waiting => return Ok(answer(after, &[], "pause")),
            _ => return Err(StepError::fail("stale_run", "the run is over")),
        }
        if reseal.page == after + 1 {
            // Asked before: the same part of the table again, of which some may be done by now.
            return match reseal.clean {
                true => Ok(answer(reseal.page, &[], "retire")),
                false => hand_out(deps, &reseal, None).await,
            };
        }
        if reseal.page != after {
            return Err(StepError::fail("stale_page", "the re-seal is at another page"));
        }
        if reseal.page >= PAGES {
            let audit = run.audit(Self::NAME, Action::ResealEnded, None, deps.clock.now());
            let ended = deps.store.end_reseal(&reseal, ResealState::Waiting, None, &audit).await;
            ended.map_err(unavailable)?;
            return Ok(answer(after, &[], "pause"));
        }
        match (&reseal.next, reseal.found) {
            (Some(_), _) => hand_out(deps, &reseal, Some(reseal.found.unwrap_or(0))).await,
            (None, None) => hand_out(deps, &new_pass(&reseal), Some(0)).await,
            (None, Some(0)) => {
                let clean = Reseal { clean: true, page: after + 1, changed_at: deps.clock.now(), ..reseal.clone() };
                advance(deps, &reseal, &clean).await?;
                Ok(answer(clean.page, &[], "retire"))
            }
            (None, Some(_)) => {
                nobody_failed(deps).await?;
                hand_out(deps, &new_pass(&reseal), Some(0)).await
            }
        }
    }
}

fn new_pass(reseal: &Reseal) -> Reseal {
    Reseal { before: reseal.done, found: None, ..reseal.clone() }
}

/// Who failed in this pass fails in the next one: people have to look.
async fn nobody_failed(deps: &Deps) -> Result<(), StepError> {
    let progress = deps.store.reseal_progress().await.map_err(unavailable)?;
    let failed = progress.map_or(0, |progress| progress.failed.len());
    match failed {
        0 => Ok(()),
        n => Err(StepError::fail("tenants_left", format!("the values of {n} tenants could not be moved"))),
    }
}

/// The page after `reseal`'s, of a pass that has found so many; without that number, `reseal`'s page once more.
async fn hand_out(deps: &Deps, reseal: &Reseal, found: Option<u64>) -> Result<Value, StepError> {
    let from = if found.is_some() { reseal.next.clone() } else { reseal.from.clone() };
    let page = deps.store.data_keys_under(&reseal.retiring, from.clone()).await.map_err(unavailable)?;
    let Some(found) = found else { return Ok(answer(reseal.page, &page.tenants, "move")) };
    let found = found + page.tenants.len() as u64;
    let after = Reseal {
        page: reseal.page + 1,
        from,
        next: page.next,
        found: Some(found),
        total: reseal.total.max(reseal.before + found),
        changed_at: deps.clock.now(),
        ..reseal.clone()
    };
    advance(deps, reseal, &after).await?;
    Ok(answer(after.page, &page.tenants, "move"))
}

/// Another delivery of the same call may have been faster, and its page need not be this one.
async fn advance(deps: &Deps, before: &Reseal, after: &Reseal) -> Result<(), StepError> {
    match deps.store.advance_reseal(before, after).await.map_err(unavailable)? {
        true => Ok(()),
        false => Err(StepError::not_yet("another delivery was faster")),
    }
}

fn answer(page: u64, tenants: &[domain::TenantId], then: &str) -> Value {
    json!({"number": page, "tenants": tenants, "then": then})
}
