//! CloudFormation's intrinsic functions, in the long form that `node` leaves.

use super::{
    node::{Entry, Kind, Node},
    scope::Scope,
};

impl Scope<'_> {
    /// `node` without intrinsics. `None` is `AWS::NoValue`: the property is as if it were not written.
    pub(super) fn resolve(&self, node: &Node) -> Option<Node> {
        let kind = match &node.kind {
            Kind::List(items) => Kind::List(items.iter().filter_map(|item| self.resolve(item)).collect()),
            Kind::Map(entries) => match entries.as_slice() {
                [only] if only.key == "Ref" || only.key.starts_with("Fn::") => {
                    return self.intrinsic(only);
                }
                _ => Kind::Map(entries.iter().filter_map(|e| self.resolved_entry(e)).collect()),
            },
            scalar => scalar.clone(),
        };
        Some(Node { line: node.line, kind })
    }

    fn resolved_entry(&self, entry: &Entry) -> Option<Entry> {
        Some(Entry { key: entry.key.clone(), line: entry.line, value: self.resolve(&entry.value)? })
    }

    fn intrinsic(&self, call: &Entry) -> Option<Node> {
        let (line, argument) = (call.line, &call.value);
        let arguments = argument.as_list().unwrap_or_default();
        let result = match (call.key.as_str(), arguments) {
            ("Ref", _) => return self.reference(&argument.as_text().unwrap_or_default(), line),
            ("Fn::If", [condition, then, otherwise]) => {
                let holds = self.condition(&condition.as_text().unwrap_or_default(), line);
                return self.resolve(if holds { then } else { otherwise });
            }
            ("Fn::GetAtt", _) => self.get_att(argument, line),
            ("Fn::Sub", []) => argument.as_text().and_then(|text| self.substitute(&text, None, line)),
            ("Fn::Sub", [text, names]) => text.as_text().and_then(|text| self.substitute(&text, Some(names), line)),
            ("Fn::Join", [separator, items]) => self.join(separator, items, line),
            ("Fn::Split", [separator, text]) => self.split(separator, text, line),
            ("Fn::Select", [index, items]) => self.select(index, items),
            ("Fn::FindInMap", [map, first, second]) => self.find_in_map([map, first, second]),
            ("Fn::ImportValue", _) => {
                self.refusals.at(line, "Fn::ImportValue reads another stack: take a parameter instead");
                return Some(Node::refused(line));
            }
            _ => None,
        };
        Some(result.unwrap_or_else(|| {
            self.refusals.at(line, format!("{} is not supported with these arguments", call.key));
            Node::refused(line)
        }))
    }

    fn resolved_text(&self, node: &Node) -> Option<String> {
        self.resolve(node)?.as_text()
    }

    fn get_att(&self, argument: &Node, line: usize) -> Option<Node> {
        let (id, attribute) = match argument.as_list() {
            Some([id, attribute]) => (id.as_text()?, self.resolved_text(attribute)?),
            _ => argument.as_text()?.split_once('.').map(|(id, attribute)| (id.to_owned(), attribute.to_owned()))?,
        };
        Some(self.attribute(&id, &attribute, line))
    }

    /// `${Name}`, `${Name.Attribute}`, `${!Literal}`.
    fn substitute(&self, text: &str, names: Option<&Node>, line: usize) -> Option<Node> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}')?;
            out.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => out.push_str(&format!("${{{literal}}}")),
                None => match self.sub_value(name.trim(), names, line)? {
                    Node { kind: Kind::Refused, .. } => return Some(Node::refused(line)),
                    value => out.push_str(&value.as_text()?),
                },
            }
            rest = tail;
        }
        Some(Node::text(line, out + rest))
    }

    fn sub_value(&self, name: &str, names: Option<&Node>, line: usize) -> Option<Node> {
        if let Some(local) = names.and_then(|n| n.get(name)) {
            return self.resolve(local);
        }
        match name.split_once('.') {
            Some((id, attribute)) => Some(self.attribute(id, attribute, line)),
            None => self.reference(name, line),
        }
    }

    fn join(&self, separator: &Node, items: &Node, line: usize) -> Option<Node> {
        let separator = self.resolved_text(separator).or_else(|| separator.as_text()).unwrap_or_default();
        let items = self.resolve(items)?;
        let texts: Option<Vec<_>> = items.as_list()?.iter().map(Node::as_text).collect();
        Some(Node::text(line, texts?.join(&separator)))
    }

    fn split(&self, separator: &Node, text: &Node, line: usize) -> Option<Node> {
        let (separator, text) = (self.resolved_text(separator)?, self.resolved_text(text)?);
        let parts = text.split(separator.as_str()).map(|part| Node::text(line, part)).collect();
        Some(Node { line, kind: Kind::List(parts) })
    }

    fn select(&self, index: &Node, items: &Node) -> Option<Node> {
        let index: usize = self.resolved_text(index)?.parse().ok()?;
        self.resolve(items)?.as_list()?.get(index).cloned()
    }

    fn find_in_map(&self, keys: [&Node; 3]) -> Option<Node> {
        let [map, first, second] = keys.map(|key| self.resolved_text(key).unwrap_or_default());
        self.resolve(self.mapping([&map, &first, &second])?)
    }
}
