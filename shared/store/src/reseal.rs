//! The re-seal: how far the move of every tenant's values away from the key-encryption keys that go out of use has come.
//!
//! A fence keeps those keys from coming back: a transaction that stores a data key checks that the key it is wrapped under
//! is not on the list. So whatever is under one of them was there before the fence, and a strongly consistent scan of the
//! table, begun after it, cannot miss it. There is no index of tenants to forget one in; a scan reads the whole table once
//! a pass, two passes a rotation, at half a read unit per KB/4 and page. Where the scan stands is no change of the
//! business and has no audit entry.

mod values;

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{CorrelationId, KeyId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Store, StoreError, TenantDataKey, TenantRecord,
    item::{attribute, item, n, read, s},
    keys::{FENCES, Key, RESEAL, RESEAL_LEFT},
    scan::{Cursor, TenantsPage, Wanted},
    transact::{Ended, Expr, Reason, Write, refusal},
};

pub use values::{SealedPage, SealedValue};

const WHAT: &str = "re-seal record";
/// How the re-seal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResealState {
    /// An execution works on it.
    Running,
    /// An execution has done its share; the next one is to begin.
    Waiting,
    /// Something was left; it is begun again later, by itself.
    Failed,
    /// Nothing is under the old keys, and they are out of use.
    Done,
}

/// The re-seal towards one key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reseal {
    /// The key that data keys are to be wrapped under.
    pub target: KeyId,
    /// The keys that go out of use once nothing is under them.
    pub retiring: Vec<KeyId>,
    /// Which execution towards this key it is, from 1.
    pub run: u32,
    /// How it stands.
    pub state: ResealState,
    /// When its first execution began.
    pub since: Timestamp,
    /// When this one did.
    pub run_began_at: Timestamp,
    /// When anything was last written here but `done`.
    pub changed_at: Timestamp,
    /// How many tenants had something to move, as far as they are found: grows until the first pass is through.
    pub total: u64,
    /// How many of them have nothing left under an old key.
    pub done: u64,
    /// How many tenants this pass over the table has found so far; none before the first pass.
    pub found: Option<u64>,
    /// What `done` was when the pass began.
    pub before: u64,
    /// The request id of everything that this run causes.
    pub correlation_id: CorrelationId,
    /// The page of tenants that was last handed out, over all passes of this execution.
    pub page: u64,
    /// Where that page began.
    pub from: Option<Cursor>,
    /// Where the next one begins; none where that one was the last of its pass.
    pub next: Option<Cursor>,
    /// A whole pass has found nothing.
    pub clean: bool,
    /// Why it failed.
    pub why: Option<String>,
}

/// A tenant with values that could not be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantLeft {
    /// Which one.
    pub tenant_id: TenantId,
    /// Why, as the step that gave up said it.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// What an operator wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResealProgress {
    /// The record; of a rotation long past it says [`ResealState::Done`].
    pub reseal: Reseal,
    /// The tenants that failed and have not succeeded since; the first few thousand.
    pub failed: Vec<TenantLeft>,
}

impl Store {
    /// The record, strongly consistent; none before the first rotation.
    pub async fn reseal(&self) -> Result<Option<Reseal>, StoreError> {
        self.record(WHAT, &Key::reseal()).await
    }

    /// The record with the tenants that failed: one `GetItem` and one page of a `Query`.
    pub async fn reseal_progress(&self) -> Result<Option<ResealProgress>, StoreError> {
        let Some(reseal) = self.reseal().await? else { return Ok(None) };
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :left)")
            .expression_attribute_values(":pk", s(RESEAL))
            .expression_attribute_values(":left", s(RESEAL_LEFT));
        let found = Box::pin(query.send()).await?.items.unwrap_or_default();
        let failed = found.into_iter().map(|item| read(WHAT, item)).collect::<Result<_, _>>()?;
        Ok(Some(ResealProgress { reseal, failed }))
    }

    /// Puts `next` in place of what was read, and every key that it retires behind the fence. False where somebody else
    /// was first.
    pub async fn begin_reseal(
        &self,
        before: Option<&Reseal>,
        next: &Reseal,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let key = Key::reseal();
        let unchanged = match before {
            None => Expr::absent(),
            Some(before) => Expr::new("target = :target AND run = :run AND #state = :state")
                .name("#state", "state")
                .value(":target", s(before.target.as_str()))
                .value(":run", n(before.run))
                .value(":state", attribute(WHAT, &before.state)?),
        };
        let ids = AttributeValue::Ss(next.retiring.iter().map(ToString::to_string).collect());
        let mut writes = vec![Write::put(WHAT, key.clone(), item(WHAT, &key, next)?).when(unchanged)];
        writes.extend((0..FENCES).map(|shard| {
            let expr = Expr::default().value(":ids", ids.clone());
            Write::update(FENCE, Key::reseal_fence(shard), "ADD retired :ids", expr)
        }));
        self.reseal_change(&writes, audit, &format!("{}#{}", next.target, next.run)).await
    }

    /// Tenants whose data key is under one of these keys, or that still keep the data key before theirs.
    pub async fn data_keys_under(&self, keys: &[KeyId], from: Option<Cursor>) -> Result<TenantsPage, StoreError> {
        let names: Vec<String> = (0..keys.len()).map(|n| format!(":key{n}")).collect();
        let filter = match keys {
            [] => "attribute_exists(#previous)".to_owned(),
            _ => format!("key_id IN ({}) OR attribute_exists(#previous)", names.join(", ")),
        };
        let values = names.into_iter().zip(keys.iter().map(|key| s(key.as_str()))).collect();
        let wanted = Wanted { filter, names: vec![("#previous", "previous")], values };
        self.tenants_with::<TenantDataKey>(&wanted, from).await
    }

    /// Records that a page was handed out. False where the record is of another run or page by now.
    pub async fn advance_reseal(&self, before: &Reseal, after: &Reseal) -> Result<bool, StoreError> {
        let set = "SET #page = :page, #from = :from, #next = :next, #found = :found, #total = :total, #before = :base, \
                   #clean = :clean, changed_at = :at";
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(Key::reseal().attributes()))
            .update_expression(set)
            .condition_expression("target = :target AND run = :run AND #page = :before AND #state = :running")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None);
        for name in ["page", "from", "next", "found", "total", "before", "clean", "state"] {
            update = update.expression_attribute_names(format!("#{name}"), name);
        }
        let values = [
            (":page", n(after.page)),
            (":from", attribute(WHAT, &after.from)?),
            (":next", attribute(WHAT, &after.next)?),
            (":found", attribute(WHAT, &after.found)?),
            (":base", n(after.before)),
            (":total", n(after.total)),
            (":clean", AttributeValue::Bool(after.clean)),
            (":at", attribute(WHAT, &after.changed_at)?),
            (":target", s(before.target.as_str())),
            (":run", n(before.run)),
            (":before", n(before.page)),
            (":running", attribute(WHAT, &ResealState::Running)?),
        ];
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        match Box::pin(update.send()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// Records how a run ended. False where it is not running any more, or is said to be done without a clean pass.
    pub async fn end_reseal(
        &self,
        of: &Reseal,
        state: ResealState,
        why: Option<&str>,
        audit: &Audit,
    ) -> Result<bool, StoreError> {
        let condition = match state {
            ResealState::Done => "target = :target AND run = :run AND #state = :running AND #clean = :yes",
            _ => "target = :target AND run = :run AND #state = :running",
        };
        let mut running = Expr::new(condition)
            .name("#state", "state")
            .name("#why", "why")
            .value(":target", s(of.target.as_str()))
            .value(":run", n(of.run))
            .value(":running", attribute(WHAT, &ResealState::Running)?)
            .value(":ended", attribute(WHAT, &state)?)
            .value(":why", attribute(WHAT, &why)?)
            .value(":at", attribute(WHAT, &audit.entry.at)?);
        if state == ResealState::Done {
            running = running.name("#clean", "clean").value(":yes", AttributeValue::Bool(true));
        }
        let end = Write::update(WHAT, Key::reseal(), "SET #state = :ended, #why = :why, changed_at = :at", running);
        self.reseal_change(&[end], audit, &format!("{}#{}", of.target, of.run)).await
    }

    /// Records that a tenant's values could not be moved. False where they have been, or the run is over.
    pub async fn reseal_left(&self, of: &Reseal, left: &TenantLeft, audit: &Audit) -> Result<bool, StoreError> {
        let (key, tenant) = (Key::reseal_left(&left.tenant_id), &left.tenant_id);
        let running = Expr::new("target = :target AND run = :run AND #state = :running")
            .name("#state", "state")
            .value(":target", s(of.target.as_str()))
            .value(":run", n(of.run))
            .value(":running", attribute(WHAT, &ResealState::Running)?);
        let retiring = attribute(WHAT, &of.retiring)?;
        let unmoved = Expr::new("attribute_exists(#previous) OR contains(:retiring, key_id)")
            .name("#previous", "previous")
            .value(":retiring", retiring);
        let writes = [
            Write::put(WHAT, key.clone(), item(WHAT, &key, left)?),
            Write::check(WHAT, Key::reseal(), running),
            Write::check("data key", Key::in_tenant(tenant, TenantDataKey::SK), unmoved),
        ];
        self.reseal_change(&writes, audit, tenant.as_str()).await
    }

    /// False where a condition refused; a race is worth another call.
    async fn reseal_change(&self, writes: &[Write], audit: &Audit, salt: &str) -> Result<bool, StoreError> {
        match self.transact(writes, audit, salt).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons)
                if reasons.iter().take(writes.len()).any(|reason| matches!(reason, Reason::Condition(_))) =>
            {
                Ok(false)
            }
            Ended::Cancelled(reasons) => Err(refusal(writes, &reasons)),
        }
    }
}

const FENCE: &str = "fence of the data keys";

/// Refuses a data key under a key that is going out of use.
pub(crate) fn fence(tenant: &TenantId, key_id: &str) -> Write {
    Write::check(FENCE, Key::reseal_fence_of(tenant), open(key_id))
}

/// The same for the one data key that is nobody's in particular.
pub(crate) fn people_fence(key_id: &str) -> Write {
    Write::check(FENCE, Key::reseal_fence(0), open(key_id))
}

fn open(key_id: &str) -> Expr {
    Expr::new("attribute_not_exists(pk) OR NOT contains(retired, :key)").value(":key", s(key_id))
}
