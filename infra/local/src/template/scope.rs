//! What a name in the template stands for: parameters, pseudo parameters, conditions, resources.

use super::{
    Inputs, arn,
    fields::Fields,
    node::{Kind, Node},
    refusal::Refusals,
};
use serde_json::Value;
use std::{cell::RefCell, collections::BTreeMap};

/// A resource as written, before its intrinsics are resolved.
pub(super) struct Resource<'t> {
    pub(super) id: &'t str,
    pub(super) kind: String,
    pub(super) line: usize,
    pub(super) properties: Option<&'t Node>,
    pub(super) metadata: Option<&'t Node>,
    pub(super) condition: Option<String>,
}

pub(super) struct Scope<'t> {
    pub(super) inputs: &'t Inputs,
    pub(super) refusals: &'t Refusals,
    pub(super) resources: BTreeMap<&'t str, Resource<'t>>,
    parameters: BTreeMap<&'t str, Value>,
    mappings: Option<&'t Node>,
    conditions: Option<&'t Node>,
    /// Names under resolution, so that a circle is a refusal and not an endless loop.
    pub(super) visiting: RefCell<Vec<String>>,
}

impl<'t> Scope<'t> {
    pub(super) fn new(root: &'t Node, inputs: &'t Inputs, refusals: &'t Refusals) -> Self {
        let resources = root.get("Resources").map_or(&[][..], Node::entries).iter();
        Self {
            inputs,
            refusals,
            resources: resources.map(|e| (e.key.as_str(), resource(&e.key, e.line, &e.value, refusals))).collect(),
            parameters: parameters(root, inputs, refusals),
            mappings: root.get("Mappings"),
            conditions: root.get("Conditions"),
            visiting: RefCell::default(),
        }
    }

    /// Runs `f` unless `name` is already being resolved further up.
    pub(super) fn guarded<T>(&self, name: String, line: usize, f: impl FnOnce() -> T) -> Option<T> {
        if self.visiting.borrow().contains(&name) {
            self.refusals.at(line, format!("{name} refers to itself in a circle"));
            return None;
        }
        self.visiting.borrow_mut().push(name);
        let result = f();
        self.visiting.borrow_mut().pop();
        Some(result)
    }

    /// Whether a condition of the template holds.
    pub(super) fn condition(&self, name: &str, line: usize) -> bool {
        let Some(node) = self.conditions.and_then(|c| c.get(name)) else {
            self.refusals.at(line, format!("there is no condition {name}"));
            return false;
        };
        self.guarded(format!("condition {name}"), line, || self.truth(node)).unwrap_or(false)
    }

    pub(super) fn truth(&self, node: &Node) -> bool {
        let [only] = node.entries() else {
            self.refusals.at(node.line, "a condition is one of Fn::Equals, Fn::Not, Fn::And, Fn::Or, Condition");
            return false;
        };
        let operands = only.value.as_list().unwrap_or_default();
        match (only.key.as_str(), operands) {
            ("Condition", _) => self.condition(&only.value.as_text().unwrap_or_default(), only.line),
            ("Fn::Equals", [a, b]) => self.compared(a) == self.compared(b),
            ("Fn::Not", [a]) => !self.truth(a),
            ("Fn::And", [_, _, ..]) => operands.iter().all(|o| self.truth(o)),
            ("Fn::Or", [_, _, ..]) => operands.iter().any(|o| self.truth(o)),
            (other, _) => {
                self.refusals.at(only.line, format!("{other} is no condition, or has the wrong number of operands"));
                false
            }
        }
    }

    /// CloudFormation compares strings; `3` equals `"3"`.
    fn compared(&self, node: &Node) -> Option<String> {
        self.resolve(node)?.as_text()
    }

    pub(super) fn mapping(&self, path: [&str; 3]) -> Option<&'t Node> {
        path.iter().try_fold(self.mappings?, |node, key| node.get(key))
    }

    /// What `Ref` gives. `None` is `AWS::NoValue`.
    pub(super) fn reference(&self, name: &str, line: usize) -> Option<Node> {
        if let Some(pseudo) = name.strip_prefix("AWS::") {
            return self.pseudo(pseudo, line);
        }
        if let Some(value) = self.parameters.get(name) {
            return Some(from_json(line, value));
        }
        Some(self.resource_reference(name, line))
    }

    fn pseudo(&self, name: &str, line: usize) -> Option<Node> {
        let value = match name {
            "NoValue" => return None,
            "Region" => self.inputs.region.as_str(),
            "AccountId" => arn::ACCOUNT,
            "Partition" => "aws",
            "StackName" => self.inputs.stack_name.as_str(),
            "URLSuffix" => "amazonaws.com",
            other => {
                self.refusals.at(line, format!("AWS::{other} is not known here: pass a parameter instead"));
                return Some(Node::refused(line));
            }
        };
        Some(Node::text(line, value))
    }
}

fn from_json(line: usize, value: &Value) -> Node {
    let kind = match value {
        Value::Array(items) => Kind::List(items.iter().map(|item| from_json(line, item)).collect()),
        scalar => Kind::Scalar(scalar.clone()),
    };
    Node { line, kind }
}

fn resource<'t>(id: &'t str, line: usize, node: &'t Node, refusals: &'t Refusals) -> Resource<'t> {
    let mut fields = Fields::of(format!("resource {id}"), line, Some(node), refusals);
    fields.without_effect(&["DependsOn", "DeletionPolicy", "UpdateReplacePolicy"]);
    let resource = Resource {
        id,
        kind: fields.required("Type"),
        line,
        properties: fields.node("Properties"),
        metadata: fields.node("Metadata"),
        condition: fields.text("Condition"),
    };
    fields.finish();
    resource
}

fn parameters<'t>(root: &'t Node, inputs: &Inputs, refusals: &Refusals) -> BTreeMap<&'t str, Value> {
    let section = root.get("Parameters");
    let declared = section.map_or(&[][..], Node::entries);
    for given in inputs.parameters.keys().filter(|given| !declared.iter().any(|e| e.key == **given)) {
        refusals.at(section.map_or(1, |s| s.line), format!("parameter {given} was given but is not declared"));
    }
    let values = declared.iter().map(|e| {
        let fields = Fields::of(format!("parameter {}", e.key), e.line, Some(&e.value), refusals);
        (e.key.as_str(), parameter(fields, &e.key, inputs))
    });
    values.collect()
}

/// `AllowedPattern` and the length and value bounds are left to CloudFormation.
fn parameter(mut fields: Fields<'_>, name: &str, inputs: &Inputs) -> Value {
    fields.without_effect(&["Description", "NoEcho", "ConstraintDescription", "AllowedPattern"]);
    fields.without_effect(&["MinLength", "MaxLength", "MinValue", "MaxValue"]);
    let kind = fields.required("Type");
    if kind.starts_with("AWS::SSM::") {
        fields.refuse("Type", "reads SSM, which does not run locally: take a String with a default");
    }
    let default = fields.text("Default");
    let text = inputs.parameters.get(name).cloned().or(default).unwrap_or_else(|| {
        fields.refuse("Default", "is missing and no value was given");
        String::new()
    });
    if let Some(allowed) = fields.texts("AllowedValues")
        && !allowed.contains(&text)
    {
        fields.refuse("AllowedValues", format!("are {}, not {text}", allowed.join(", ")));
    }
    fields.finish();
    match kind.as_str() {
        "CommaDelimitedList" | "List<Number>" => text.split(',').map(|item| Value::from(item.trim())).collect(),
        _ => Value::String(text),
    }
}
