//! The rules of a Choice state.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::context::Scope;
use super::failure::Failure;
use super::intrinsic::known_context;
use super::path::Path;
use super::source::{At, Fields, Parsed};

#[derive(Debug, Clone)]
pub(super) enum Rule {
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    Is(Path, Property, bool),
    Compare(Path, Kind, Comparison, Operand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    Present,
    Null,
    String,
    Numeric,
    Boolean,
    Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    Numeric,
    Boolean,
    Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

#[derive(Debug, Clone)]
pub(super) enum Operand {
    Literal(Value),
    Path(Path),
}

impl Rule {
    /// Reads the rule out of `fields`; the caller takes `Next` before and finishes after.
    pub(super) fn parse(fields: &mut Fields<'_>) -> Parsed<Self> {
        if let Some(at) = fields.take("And") {
            return Ok(Self::And(nested(at)?));
        }
        if let Some(at) = fields.take("Or") {
            return Ok(Self::Or(nested(at)?));
        }
        if let Some(at) = fields.take("Not") {
            return Ok(Self::Not(Box::new(whole(at)?)));
        }
        let variable = fields.need("Variable")?;
        let variable = path(variable)?;
        let Some((name, at)) = fields.take_any(|key| property(key).is_some() || comparison(key).is_some()) else {
            return Err(fields.at.refuse("a rule needs one supported operator beside Variable"));
        };
        if let Some(property) = property(name) {
            return Ok(Self::Is(variable, property, at.flag()?));
        }
        let (kind, how, by_path) = comparison(name).ok_or_else(|| at.refuse("an unknown operator"))?;
        if by_path {
            return Ok(Self::Compare(variable, kind, how, Operand::Path(path(at)?)));
        }
        let value = at.value();
        if compare(kind, &value, &value).is_none() {
            return Err(at.refuse(format!("{name} needs a value of that type")));
        }
        Ok(Self::Compare(variable, kind, how, Operand::Literal(value)))
    }

    pub(super) fn holds(&self, scope: &Scope<'_>) -> Result<bool, Failure> {
        Ok(match self {
            Self::And(rules) => {
                for rule in rules {
                    if !rule.holds(scope)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(rules) => {
                for rule in rules {
                    if rule.holds(scope)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(rule) => !rule.holds(scope)?,
            Self::Is(path, Property::Present, wanted) => scope.look(path).is_some() == *wanted,
            Self::Is(path, property, wanted) => property.of(&variable(scope, path)?) == *wanted,
            Self::Compare(path, kind, how, operand) => {
                let left = variable(scope, path)?;
                let order = match operand {
                    Operand::Literal(right) => compare(*kind, &left, right),
                    Operand::Path(path) => compare(*kind, &left, &variable(scope, path)?),
                };
                order.is_some_and(|order| how.admits(order))
            }
        })
    }
}

impl Property {
    fn of(self, value: &Value) -> bool {
        match self {
            Self::Present => true,
            Self::Null => value.is_null(),
            Self::String => value.is_string(),
            Self::Numeric => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Timestamp => timestamp(value).is_some(),
        }
    }
}

impl Comparison {
    fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Equals => order.is_eq(),
            Self::LessThan => order.is_lt(),
            Self::LessThanEquals => order.is_le(),
            Self::GreaterThan => order.is_gt(),
            Self::GreaterThanEquals => order.is_ge(),
        }
    }
}

fn variable(scope: &Scope<'_>, path: &Path) -> Result<Value, Failure> {
    scope.look(path).ok_or_else(|| {
        let text = path.text();
        Failure::runtime(format!(
            "Invalid path '{text}': The choice state's condition path references an invalid value."
        ))
    })
}

/// `None` when one of the two is not of this kind: then no comparison holds.
fn compare(kind: Kind, left: &Value, right: &Value) -> Option<Ordering> {
    match kind {
        Kind::String => Some(left.as_str()?.cmp(right.as_str()?)),
        Kind::Numeric => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        Kind::Boolean => Some(left.as_bool()?.cmp(&right.as_bool()?)),
        Kind::Timestamp => Some(timestamp(left)?.cmp(&timestamp(right)?)),
    }
}

fn timestamp(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn path(at: At<'_>) -> Parsed<Path> {
    Path::parse(at.text()?).and_then(known_context).map_err(|why| at.refuse(why))
}

fn nested(at: At<'_>) -> Parsed<Vec<Rule>> {
    at.list()?.map(whole).collect()
}

fn whole(at: At<'_>) -> Parsed<Rule> {
    let mut fields = at.fields()?;
    let rule = Rule::parse(&mut fields)?;
    fields.finish().map(|()| rule)
}

fn property(name: &str) -> Option<Property> {
    Some(match name {
        "IsPresent" => Property::Present,
        "IsNull" => Property::Null,
        "IsString" => Property::String,
        "IsNumeric" => Property::Numeric,
        "IsBoolean" => Property::Boolean,
        "IsTimestamp" => Property::Timestamp,
        _ => return None,
    })
}

fn comparison(name: &str) -> Option<(Kind, Comparison, bool)> {
    let (name, by_path) = name.strip_suffix("Path").map_or((name, false), |name| (name, true));
    let kinds = [
        ("String", Kind::String),
        ("Numeric", Kind::Numeric),
        ("Boolean", Kind::Boolean),
        ("Timestamp", Kind::Timestamp),
    ];
    let (kind, how) = kinds.into_iter().find_map(|(prefix, kind)| Some((kind, name.strip_prefix(prefix)?)))?;
    let how = match how {
        "Equals" => Comparison::Equals,
        _ if kind == Kind::Boolean => return None,
        "LessThan" => Comparison::LessThan,
        "LessThanEquals" => Comparison::LessThanEquals,
        "GreaterThan" => Comparison::GreaterThan,
        "GreaterThanEquals" => Comparison::GreaterThanEquals,
        _ => return None,
    };
    Some((kind, how, by_path))
}
