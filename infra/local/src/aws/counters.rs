//! What was called, and what it would cost: tests assert a route's price by the difference of two snapshots.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Who called what: (function, service, action).
type Key = (String, String, String);

/// Counts since the stack started. Shared by the gateway (calls) and DynamoDB (units).
#[derive(Debug, Default)]
pub struct Counters(Mutex<Usage>);

/// The counts at one moment, or the difference of two moments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage(BTreeMap<Key, Count>);

/// One line of a [`Usage`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Count {
    /// Calls, refused ones too.
    pub calls: u64,
    /// DynamoDB read capacity units.
    pub read_units: f64,
    /// DynamoDB write capacity units.
    pub write_units: f64,
}

impl Counters {
    /// Counts one call.
    pub fn call(&self, function: &str, service: &str, action: &str) {
        self.add(function, service, action, Count { calls: 1, ..Count::default() });
    }

    /// Adds to the counts of one (function, service, action).
    pub fn add(&self, function: &str, service: &str, action: &str, count: Count) {
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (function.to_owned(), service.to_owned(), action.to_owned());
        usage.0.entry(key).or_default().add(count);
    }

    /// The counts now.
    pub fn snapshot(&self) -> Usage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Usage {
    /// What happened since `earlier`, without the lines that did not change.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let lines = self.0.iter().map(|(key, now)| {
            let before = earlier.0.get(key).copied().unwrap_or_default();
            (key.clone(), now.minus(before))
        });
        Self(lines.filter(|(_, count)| *count != Count::default()).collect())
    }

    /// The sum over the lines that match; `None` matches everything.
    pub fn total(&self, function: Option<&str>, service: Option<&str>, action: Option<&str>) -> Count {
        let matches = |want: Option<&str>, is: &str| want.is_none_or(|want| want == is);
        let mut total = Count::default();
        for ((f, s, a), count) in &self.0 {
            if matches(function, f) && matches(service, s) && matches(action, a) {
                total.add(*count);
            }
        }
        total
    }

    /// Every line, in order.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str, &str, Count)> {
        self.0.iter().map(|((f, s, a), count)| (f.as_str(), s.as_str(), a.as_str(), *count))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (function, service, action, count) in self.lines() {
            writeln!(f, "{function} {service}:{action} x{} {}r {}w", count.calls, count.read_units, count.write_units)?;
        }
        Ok(())
    }
}

impl Count {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
    }

    fn minus(self, other: Self) -> Self {
        Self {
            calls: self.calls - other.calls,
            read_units: self.read_units - other.read_units,
            write_units: self.write_units - other.write_units,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_only_what_changed() {
        let counters = Counters::default();
        counters.call("signup-create", "dynamodb", "PutItem");
        let before = counters.snapshot();
        counters.call("signup-status", "dynamodb", "GetItem");
        counters.add("signup-status", "dynamodb", "GetItem", Count { read_units: 0.5, ..Count::default() });
        let spent = counters.snapshot().since(&before);
        assert_eq!(spent.to_string(), "signup-status dynamodb:GetItem x1 0.5r 0w\n");
        assert_eq!(spent.total(Some("signup-create"), None, None).calls, 0);
        assert_eq!(spent.total(None, Some("dynamodb"), None).read_units, 0.5);
    }
}
