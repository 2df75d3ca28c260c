//! `TransactWriteItems` and `UpdateItem` as they go over the wire, and what a refusal says.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>,
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html>

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    item::{Found, Item},
    keys::Key,
    transact::{Action, Expr, Reason, Write},
};

/// A transaction. The same token sent again within ten minutes is the same transaction.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TransactWriteItems<'a> {
    client_request_token: &'a str,
    transact_items: Vec<Sent<'a>>,
}

#[derive(Serialize)]
enum Sent<'a> {
    Put(Operation<'a>),
    Update(Operation<'a>),
    Delete(Operation<'a>),
    ConditionCheck(Operation<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Operation<'a> {
    table_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_expression: Option<&'a str>,
    #[serde(flatten)]
    condition: Option<Condition<'a>>,
}

/// An update of one item that answers with all of it, whether it was done or not.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateItem<'a> {
    table_name: &'a str,
    key: Found,
    update_expression: &'a str,
    #[serde(flatten)]
    condition: Condition<'a>,
    return_values: &'static str,
}

/// DynamoDB refuses what is empty, so that is left out.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    condition_expression: &'a str,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    expression_attribute_names: &'a HashMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression_attribute_values: Option<Found>,
    return_values_on_condition_check_failure: &'static str,
}

impl<'a> TransactWriteItems<'a> {
    /// Of writes to the tables that they are named with.
    pub(crate) fn new(token: &'a str, writes: impl Iterator<Item = (&'a str, &'a Write)>) -> Self {
        Self { client_request_token: token, transact_items: writes.map(|(table, write)| sent(table, write)).collect() }
    }
}

impl<'a> UpdateItem<'a> {
    pub(crate) fn new(table: &'a str, key: Item, update: &'a str, expr: &'a Expr) -> Self {
        let condition = expr.into();
        Self { table_name: table, key: key.into(), update_expression: update, condition, return_values: "ALL_NEW" }
    }
}

fn sent<'a>(table: &'a str, write: &'a Write) -> Sent<'a> {
    let condition = write.expr.as_ref().map(Condition::from);
    let operation =
        Operation { table_name: table, item: None, key: Some(&write.key), update_expression: None, condition };
    match &write.action {
        Action::Put(item) => Sent::Put(Operation { item: Some(item.clone().into()), key: None, ..operation }),
        Action::Update(update) => Sent::Update(Operation { update_expression: Some(update), ..operation }),
        Action::Delete => Sent::Delete(operation),
        Action::Check => Sent::ConditionCheck(operation),
    }
}

impl<'a> From<&'a Expr> for Condition<'a> {
    fn from(expr: &'a Expr) -> Self {
        Self {
            condition_expression: &expr.text,
            expression_attribute_names: &expr.names,
            expression_attribute_values: Some(&expr.values)
                .filter(|values| !values.is_empty())
                .map(|values| values.clone().into()),
            return_values_on_condition_check_failure: "ALL_OLD",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refused {
    #[serde(rename = "__type")]
    kind: String,
    #[serde(default)]
    cancellation_reasons: Vec<Stated>,
    item: Option<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stated {
    code: Option<String>,
    message: Option<String>,
    item: Option<Found>,
}

/// The reasons, if that is what the refusal is: one for each write, in their order.
pub(super) fn cancelled(body: &[u8]) -> Option<Vec<Reason>> {
    let reason = |it: Stated| Reason::new(it.code.as_deref(), it.message.as_deref(), it.item.map(Into::into));
    let refused = refused(body, "TransactionCanceledException")?;
    Some(refused.cancellation_reasons.into_iter().map(reason).collect())
}

/// What is there instead, if the refusal is that the condition does not hold.
pub(super) fn unmet(body: &[u8]) -> Option<Item> {
    let refused = refused(body, "ConditionalCheckFailedException")?;
    Some(refused.item.unwrap_or_default().into())
}

fn refused(body: &[u8], why: &str) -> Option<Refused> {
    let refused: Refused = serde_json::from_slice(body).ok()?;
    (refused.kind.rsplit('#').next() == Some(why)).then_some(refused)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Updated {
    attributes: Option<Found>,
}

/// The item as the update left it.
pub(super) fn updated(body: &[u8]) -> Option<Item> {
    let Updated { attributes } = serde_json::from_slice(body).ok()?;
    Some(attributes.unwrap_or_default().into())
}
