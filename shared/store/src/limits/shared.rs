//! The item of a count that environments keep on credit (`domain::window`): an attribute for each part of the window.

use aws_sdk_dynamodb::types::ReturnValue;
use domain::window::{Parts, Settlement, Window};
use jiff::Timestamp;

use super::{Counted, KEPT, Limits, after};
use crate::{
    StoreError,
    item::{n, s},
};

/// Begins the name of a part's attribute; its number follows.
const PART: &str = "p";

impl Limits {
    /// Adds what one environment let pass, and answers with what all have: one write unit. Where the answer is lost, the
    /// calls may count twice, which lets fewer pass.
    pub async fn settle(
        &self,
        what: &Counted,
        window: &Window,
        made: &Settlement,
        now: Timestamp,
    ) -> Result<Parts, StoreError> {
        let expires = after(after(now, window.within), KEPT).as_second();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", s(&what.0))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", n(expires))
            .return_values(ReturnValue::AllNew);
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for (place, (part, calls)) in made.calls.iter().enumerate() {
            added.push(format!("#a{place} :a{place}"));
            update = update
                .expression_attribute_names(format!("#a{place}"), name(part))
                .expression_attribute_values(format!(":a{place}"), n(calls));
        }
        for (place, part) in made.past.iter().enumerate() {
            removed.push(format!("#r{place}"));
            update = update.expression_attribute_names(format!("#r{place}"), name(*part));
        }
        let mut expression = format!("SET #ttl = :ttl ADD {}", added.join(", "));
        if !removed.is_empty() {
            expression.push_str(&format!(" REMOVE {}", removed.join(", ")));
        }
        let done = Box::pin(update.update_expression(expression).send()).await?;
        let held = done.attributes.unwrap_or_default();
        Ok(held.iter().filter_map(|(name, value)| Some((number(name)?, value.as_n().ok()?.parse().ok()?))).collect())
    }
}

fn name(part: i64) -> String {
    format!("{PART}{part}")
}

/// `pk` is none.
fn number(name: &str) -> Option<i64> {
    name.strip_prefix(PART)?.parse().ok()
}
