//! One `TransactWriteItems`: the writes, what each is called, and what a cancellation says about each.
//!
//! Each has a random `ClientRequestToken` that is the same in every try, so a call that timed out after its success is not
//! done twice.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure::AllOld,
        TransactWriteItem, Update,
    },
};

use data_encoding::HEXLOWER;
use domain::{Entropy as _, SystemEntropy};

use crate::{Store, StoreError, audit::Audit, direct::TransactWriteItems, item::Item, keys::Key};

/// How often what others outran is tried.
const TRIES: usize = 4;

/// A condition or update expression with what it refers to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expr {
    pub(crate) text: String,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Expr {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    pub(crate) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.insert(placeholder.to_owned(), name.to_owned());
        self
    }

    pub(crate) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// Nothing is stored under this key.
    pub(crate) fn absent() -> Self {
        Self::new("attribute_not_exists(pk)")
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Put(Item),
    Update(String),
    Delete,
    /// Changes nothing; the condition has to hold.
    Check,
}

/// One write of a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// What a refusal of this write is called.
    pub(crate) what: &'static str,
    pub(crate) key: Key,
    pub(crate) action: Action,
    /// The condition; for an update, also the names and values of its expression.
    pub(crate) expr: Option<Expr>,
    /// A refused condition means that there is nothing of ours to do here, not that the transaction failed.
    pub(crate) optional: bool,
}

impl Write {
    fn new(what: &'static str, key: Key, action: Action, expr: Option<Expr>) -> Self {
        Self { what, key, action, expr, optional: false }
    }

    pub(crate) fn put(what: &'static str, key: Key, item: Item) -> Self {
        Self::new(what, key, Action::Put(item), None)
    }

    pub(crate) fn update(what: &'static str, key: Key, update: &str, expr: Expr) -> Self {
        Self::new(what, key, Action::Update(update.to_owned()), Some(expr))
    }

    pub(crate) fn check(what: &'static str, key: Key, expr: Expr) -> Self {
        Self::new(what, key, Action::Check, Some(expr))
    }

    pub(crate) fn delete(what: &'static str, key: Key) -> Self {
        Self::new(what, key, Action::Delete, None)
    }

    pub(crate) fn when(self, expr: Expr) -> Self {
        Self { expr: Some(expr), ..self }
    }

    pub(crate) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    fn into_sdk(self, table: &str) -> Result<TransactWriteItem, StoreError> {
        // On a refusal the stored item comes back with the reason, which saves the read that would explain it.
        let seen = self.expr.as_ref().map(|_| AllOld);
        let (text, names, values) = split(self.expr);
        let key = self.key.attributes();
        let item = TransactWriteItem::builder();
        Ok(match self.action {
            Action::Put(put) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(put))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(seen)
                    .build()?,
            ),
            Action::Update(update) => item.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .update_expression(update)
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(seen)
                    .build()?,
            ),
            Action::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(seen)
                    .build()?,
            ),
            Action::Delete => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(seen)
                    .build()?,
            ),
        }
        .build())
    }
}

type Split = (Option<String>, Option<HashMap<String, String>>, Option<HashMap<String, AttributeValue>>);

/// DynamoDB refuses empty maps, so what is empty is left out.
pub(crate) fn split(expr: Option<Expr>) -> Split {
    let Expr { text, names, values } = expr.unwrap_or_default();
    (
        Some(text).filter(|text| !text.is_empty()),
        Some(names).filter(|names| !names.is_empty()),
        Some(values).filter(|values| !values.is_empty()),
    )
}

/// What a cancelled transaction says about one of its writes, in the order of the writes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reason {
    /// Nothing was wrong with this one.
    Fine,
    /// The condition does not hold for what is stored.
    Condition(Option<Item>),
    /// Another transaction was on the same item.
    Race,
    /// Throttled.
    Busy,
    /// The write itself is wrong.
    Invalid(String),
}

impl Reason {
    pub(crate) fn new(code: Option<&str>, message: Option<&str>, held: Option<Item>) -> Self {
        match code.unwrap_or("None") {
            "None" => Self::Fine,
            "ConditionalCheckFailed" => Self::Condition(held),
            "TransactionConflict" => Self::Race,
            "ThrottlingError" | "ProvisionedThroughputExceeded" => Self::Busy,
            code => Self::Invalid(format!("{code}: {}", message.unwrap_or_default())),
        }
    }
}

impl From<&CancellationReason> for Reason {
    fn from(reason: &CancellationReason) -> Self {
        Self::new(reason.code(), reason.message(), reason.item().cloned())
    }
}

/// How a transaction ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Ended {
    Committed,
    Cancelled(Vec<Reason>),
}

/// A write whose condition does not hold.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused {
    /// What the write is called.
    pub(crate) what: &'static str,
    /// What is stored there.
    pub(crate) held: Option<Item>,
}

impl Store {
    /// Sends the writes and the audit entries as one transaction. The audit entries come last, so that the reasons have the
    /// writes' indices.
    pub(crate) async fn transact(&self, writes: &[Write], audit: &Audit, salt: &str) -> Result<Ended, StoreError> {
        let entries = audit.writes(salt)?;
        let (core, log) = (self.tables.core.as_str(), self.tables.audit.as_str());
        let all = writes.iter().map(|write| (core, write)).chain(entries.iter().map(|entry| (log, entry)));
        let token = token();
        if let Some(direct) = &self.direct {
            let transaction = TransactWriteItems::new(&token, all.clone());
            if let Some(ended) = Box::pin(direct.transact(&transaction)).await {
                return Ok(ended);
            }
        }
        let items = all.map(|(table, write)| write.clone().into_sdk(table)).collect::<Result<_, _>>()?;
        let sent =
            self.client.transact_write_items().client_request_token(token).set_transact_items(Some(items)).send();
        match Box::pin(sent).await {
            Ok(_) => Ok(Ended::Committed),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    Ok(Ended::Cancelled(cancelled.cancellation_reasons().iter().map(Reason::from).collect()))
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Whether it was done: false where a condition does not hold. Transactions of one person at once meet on the same
    /// items, so a lost race is tried again.
    pub(crate) async fn commit_if(&self, writes: &[Write], audit: &Audit, salt: &str) -> Result<bool, StoreError> {
        let mut refused = Vec::new();
        for _ in 0..TRIES {
            match self.transact(writes, audit, salt).await? {
                Ended::Committed => return Ok(true),
                Ended::Cancelled(reasons) => refused = reasons,
            }
            if refused.iter().any(|reason| matches!(reason, Reason::Condition(_))) {
                return Ok(false);
            }
            if !refused.contains(&Reason::Race) {
                break;
            }
        }
        Err(refusal(writes, &refused))
    }

    /// As [`Store::commit_if`], with the first write whose condition does not hold.
    pub(crate) async fn commit_or_why(
        &self,
        writes: &[Write],
        audit: &Audit,
        salt: &str,
    ) -> Result<Option<Refused>, StoreError> {
        let mut cancelled = Vec::new();
        for _ in 0..TRIES {
            match self.transact(writes, audit, salt).await? {
                Ended::Committed => return Ok(None),
                Ended::Cancelled(reasons) => cancelled = reasons,
            }
            let mut named = writes.iter().zip(&mut cancelled);
            let refused = named.find_map(|(write, reason)| match reason {
                Reason::Condition(held) => Some(Refused { what: write.what, held: held.take() }),
                _ => None,
            });
            if refused.is_some() {
                return Ok(refused);
            }
            if !cancelled.contains(&Reason::Race) {
                break;
            }
        }
        Err(refusal(writes, &cancelled))
    }

    /// As [`Store::transact`], with any cancellation as an error: the first refused condition names the conflict.
    pub(crate) async fn commit(&self, writes: &[Write], audit: &Audit, salt: &str) -> Result<(), StoreError> {
        match self.transact(writes, audit, salt).await? {
            Ended::Committed => Ok(()),
            Ended::Cancelled(reasons) => Err(refusal(writes, &reasons)),
        }
    }
}

/// No outcome depends on which it is, so it is drawn here, as the SDK draws its own.
fn token() -> String {
    let mut random = [0; 16];
    SystemEntropy.fill(&mut random);
    HEXLOWER.encode(&random)
}

/// The error that a cancellation amounts to: a refused condition is final, a race or a throttle is not.
pub(crate) fn refusal(writes: &[Write], reasons: &[Reason]) -> StoreError {
    let name = |index: usize| writes.get(index).map_or("audit entry", |write| write.what);
    let mut passing = None;
    for (index, reason) in reasons.iter().enumerate() {
        match reason {
            Reason::Condition(_) => return StoreError::Conflict(name(index)),
            Reason::Invalid(why) => return StoreError::refused(format!("the {} was refused: {why}", name(index))),
            Reason::Race | Reason::Busy => passing = passing.or(Some(index)),
            Reason::Fine => {}
        }
    }
    StoreError::busy(format!("the {} is busy", passing.map_or("transaction", name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::s;

    fn reason(code: &str) -> Reason {
        Reason::from(&CancellationReason::builder().code(code).message("why").build())
    }

    fn writes() -> Vec<Write> {
        ["tenant", "subdomain"].map(|what| Write::delete(what, Key { pk: what.into(), sk: "x".into() })).to_vec()
    }

    #[test]
    fn reasons_are_read_by_code() {
        assert_eq!(Reason::from(&CancellationReason::builder().build()), Reason::Fine);
        assert_eq!(reason("None"), Reason::Fine);
        assert_eq!(reason("ConditionalCheckFailed"), Reason::Condition(None));
        assert_eq!(reason("TransactionConflict"), Reason::Race);
        assert_eq!(reason("ThrottlingError"), Reason::Busy);
        assert_eq!(reason("ProvisionedThroughputExceeded"), Reason::Busy);
        assert_eq!(reason("ValidationError"), Reason::Invalid("ValidationError: why".into()));
        let held = CancellationReason::builder().code("ConditionalCheckFailed").item("pk", s("x")).build();
        assert_eq!(Reason::from(&held), Reason::Condition(Some(Item::from([("pk".into(), s("x"))]))));
    }

    #[test]
    fn a_refused_condition_outweighs_a_race_and_names_its_write() {
        let reasons = [Reason::Race, Reason::Condition(None), Reason::Fine];
        assert!(matches!(refusal(&writes(), &reasons), StoreError::Conflict("subdomain")));
    }

    #[test]
    fn races_and_throttles_may_be_tried_again_and_invalid_writes_may_not() {
        assert!(refusal(&writes(), &[Reason::Fine, Reason::Race, Reason::Fine]).is_retryable());
        assert!(refusal(&writes(), &[Reason::Busy, Reason::Fine, Reason::Fine]).is_retryable());
        assert!(!refusal(&writes(), &[Reason::Invalid("size".into())]).is_retryable());
    }

    #[test]
    fn the_audit_entry_is_the_last_write() {
        let reasons = [Reason::Fine, Reason::Fine, Reason::Condition(None)];
        assert!(matches!(refusal(&writes(), &reasons), StoreError::Conflict("audit entry")));
    }
}
