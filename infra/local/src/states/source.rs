//! An ASL file as a tree that remembers its lines, read field by field; what nobody reads is refused by name.

use std::collections::BTreeMap;

use saphyr::{MarkedYamlOwned, ScalarOwned, YamlDataOwned};
use serde_json::Value;

use crate::lines;

/// Why a definition is not run: where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {detail}")]
pub struct DefinitionError {
    /// The file as it was named to [`Definition::parse`](super::Definition::parse).
    pub file: String,
    /// 1-based.
    pub line: usize,
    /// What is refused, in which state.
    pub detail: String,
}

pub(super) type Parsed<T> = Result<T, DefinitionError>;

#[derive(Debug)]
pub(super) struct Node {
    line: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, usize, Node)>),
}

impl Node {
    /// Reads JSON. The YAML reader keeps the lines; serde_json is the judge of the syntax.
    pub(super) fn read(file: &str, text: &str) -> Parsed<Self> {
        let refuse = |line, detail: String| DefinitionError { file: file.to_owned(), line, detail };
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|e| refuse(e.line(), format!("not JSON: {e}")))?;
        let document = lines::document(text)
            .map_err(|e| refuse(e.marker().line(), format!("not readable: {}", e.info())))?
            .ok_or_else(|| refuse(1, "an empty file".into()))?;
        Self::convert(&document).map_err(|line| refuse(line, "a key must be a string".into()))
    }

    fn convert(yaml: &MarkedYamlOwned) -> Result<Self, usize> {
        let line = yaml.span.start.line();
        let kind = match &yaml.data {
            YamlDataOwned::Value(value) => Kind::Scalar(scalar(value)),
            YamlDataOwned::Sequence(items) => Kind::List(items.iter().map(Self::convert).collect::<Result<_, _>>()?),
            YamlDataOwned::Mapping(entries) => Kind::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let name = key.data.as_str().ok_or(line)?.to_owned();
                        Ok((name, key.span.start.line(), Self::convert(value)?))
                    })
                    .collect::<Result<_, usize>>()?,
            ),
            _ => return Err(line),
        };
        Ok(Self { line, kind })
    }

    fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::value).collect(),
            Kind::Map(entries) => entries.iter().map(|(key, _, node)| (key.clone(), node.value())).collect(),
        }
    }
}

fn scalar(value: &ScalarOwned) -> Value {
    match value {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(flag) => Value::Bool(*flag),
        ScalarOwned::Integer(number) => Value::from(*number),
        ScalarOwned::FloatingPoint(number) => Value::from(number.into_inner()),
        ScalarOwned::String(text) => Value::String(text.clone()),
    }
}

/// One value, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    file: &'a str,
    /// E.g. `state "Foo": Retry`.
    what: &'a str,
    line: usize,
    node: &'a Node,
}

impl<'a> At<'a> {
    pub(super) fn root(file: &'a str, node: &'a Node) -> Self {
        Self { file, what: "the state machine", line: node.line, node }
    }

    pub(super) fn named(self, what: &'a str) -> Self {
        Self { what, ..self }
    }

    pub(super) fn refuse(&self, detail: impl AsRef<str>) -> DefinitionError {
        let detail = format!("{}: {}", self.what, detail.as_ref());
        DefinitionError { file: self.file.to_owned(), line: self.line, detail }
    }

    pub(super) fn value(&self) -> Value {
        self.node.value()
    }

    pub(super) fn text(&self) -> Parsed<&'a str> {
        match &self.node.kind {
            Kind::Scalar(Value::String(text)) => Ok(text),
            _ => Err(self.refuse("must be a string")),
        }
    }

    pub(super) fn number(&self) -> Parsed<f64> {
        match &self.node.kind {
            Kind::Scalar(Value::Number(number)) => number.as_f64().ok_or_else(|| self.refuse("must be a number")),
            _ => Err(self.refuse("must be a number")),
        }
    }

    /// A whole number in `from..=99999999`, the most that AWS takes for seconds and counts.
    pub(super) fn whole(&self, from: u64) -> Parsed<u64> {
        match &self.node.kind {
            Kind::Scalar(Value::Number(number)) => number.as_u64(),
            _ => None,
        }
        .filter(|number| (from..=99_999_999).contains(number))
        .ok_or_else(|| self.refuse(format!("must be a whole number from {from} to 99999999")))
    }

    pub(super) fn flag(&self) -> Parsed<bool> {
        match self.node.kind {
            Kind::Scalar(Value::Bool(flag)) => Ok(flag),
            _ => Err(self.refuse("must be true or false")),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.node.kind, Kind::Scalar(Value::Null))
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.node.kind, Kind::Map(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.node.kind, Kind::List(_))
    }

    pub(super) fn list(self) -> Parsed<impl Iterator<Item = At<'a>>> {
        let Kind::List(items) = &self.node.kind else { return Err(self.refuse("must be an array")) };
        Ok(items.iter().map(move |node| At { line: node.line, node, ..self }))
    }

    pub(super) fn entries(self) -> Parsed<impl Iterator<Item = (&'a str, At<'a>)>> {
        let Kind::Map(entries) = &self.node.kind else { return Err(self.refuse("must be an object")) };
        Ok(entries.iter().map(move |(key, line, node)| (key.as_str(), At { line: *line, node, ..self })))
    }

    pub(super) fn fields(self) -> Parsed<Fields<'a>> {
        let mut left = BTreeMap::new();
        for (key, at) in self.entries()? {
            if left.insert(key, at).is_some() {
                return Err(at.refuse(format!("field \"{key}\" stands twice")));
            }
        }
        Ok(Fields { at: self, left })
    }
}

/// The fields of one object that are not read yet.
pub(super) struct Fields<'a> {
    pub(super) at: At<'a>,
    left: BTreeMap<&'a str, At<'a>>,
}

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, key: &str) -> Option<At<'a>> {
        self.left.remove(key)
    }

    pub(super) fn need(&mut self, key: &str) -> Parsed<At<'a>> {
        self.take(key).ok_or_else(|| self.at.refuse(format!("field \"{key}\" is missing")))
    }

    /// Takes the first field that `pick` accepts.
    pub(super) fn take_any(&mut self, pick: impl Fn(&str) -> bool) -> Option<(&'a str, At<'a>)> {
        let key = *self.left.keys().find(|key| pick(key))?;
        Some((key, self.left.remove(key)?))
    }

    /// Refuses what is left.
    pub(super) fn finish(self) -> Parsed<()> {
        match self.left.into_iter().min_by_key(|(_, at)| at.line) {
            None => Ok(()),
            Some((key, at)) => {
                Err(at.refuse(format!("field \"{key}\" is not supported by the local stack; {}", instead(key))))
            }
        }
    }
}

fn instead(field: &str) -> &'static str {
    match field {
        "Iterator" => "use ItemProcessor",
        "Arguments" | "Output" | "Assign" | "QueryLanguage" | "Condition" | "Items" => {
            "use JSONPath: Parameters, ResultSelector, ResultPath, OutputPath, Variable"
        }
        "ItemReader"
        | "ItemBatcher"
        | "ResultWriter"
        | "Label"
        | "ToleratedFailureCount"
        | "ToleratedFailurePercentage"
        | "ToleratedFailureCountPath"
        | "ToleratedFailurePercentagePath" => "use an INLINE Map over an array",
        "MaxConcurrencyPath" => "use MaxConcurrency",
        "StringMatches" => "use StringEquals",
        "Credentials" => "use the state machine's own role",
        _ => "leave it out, or teach it to infra/local/src/states",
    }
}
