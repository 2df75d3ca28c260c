//! Payload templates (`Parameters`, `ItemSelector`, `ResultSelector`): JSON in which a field named `x.$` is computed.

use serde_json::{Map, Value};

use super::context::Scope;
use super::failure::Failure;
use super::intrinsic::Expression;
use super::source::{At, Parsed};

#[derive(Debug, Clone)]
pub(super) enum Template {
    Literal(Value),
    Computed(Expression),
    Array(Vec<Template>),
    Object(Vec<(String, Template)>),
}

impl Template {
    pub(super) fn parse(at: At<'_>) -> Parsed<Self> {
        if at.is_list() {
            return Ok(Self::Array(at.list()?.map(Self::parse).collect::<Parsed<_>>()?));
        }
        if !at.is_map() {
            return Ok(Self::Literal(at.value()));
        }
        let field = |(key, at): (&str, At<'_>)| match key.strip_suffix(".$") {
            Some(name) => Ok((name.to_owned(), Self::Computed(Expression::parse(at)?))),
            None => Ok((key.to_owned(), Self::parse(at)?)),
        };
        Ok(Self::Object(at.entries()?.map(field).collect::<Parsed<_>>()?))
    }

    /// `field` is the name under which a failure is reported.
    pub(super) fn eval(&self, field: &str, scope: &Scope<'_>) -> Result<Value, Failure> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Computed(expression) => expression.eval(&format!("{field}.$"), scope)?,
            Self::Array(items) => items.iter().map(|item| item.eval(field, scope)).collect::<Result<_, _>>()?,
            Self::Object(fields) => fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), value.eval(name, scope)?)))
                .collect::<Result<Map<_, _>, Failure>>()?
                .into(),
        })
    }

    /// The value of a literal or computed field of this object.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Every expression in the template.
    pub(super) fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Computed(expression) => vec![expression],
            Self::Array(items) => items.iter().flat_map(Self::expressions).collect(),
            Self::Object(fields) => fields.iter().flat_map(|(_, value)| value.expressions()).collect(),
        }
    }
}
