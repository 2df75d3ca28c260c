//! The item of a count that environments keep on credit (`domain::window`): an attribute for each part of the window.

use domain::window::{Parts, Settlement, Window};
use jiff::Timestamp;

use super::{
    Counted, KEPT, Limits, after,
    update::{Update, Updated},
};
use crate::{StoreError, item::n};

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
        let added =
            (0..made.calls.iter().count()).map(|place| format!("#a{place} :a{place}")).collect::<Vec<_>>().join(", ");
        let removed = (0..made.past.len()).map(|place| format!("#r{place}")).collect::<Vec<_>>().join(", ");
        let removed = if removed.is_empty() { removed } else { format!(" REMOVE {removed}") };
        let expires = after(after(now, window.within), KEPT).as_second();
        let mut update =
            Update::new(format!("SET #ttl = :ttl ADD {added}{removed}")).name("#ttl", "ttl").value(":ttl", n(expires));
        for (place, (part, calls)) in made.calls.iter().enumerate() {
            update = update.name(&format!("#a{place}"), &name(part)).value(&format!(":a{place}"), n(calls));
        }
        for (place, part) in made.past.iter().enumerate() {
            update = update.name(&format!("#r{place}"), &name(*part));
        }
        let (Updated::Done(held) | Updated::Refused(held)) = self.send(what, update).await?;
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
