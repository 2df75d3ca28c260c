//! The one `UpdateItem` that every try is.
//!
//! Where its answer is lost it is sent again, as the SDK sends it again, and then counts twice: fewer pass, never more.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure::AllOld},
};

use super::{Counted, Limits};
use crate::{
    StoreError,
    direct::UpdateItem,
    item::{Item, s},
    transact::{Expr, split},
};

/// What an update does, and on what condition.
pub(super) struct Update {
    expression: String,
    expr: Expr,
}

/// What it came to.
pub(crate) enum Updated {
    /// The item as it is now.
    Done(Item),
    /// The condition does not hold for the item as it is.
    Refused(Item),
}

impl Update {
    pub(super) fn new(expression: String) -> Self {
        Self { expression, expr: Expr::default() }
    }

    pub(super) fn when(mut self, condition: String) -> Self {
        self.expr.text = condition;
        self
    }

    pub(super) fn name(self, placeholder: &str, name: &str) -> Self {
        Self { expr: self.expr.name(placeholder, name), ..self }
    }

    pub(super) fn value(self, placeholder: &str, value: AttributeValue) -> Self {
        Self { expr: self.expr.value(placeholder, value), ..self }
    }
}

impl Limits {
    pub(super) async fn send(&self, what: &Counted, update: Update) -> Result<Updated, StoreError> {
        let key = HashMap::from([("pk".to_owned(), s(&what.0))]);
        if let Some(direct) = &self.direct {
            let update = UpdateItem::new(&self.table, key.clone(), &update.expression, &update.expr);
            if let Some(updated) = Box::pin(direct.update(&update)).await {
                return Ok(updated);
            }
        }
        let (condition, names, values) = split(Some(update.expr));
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .update_expression(update.expression)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(AllOld);
        match Box::pin(update.send()).await {
            Ok(done) => Ok(Updated::Done(done.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Updated::Refused(refused.item.clone().unwrap_or_default()))
                }
                _ => Err(error.into()),
            },
        }
    }
}
