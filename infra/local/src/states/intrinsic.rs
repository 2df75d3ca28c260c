//! What may stand in a computed field: a reference path, or one of the intrinsic functions that the local stack knows.

use serde_json::Value;

use super::context::Scope;
use super::failure::Failure;
use super::path::Path;
use super::source::{At, Parsed};

#[derive(Debug, Clone)]
pub(super) enum Expression {
    Path(Path),
    Literal(Value),
    /// A quoted string as it was written, its escapes still in it: `States.Format` reads `\{` for itself.
    Text(String),
    Call(Function, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Format,
    StringToJson,
    JsonToString,
    Array,
    MathAdd,
}

impl Expression {
    pub(super) fn parse(at: At<'_>) -> Parsed<Self> {
        let text = at.text()?;
        let mut reader = Reader { rest: text };
        let parsed = match reader.argument() {
            Ok(Self::Text(_) | Self::Literal(_)) => Err("must be a reference path or an intrinsic function".into()),
            Ok(expression) if reader.rest.trim().is_empty() => Ok(expression),
            Ok(_) => Err(format!("\"{text}\" goes on after its end")),
            Err(why) => Err(why),
        };
        parsed.map_err(|why| at.refuse(why))
    }

    pub(super) fn eval(&self, field: &str, scope: &Scope<'_>) -> Result<Value, Failure> {
        match self {
            Self::Path(path) => scope.find(field, path),
            Self::Literal(value) => Ok(value.clone()),
            Self::Text(raw) => Ok(Value::String(unescape(raw))),
            Self::Call(Function::Format, arguments) => format(arguments, field, scope),
            Self::Call(function, arguments) => {
                let values = arguments.iter().map(|argument| argument.eval(field, scope)).collect::<Result<_, _>>()?;
                call(*function, values)
            }
        }
    }

    /// Every path in the expression.
    pub(super) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Path(path) => vec![path],
            Self::Literal(_) | Self::Text(_) => Vec::new(),
            Self::Call(_, arguments) => arguments.iter().flat_map(Self::paths).collect(),
        }
    }
}

fn call(function: Function, mut values: Vec<Value>) -> Result<Value, Failure> {
    match (function, values.as_mut_slice()) {
        (Function::Array, _) => Ok(Value::Array(values)),
        (Function::JsonToString, [value]) => Ok(Value::String(value.to_string())),
        (Function::StringToJson, [Value::String(text)]) => {
            serde_json::from_str(text).map_err(|_| Failure::intrinsic("States.StringToJson: the string is not JSON"))
        }
        (Function::MathAdd, [Value::Number(a), Value::Number(b)]) => {
            let rounded = |n: &serde_json::Number| n.as_i64().or_else(|| n.as_f64().map(|n| n.round() as i64));
            match (rounded(a), rounded(b)) {
                (Some(a), Some(b)) => a.checked_add(b),
                _ => None,
            }
            .map(Value::from)
            .ok_or_else(|| Failure::intrinsic("States.MathAdd: the sum is out of range"))
        }
        (function, _) => Err(Failure::intrinsic(format!("States.{function:?}: an argument has the wrong type"))),
    }
}

fn format(arguments: &[Expression], field: &str, scope: &Scope<'_>) -> Result<Value, Failure> {
    let [Expression::Text(raw), arguments @ ..] = arguments else {
        return Err(Failure::intrinsic("States.Format: the first argument must be a string"));
    };
    let (mut text, mut arguments, mut chars) = (String::new(), arguments.iter(), raw.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            '{' => {
                chars.next();
                let value = arguments.next().map_or(Ok(Value::Null), |argument| argument.eval(field, scope))?;
                text.push_str(&shown(&value)?);
            }
            c => text.push(c),
        }
    }
    Ok(Value::String(text))
}

fn shown(value: &Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => {
            Err(Failure::intrinsic("States.Format: an argument is an array or object; use States.JsonToString"))
        }
        scalar => Ok(scalar.to_string()),
    }
}

fn unescape(raw: &str) -> String {
    let mut chars = raw.chars();
    std::iter::from_fn(|| match chars.next()? {
        '\\' => chars.next(),
        c => Some(c),
    })
    .collect()
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn argument(&mut self) -> Result<Expression, String> {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix('\'') {
            return self.quoted(rest);
        }
        let word = self.word();
        if word.starts_with('$') {
            return Path::parse(word).and_then(known_context).map(Expression::Path);
        }
        match word.strip_prefix("States.") {
            Some(name) => self.call(name),
            None => serde_json::from_str(word)
                .map(Expression::Literal)
                .map_err(|_| format!("\"{word}\" is neither a reference path nor an intrinsic function")),
        }
    }

    fn quoted(&mut self, rest: &'t str) -> Result<Expression, String> {
        let mut escaped = false;
        let end = rest.find(|c| {
            let ends = c == '\'' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (raw, after) = rest.split_at(end.ok_or("a quoted string is not closed")?);
        self.rest = &after[1..];
        Ok(Expression::Text(raw.to_owned()))
    }

    /// Up to a separator outside brackets: field names in `['…']` may hold any of them.
    fn word(&mut self) -> &'t str {
        let mut depth = 0_u32;
        let end = self.rest.find(|c: char| {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && (matches!(c, ',' | '(' | ')') || c.is_whitespace())
        });
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let function = match name {
            "Format" => Function::Format,
            "StringToJson" => Function::StringToJson,
            "JsonToString" => Function::JsonToString,
            "Array" => Function::Array,
            "MathAdd" => Function::MathAdd,
            _ => {
                return Err(format!(
                    "States.{name} is not supported by the local stack; use Format, StringToJson, JsonToString, Array or \
                     MathAdd, or compute it in the function"
                ));
            }
        };
        let arguments = self.arguments()?;
        check(function, &arguments)?;
        Ok(Expression::Call(function, arguments))
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, String> {
        self.rest =
            self.rest.trim_start().strip_prefix('(').ok_or("an intrinsic function needs its arguments in ()")?;
        let mut arguments = Vec::new();
        if self.ends() {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            if self.ends() {
                return Ok(arguments);
            }
            self.rest = self.rest.strip_prefix(',').ok_or("arguments are separated by commas and closed by )")?;
        }
    }

    fn ends(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.strip_prefix(')').map(|rest| self.rest = rest).is_some()
    }
}

fn check(function: Function, arguments: &[Expression]) -> Result<(), String> {
    let wanted = match function {
        Function::Array => return Ok(()),
        Function::StringToJson | Function::JsonToString => 1,
        Function::MathAdd => 2,
        Function::Format => {
            let Some(Expression::Text(raw)) = arguments.first() else {
                return Err("States.Format: the first argument must be a quoted string".into());
            };
            holes(raw).ok_or("States.Format: write {} for an argument and \\{ for a brace")? + 1
        }
    };
    if arguments.len() == wanted {
        return Ok(());
    }
    Err(format!("States.{function:?} needs {wanted} arguments here, not {}", arguments.len()))
}

fn holes(raw: &str) -> Option<usize> {
    let (mut count, mut chars) = (0, raw.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '{' if chars.next() == Some('}') => count += 1,
            '{' | '}' => return None,
            _ => {}
        }
    }
    Some(count)
}

pub(super) fn known_context(path: Path) -> Result<Path, String> {
    match path.first_field() {
        _ if !path.is_context() || path.is_root() => Ok(path),
        Some("Execution" | "State" | "StateMachine" | "Task" | "Map") => Ok(path),
        _ => Err(format!(
            "\"{}\" is not in the context object; use Execution, State, StateMachine, Task or Map",
            path.text()
        )),
    }
}
