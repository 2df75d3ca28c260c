//! Reference paths: `$`, then `.field`, `['field']` or `[index]`, naming at most one node (Amazon States Language,
//! "Reference Paths"). `$$` starts in the context object.

use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    text: String,
    context: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

impl Path {
    pub(super) fn root() -> Self {
        Self { text: "$".into(), context: false, steps: Vec::new() }
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| format!("\"{text}\" {why}; only reference paths are supported, such as $.a.b[0]");
        let rest = text.strip_prefix('$').ok_or_else(|| refuse("does not start with $"))?;
        let (context, mut rest) = rest.strip_prefix('$').map_or((false, rest), |rest| (true, rest));
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest).ok_or_else(|| refuse("is not a reference path"))?;
            steps.push(step);
            rest = after;
        }
        Ok(Self { text: text.to_owned(), context, steps })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_context(&self) -> bool {
        self.context
    }

    pub(super) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) fn first_field(&self) -> Option<&str> {
        match self.steps.first()? {
            Step::Field(name) => Some(name),
            Step::Index(_) => None,
        }
    }

    pub(super) fn find<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.steps.iter().try_fold(root, |value, step| match step {
            Step::Field(name) => value.as_object()?.get(name),
            Step::Index(index) => value.as_array()?.get(*index),
        })
    }

    /// Puts `value` where the path points to, making the objects on the way (`ResultPath`); `None` when something that is
    /// not an object or array stands in the way.
    pub(super) fn place(&self, mut root: Value, value: Value) -> Option<Value> {
        let mut spot = &mut root;
        for step in &self.steps {
            spot = match step {
                Step::Field(name) => {
                    spot.as_object_mut()?.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()))
                }
                Step::Index(index) => spot.as_array_mut()?.get_mut(*index)?,
            };
        }
        *spot = value;
        Some(root)
    }
}

fn step(rest: &str) -> Option<(Step, &str)> {
    if let Some(rest) = rest.strip_prefix('.') {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        return (!name.is_empty()).then(|| (Step::Field(name.to_owned()), after));
    }
    let rest = rest.strip_prefix('[')?;
    if let Some(rest) = rest.strip_prefix('\'') {
        let (name, after) = rest.split_once("']")?;
        return (!name.contains(['\'', '\\'])).then(|| (Step::Field(name.to_owned()), after));
    }
    let (index, after) = rest.split_once(']')?;
    let digits = index.bytes().all(|b| b.is_ascii_digit());
    Some((Step::Index(digits.then(|| index.parse().ok())??), after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_the_one_node() {
        let value = json!({"a": {"b c": [1, {"d": null}]}});
        let find = |text: &str| Path::parse(text).unwrap().find(&value).cloned();
        assert_eq!(find("$"), Some(value.clone()));
        assert_eq!(find("$.a['b c'][1].d"), Some(Value::Null));
        assert_eq!(find("$['a']['b c'][0]"), Some(json!(1)));
        assert_eq!(find("$.a['b c'][2]"), None);
        assert_eq!(find("$.a.x"), None);
        assert_eq!(find("$[0]"), None);
    }

    #[test]
    fn refuses_what_may_name_several_nodes() {
        for text in [
            "$..a",
            "$.a[*]",
            "$.a[1:2]",
            "$.a[?(@.b)]",
            "$.*",
            "$.a[-1]",
            "$['a','b']",
            "a",
            "",
            "$.",
            "$a",
            "$.a.length()",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn places_results() {
        let place = |text: &str, root: Value| Path::parse(text).unwrap().place(root, json!(7));
        assert_eq!(place("$", json!({"a": 1})), Some(json!(7)));
        assert_eq!(place("$.a", json!({"a": 1, "b": 2})), Some(json!({"a": 7, "b": 2})));
        assert_eq!(place("$.x.y", json!({"a": 1})), Some(json!({"a": 1, "x": {"y": 7}})));
        assert_eq!(place("$.l[1]", json!({"l": [0, 1]})), Some(json!({"l": [0, 7]})));
        assert_eq!(place("$.l[2]", json!({"l": [0, 1]})), None);
        assert_eq!(place("$.a.b", json!({"a": 1})), None);
        assert_eq!(place("$.a", json!("text")), None);
    }
}
