//! DeployStack: the application plane. Without a deployer there is nothing to deploy; with one, it is asked by a signed
//! webhook and the state machine waits on the task token for its answer, ten minutes at most, with heartbeats.

use domain::{Step as Which, TokenDigest};
use lambda::{Env, FromEnv, StartError, Step};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{Effects, Stack, StackState};
use workflow::{Executions, StepError, StepInput, WorkflowError};

use crate::{
    deployer::{Action, Deployer},
    journal::{Journal, unavailable},
};

/// The journal, the deployer if there is one, and Step Functions to answer the token where there is none.
pub struct Deps {
    journal: Journal,
    deployer: Option<Deployer>,
    executions: Executions,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self {
            journal: Journal::from_env(env, Which::DeployStack)?,
            deployer: Deployer::from_env(env).await?,
            executions: Executions::new(&env.sdk, env.required("PROVISIONING_MACHINE")?),
        })
    }
}

/// The step.
pub struct DeployStack;

impl Step for DeployStack {
    type Deps = Deps;
    const NAME: &'static str = "DeployStack";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let token = input
            .task_token
            .as_deref()
            .ok_or_else(|| StepError::fail("malformed_input", "the input has no task token"))?;
        let Some(tenant) = deps.journal.begin(&input).await? else { return answer(deps, token).await };
        let Some(deployer) = &deps.deployer else {
            deps.journal.succeed(&input, Effects::of(&tenant).keep(&none())).await?;
            return answer(deps, token).await;
        };
        // Noted first: the answer is checked against it, and may come before the webhook returns.
        let asked = Stack { deployer: "webhook".into(), state: StackState::Requested, task_token: Some(digest(token)) };
        let tenant = deps.journal.note(&input, Effects::of(&tenant).keep(&asked)).await?;
        deployer.ask(Action::Deploy, &tenant, Some(token)).await?;
        Ok(Value::Null)
    }

    async fn undo(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin_undo(&input).await? else { return Ok(Value::Null) };
        let made = deps.journal.store.made::<Stack>(&tenant.tenant_id).await.map_err(unavailable)?;
        if made.is_some_and(|made| made.attempt == input.attempt && made.record.deployer != "none") {
            let Some(deployer) = &deps.deployer else {
                return Err(StepError::fail("deployer_gone", "a deployer made the stack, and none is configured now"));
            };
            deployer.ask(Action::Remove, &tenant, None).await?;
        }
        deps.journal.undone(&input, Effects::of(&tenant).undo::<Stack>()).await
    }
}

fn none() -> Stack {
    Stack { deployer: "none".into(), state: StackState::Deployed, task_token: None }
}

/// Task tokens are kept as digests: who reads the table cannot answer for the deployer.
pub(crate) fn digest(token: &str) -> TokenDigest {
    TokenDigest::of(&Sha256::digest(token.as_bytes()).into())
}

/// Answers the waiting state. An answer that finds nobody waiting was given before.
async fn answer(deps: &Deps, token: &str) -> Result<Value, StepError> {
    match deps.executions.succeed(token, "{}").await {
        Ok(()) | Err(WorkflowError::NobodyWaits) => Ok(Value::Null),
        Err(error @ WorkflowError::Unavailable(_)) => Err(StepError::retry("Step Functions is busy", error)),
    }
}
