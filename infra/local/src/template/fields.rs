//! Reads the properties of one mapping by name and refuses what nobody asked for.

use super::{
    node::{Kind, Node},
    refusal::Refusals,
};
use serde_json::Value;
use std::{collections::BTreeMap, ops::RangeInclusive};

pub(super) struct Fields<'a> {
    what: String,
    line: usize,
    node: Option<&'a Node>,
    seen: Vec<&'a str>,
    refusals: &'a Refusals,
}

impl<'a> Fields<'a> {
    /// `what` names the mapping in refusals, e.g. `AWS::Serverless::Function Login`.
    pub(super) fn of(what: impl Into<String>, line: usize, node: Option<&'a Node>, refusals: &'a Refusals) -> Self {
        let what = what.into();
        if let Some(node) = node
            && !matches!(node.kind, Kind::Map(_) | Kind::Refused)
        {
            refusals.at(node.line, format!("{what} must be a mapping"));
        }
        Self { what, line, node, seen: Vec::new(), refusals }
    }

    pub(super) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.seen.push(key);
        self.node?.get(key)
    }

    /// Where `key` stands, or else the mapping.
    pub(super) fn line_of(&self, key: &str) -> usize {
        let entry = self.node.and_then(|n| n.entries().iter().find(|e| e.key == key));
        entry.map_or(self.line, |e| e.line)
    }

    pub(super) fn refuse(&self, key: &str, message: impl AsRef<str>) {
        self.refusals.at(self.line_of(key), format!("{}: {key} {}", self.what, message.as_ref()));
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let node = self.node(key)?;
        if node.as_text().is_none() && !matches!(node.kind, Kind::Refused) {
            self.refuse(key, "must be a string");
        }
        Some(node.as_text().unwrap_or_default())
    }

    /// An absent property is a refusal; the caller goes on with an empty string.
    pub(super) fn required(&mut self, key: &'static str) -> String {
        self.text(key).unwrap_or_else(|| {
            self.refuse(key, "is missing");
            String::new()
        })
    }

    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(key)?;
        let number = text.parse().ok().filter(|n| range.contains(n));
        if number.is_none() && !text.is_empty() {
            self.refuse(key, format!("must be a number from {} to {}, not {text}", range.start(), range.end()));
        }
        number
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        match self.text(key)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            "" => None,
            other => {
                self.refuse(key, format!("must be true or false, not {other}"));
                None
            }
        }
    }

    pub(super) fn one_of(&mut self, key: &'static str, allowed: &[&str]) -> Option<String> {
        let text = self.text(key)?;
        if !allowed.contains(&text.as_str()) && !text.is_empty() {
            self.refuse(key, format!("must be {}, not {text}", allowed.join(" or ")));
        }
        Some(text)
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let node = self.node(key)?;
        let Some(items) = node.as_list() else {
            if !matches!(node.kind, Kind::Refused) {
                self.refuse(key, "must be a list");
            }
            return Some(Vec::new());
        };
        Some(items.iter().filter_map(Node::as_text).collect())
    }

    pub(super) fn table(&mut self, key: &'static str) -> BTreeMap<String, String> {
        let Some(node) = self.node(key) else {
            return BTreeMap::new();
        };
        let entries = node.entries().iter().map(|e| {
            if e.value.as_text().is_none() && !matches!(e.value.kind, Kind::Refused) {
                self.refusals.at(e.line, format!("{}: {key}.{} must be a string", self.what, e.key));
            }
            (e.key.clone(), e.value.as_text().unwrap_or_default())
        });
        entries.collect()
    }

    pub(super) fn json(&mut self, key: &'static str) -> Option<Value> {
        self.node(key).map(Node::to_json)
    }

    pub(super) fn child(&mut self, key: &'static str) -> Option<Fields<'a>> {
        let node = self.node(key)?;
        Some(Fields::of(format!("{}: {key}", self.what), node.line, Some(node), self.refusals))
    }

    /// Known to CloudFormation and of no effect on one machine.
    pub(super) fn without_effect(&mut self, keys: &'static [&'static str]) {
        self.seen.extend(keys);
    }

    /// Known to CloudFormation and refused, each with what to write instead.
    pub(super) fn refused(&mut self, keys: &'static [(&'static str, &'static str)]) {
        for (key, instead) in keys {
            if self.node(key).is_some() {
                self.refuse(key, format!("is not run locally: {instead}"));
            }
        }
    }

    pub(super) fn finish(self) {
        for entry in self.node.map_or(&[][..], Node::entries) {
            if !self.seen.contains(&entry.key.as_str()) {
                let message = format!("{}: unknown property {}", self.what, entry.key);
                self.refusals.at(entry.line, message);
            }
        }
    }
}
