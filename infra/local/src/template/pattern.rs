//! Event patterns: which events a rule of EventBridge lets through. As much of the language as the template uses: literals and
//! `exists`, at any depth.

use std::collections::BTreeMap;

use serde_json::Value;

/// What an event has to look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(BTreeMap<String, Field>);

#[derive(Debug, Clone, PartialEq)]
enum Field {
    /// Any one of them.
    AnyOf(Vec<Test>),
    Nested(Pattern),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Is(Value),
    Exists(bool),
}

impl Pattern {
    /// Fails with what is not run locally.
    pub(super) fn parse(pattern: &Value) -> Result<Self, String> {
        let fields = pattern.as_object().filter(|fields| !fields.is_empty());
        let fields = fields.ok_or("is an object with at least one field")?;
        fields
            .iter()
            .map(|(name, field)| Ok((name.clone(), Field::parse(name, field)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the event is one of these.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(name, field)| match (field, event.get(name)) {
            (Field::AnyOf(tests), found) => tests.iter().any(|test| test.holds(found)),
            (Field::Nested(pattern), found) => pattern.matches(found.unwrap_or(&Value::Null)),
        })
    }
}

impl Field {
    fn parse(name: &str, field: &Value) -> Result<Self, String> {
        match field {
            Value::Object(_) => Pattern::parse(field).map(Self::Nested),
            Value::Array(tests) => {
                tests.iter().map(|test| Test::parse(name, test)).collect::<Result<_, _>>().map(Self::AnyOf)
            }
            _ => Err(format!("has {name} as a plain value: EventBridge takes a list")),
        }
    }
}

impl Test {
    fn parse(name: &str, test: &Value) -> Result<Self, String> {
        match test {
            Value::Object(filter) => match (filter.len(), filter.get("exists")) {
                (1, Some(Value::Bool(exists))) => Ok(Self::Exists(*exists)),
                _ => Err(format!("filters {name} by what is not run locally: use exists, or plain values")),
            },
            Value::Array(_) => Err(format!("has a list in the list of {name}")),
            value => Ok(Self::Is(value.clone())),
        }
    }

    /// A list matches by any of its elements, as with EventBridge.
    fn holds(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::Exists(exists), found) => found.is_some() == *exists,
            (Self::Is(value), Some(Value::Array(found))) => found.contains(value),
            (Self::Is(value), found) => found == Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_has_to_match_one_of_its_values() {
        let pattern = json!({"source": ["innkeeper"], "detail": {"tenant": [{"exists": true}], "kind": ["a", "b"]}});
        let pattern = Pattern::parse(&pattern).unwrap();
        let event = |source: &str, detail: Value| json!({"source": source, "detail": detail, "more": 1});
        assert!(pattern.matches(&event("innkeeper", json!({"tenant": "t", "kind": "a"}))));
        assert!(pattern.matches(&event("innkeeper", json!({"tenant": null, "kind": ["c", "b"]}))));
        for other in [
            event("another", json!({"tenant": "t", "kind": "a"})),
            event("innkeeper", json!({"kind": "a"})),
            event("innkeeper", json!({"tenant": "t", "kind": "c"})),
            event("innkeeper", json!({"tenant": "t"})),
            json!({"source": "innkeeper"}),
        ] {
            assert!(!pattern.matches(&other), "{other}");
        }
    }

    #[test]
    fn what_is_not_run_is_refused() {
        for bad in [json!({}), json!({"a": "b"}), json!({"a": [{"prefix": "b"}]}), json!({"a": {}}), json!([])] {
            assert!(Pattern::parse(&bad).is_err(), "{bad}");
        }
    }
}
