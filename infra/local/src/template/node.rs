//! The template as a tree that remembers its lines. Short intrinsics (`!Ref x`) become their long form (`Ref: x`) here,
//! so that everything after knows only one.

use super::refusal::Refusals;
use crate::lines;
use saphyr::{MarkedYamlOwned, ScalarOwned, Tag, YamlDataOwned};
use serde_json::{Number, Value};

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Already refused: whoever reads it stays silent.
    Refused,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn text(line: usize, text: impl Into<String>) -> Self {
        Self { line, kind: Kind::Scalar(Value::String(text.into())) }
    }

    pub(super) fn refused(line: usize) -> Self {
        Self { line, kind: Kind::Refused }
    }

    /// The first document of `text`; YAML that does not parse is a refusal like any other.
    pub(super) fn parse(text: &str, refusals: &Refusals) -> Option<Self> {
        match lines::document(text) {
            Ok(document) => document.map(|document| convert(&document, refusals)),
            Err(e) => {
                refusals.at(e.marker().line(), format!("not YAML: {}", e.info()));
                None
            }
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|e| e.key == key).map(|e| &e.value)
    }

    pub(super) fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// A scalar as CloudFormation passes it on: numbers and booleans become strings.
    pub(super) fn as_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => Some(text.clone()),
            Kind::Scalar(Value::Null) => None,
            Kind::Scalar(value) => Some(value.to_string()),
            _ => None,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect(),
            Kind::Refused => Value::Null,
        }
    }
}

fn convert(yaml: &MarkedYamlOwned, refusals: &Refusals) -> Node {
    let line = yaml.span.start.line();
    let kind = match &yaml.data {
        YamlDataOwned::Value(value) => Kind::Scalar(scalar(value)),
        YamlDataOwned::Sequence(items) => Kind::List(items.iter().map(|item| convert(item, refusals)).collect()),
        YamlDataOwned::Mapping(entries) => Kind::Map(entries.iter().map(|(k, v)| entry(k, v, refusals)).collect()),
        YamlDataOwned::Tagged(tag, inner) => return tagged(line, tag, convert(inner, refusals)),
        YamlDataOwned::Representation(..) | YamlDataOwned::Alias(_) | YamlDataOwned::BadValue => {
            refusals.at(line, "a YAML anchor or value that CloudFormation does not read either");
            Kind::Refused
        }
    };
    Node { line, kind }
}

fn entry(key: &MarkedYamlOwned, value: &MarkedYamlOwned, refusals: &Refusals) -> Entry {
    let name = convert(key, refusals);
    let text = name.as_text().unwrap_or_else(|| {
        refusals.at(name.line, "a key must be a string");
        String::new()
    });
    Entry { key: text, line: name.line, value: convert(value, refusals) }
}

fn tagged(line: usize, tag: &Tag, value: Node) -> Node {
    if tag.is_yaml_core_schema() {
        return value;
    }
    let key = match tag.suffix.as_str() {
        plain @ ("Ref" | "Condition") => plain.to_owned(),
        function => format!("Fn::{function}"),
    };
    Node { line, kind: Kind::Map(vec![Entry { key, line, value }]) }
}

fn scalar(value: &ScalarOwned) -> Value {
    match value {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(flag) => Value::Bool(*flag),
        ScalarOwned::Integer(number) => Value::from(*number),
        ScalarOwned::FloatingPoint(number) => Number::from_f64(number.into_inner()).map_or(Value::Null, Value::Number),
        ScalarOwned::String(text) => Value::String(text.clone()),
    }
}
