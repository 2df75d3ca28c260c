//! CreateDatabase: for the pool a partition record, for a silo a table of its own with point-in-time recovery.
//!
//! The table's name holds the attempt, and is recorded before the table is asked for: a crash in between leaves a
//! record that the undo finds, never a table that nobody knows.

use domain::{Isolation, Step as Which};
use lambda::{Env, FromEnv, StartError, Step};
use serde_json::Value;
use store::{Database, Effects, TableState, silo_table_name};
use workflow::{StepError, StepInput};

use crate::journal::{Journal, unavailable};

/// The journal, the shared table's name, how silo tables are named and under which key they lie.
pub struct Deps {
    journal: Journal,
    pool_table: String,
    silo_prefix: String,
    key_arn: String,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self {
            journal: Journal::from_env(env, Which::CreateDatabase)?,
            pool_table: env.required("CORE_TABLE")?.to_owned(),
            silo_prefix: env.required("SILO_TABLE_PREFIX")?.to_owned(),
            key_arn: env.required("ENCRYPTION_KEY")?.to_owned(),
        })
    }
}

/// The step.
pub struct CreateDatabase;

impl Step for CreateDatabase {
    type Deps = Deps;
    const NAME: &'static str = "CreateDatabase";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        let kind = tenant.plan.isolation();
        if kind == Isolation::Pool {
            let record = Database { kind, table: deps.pool_table.clone() };
            return deps.journal.succeed(&input, Effects::of(&tenant).keep(&record)).await;
        }
        let store = &deps.journal.store;
        let record = Database { kind, table: silo_table_name(&deps.silo_prefix, &tenant.tenant_id, input.attempt) };
        let tenant = deps.journal.note(&input, Effects::of(&tenant).keep(&record)).await?;
        store.create_silo_table(&record.table, &tenant.tenant_id, &deps.key_arn).await.map_err(unavailable)?;
        if store.silo_table(&record.table).await.map_err(unavailable)? != TableState::Active {
            return Err(StepError::not_yet("the tenant's table is being created"));
        }
        store.enable_recovery(&record.table).await.map_err(unavailable)?;
        deps.journal.succeed(&input, Effects::of(&tenant)).await
    }

    async fn undo(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin_undo(&input).await? else { return Ok(Value::Null) };
        let made = deps.journal.store.made::<Database>(&tenant.tenant_id).await.map_err(unavailable)?;
        if let Some(made) = made.filter(|made| made.attempt == input.attempt && made.record.kind == Isolation::Silo) {
            let state = deps.journal.store.delete_silo_table(&made.record.table).await.map_err(unavailable)?;
            if state != TableState::Absent {
                return Err(StepError::not_yet("the tenant's table is being deleted"));
            }
        }
        deps.journal.undone(&input, Effects::of(&tenant).undo_schema().undo_probe().undo::<Database>()).await
    }
}
