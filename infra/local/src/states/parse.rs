//! From the file to typed states, with the checks that AWS makes when a state machine is created.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::choice::Rule;
use super::definition::{Catcher, Definition, Kind, Retrier, Seconds, State, Text, Wait};
use super::intrinsic::{Expression, known_context};
use super::parse_task;
use super::path::Path;
use super::source::{At, DefinitionError, Fields, Node, Parsed};
use super::template::Template;

/// Where a state may go: the place that says so, and the name.
type Targets<'a> = Vec<(At<'a>, &'a str)>;
type States = HashMap<String, State>;

/// Replaces `${Name}`, keeping the lines where they are.
pub(super) fn substitute(file: &str, text: &str, values: &BTreeMap<String, String>) -> Parsed<String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        result.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let value = values.get(name).ok_or_else(|| DefinitionError {
            file: file.to_owned(),
            line: result.matches('\n').count() + 1,
            detail: format!("DefinitionSubstitutions has no \"{name}\""),
        })?;
        let quoted = serde_json::Value::from(value.as_str()).to_string();
        result.push_str(&quoted[1..quoted.len() - 1]);
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

pub(super) fn machine(file: &str, node: &Node, source: &str) -> Parsed<Definition> {
    let mut fields = At::root(file, node).fields()?;
    fields.take("Version");
    if let Some(at) = fields.take("QueryLanguage").filter(|at| at.text() != Ok("JSONPath")) {
        return Err(at.refuse("the local stack speaks JSONPath only"));
    }
    let timeout = fields.take("TimeoutSeconds").map(|at| at.whole(1)).transpose()?;
    let mut states = States::new();
    let start_at = flow(fields, &mut states)?;
    Ok(Definition { start_at, states, timeout, source: source.into() })
}

/// `StartAt` and `States` of a machine, a branch or an item processor.
fn flow(mut fields: Fields<'_>, states: &mut States) -> Parsed<String> {
    fields.take("Comment");
    let start = fields.need("StartAt")?;
    let entries: Vec<(&str, At<'_>)> = fields.need("States")?.entries()?.collect();
    let subjects: Vec<String> = entries.iter().map(|(name, _)| format!("state \"{name}\"")).collect();
    let mut targets = vec![(start, start.text()?)];
    for ((name, at), subject) in entries.iter().zip(&subjects) {
        let at = at.named(subject);
        let parsed = state(at, &mut targets, states)?;
        if states.insert((*name).to_owned(), parsed).is_some() {
            return Err(at.refuse("its name stands twice; names are unique in the whole state machine"));
        }
    }
    let names: BTreeSet<&str> = entries.iter().map(|(name, _)| *name).collect();
    if let Some((at, target)) = targets.iter().find(|(_, target)| !names.contains(target)) {
        return Err(at.refuse(format!("there is no state \"{target}\" beside it")));
    }
    for ((name, at), subject) in entries.iter().zip(&subjects) {
        if !targets.iter().any(|(_, target)| target == name) {
            return Err(at.named(subject).refuse("no state leads to it"));
        }
    }
    fields.finish()?;
    start.text().map(str::to_owned)
}

fn state<'a>(at: At<'a>, targets: &mut Targets<'a>, states: &mut States) -> Parsed<State> {
    let mut fields = at.fields()?;
    fields.take("Comment");
    let kind_at = fields.need("Type")?;
    let name = kind_at.text()?;
    let works = matches!(name, "Task" | "Map" | "Parallel");
    let mut state = State {
        input_path: Some(Path::root()),
        parameters: None,
        result_selector: None,
        result_path: Some(Path::root()),
        output_path: Some(Path::root()),
        retry: Vec::new(),
        catch: Vec::new(),
        next: None,
        kind: Kind::Succeed,
    };
    if name != "Fail" {
        state.input_path = path_or_null(&mut fields, "InputPath")?;
        state.output_path = path_or_null(&mut fields, "OutputPath")?;
    }
    if works || name == "Pass" {
        state.result_path = result_path(&mut fields)?;
    }
    if matches!(name, "Pass" | "Parallel") {
        state.parameters = template(&mut fields, "Parameters")?;
    }
    if works {
        state.result_selector = template(&mut fields, "ResultSelector")?;
        state.retry = handlers(&mut fields, "Retry", retrier)?;
        state.catch = handlers(&mut fields, "Catch", |fields| catcher(fields, targets))?;
    }
    if works || matches!(name, "Pass" | "Wait") {
        state.next = next(&mut fields, targets)?;
    }
    state.kind = match name {
        "Task" => Kind::Task(parse_task::task(&mut fields, &mut state.parameters)?),
        "Pass" => Kind::Pass { result: fields.take("Result").map(|at| at.value()) },
        "Choice" => choice(&mut fields, targets)?,
        "Wait" => Kind::Wait(wait(&mut fields)?),
        "Succeed" => Kind::Succeed,
        "Fail" => Kind::Fail { error: text(&mut fields, "Error")?, cause: text(&mut fields, "Cause")? },
        "Map" => map(&mut fields, states)?,
        "Parallel" => Kind::Parallel {
            start_at: fields.need("Branches")?.list()?.map(|at| flow(at.fields()?, states)).collect::<Parsed<_>>()?,
        },
        _ => return Err(kind_at.refuse(format!("\"{name}\" is not a type of state"))),
    };
    fields.finish().map(|()| state)
}

fn next<'a>(fields: &mut Fields<'a>, targets: &mut Targets<'a>) -> Parsed<Option<String>> {
    match (fields.take("Next"), fields.take("End")) {
        (Some(at), None) => target(at, targets).map(Some),
        (None, Some(at)) if at.flag()? => Ok(None),
        _ => Err(fields.at.refuse("needs either Next or \"End\": true")),
    }
}

fn target<'a>(at: At<'a>, targets: &mut Targets<'a>) -> Parsed<String> {
    let name = at.text()?;
    targets.push((at, name));
    Ok(name.to_owned())
}

pub(super) fn template(fields: &mut Fields<'_>, key: &str) -> Parsed<Option<Template>> {
    fields.take(key).map(Template::parse).transpose()
}

fn path(at: At<'_>) -> Parsed<Path> {
    Path::parse(at.text()?).and_then(known_context).map_err(|why| at.refuse(why))
}

fn path_or_null(fields: &mut Fields<'_>, key: &str) -> Parsed<Option<Path>> {
    match fields.take(key) {
        None => Ok(Some(Path::root())),
        Some(at) if at.is_null() => Ok(None),
        Some(at) => path(at).map(Some),
    }
}

fn result_path(fields: &mut Fields<'_>) -> Parsed<Option<Path>> {
    let path = path_or_null(fields, "ResultPath")?;
    match path {
        Some(path) if path.is_context() => Err(fields.at.refuse("ResultPath cannot point into the context object")),
        path => Ok(path),
    }
}

pub(super) fn seconds(fields: &mut Fields<'_>, key: &str, from: u64) -> Parsed<Option<Seconds>> {
    match (fields.take(key), fields.take(&format!("{key}Path"))) {
        (None, None) => Ok(None),
        (Some(at), None) => at.whole(from).map(Seconds::Fixed).map(Some),
        (None, Some(at)) => path(at).map(Seconds::Path).map(Some),
        (Some(at), Some(_)) => Err(at.refuse(format!("{key} and {key}Path exclude each other"))),
    }
}

fn text(fields: &mut Fields<'_>, key: &str) -> Parsed<Option<Text>> {
    match (fields.take(key), fields.take(&format!("{key}Path"))) {
        (None, None) => Ok(None),
        (Some(at), None) => Ok(Some(Text::Fixed(at.text()?.to_owned()))),
        (None, Some(at)) => Expression::parse(at).map(Text::Computed).map(Some),
        (Some(at), Some(_)) => Err(at.refuse(format!("{key} and {key}Path exclude each other"))),
    }
}

fn choice<'a>(fields: &mut Fields<'a>, targets: &mut Targets<'a>) -> Parsed<Kind> {
    let at = fields.need("Choices")?;
    let mut rules = Vec::new();
    for at in at.list()? {
        let mut fields = at.fields()?;
        fields.take("Comment");
        let next = target(fields.need("Next")?, targets)?;
        rules.push((Rule::parse(&mut fields)?, next));
        fields.finish()?;
    }
    if rules.is_empty() {
        return Err(at.refuse("Choices is empty"));
    }
    let default = fields.take("Default").map(|at| target(at, targets)).transpose()?;
    Ok(Kind::Choice { rules, default })
}

fn wait(fields: &mut Fields<'_>) -> Parsed<Wait> {
    let seconds = seconds(fields, "Seconds", 0)?.map(Wait::Seconds);
    let until = fields.take("Timestamp").map(|at| {
        let time = at.text()?.parse().map_err(|_| at.refuse("Timestamp must be an RFC 3339 timestamp"));
        time.map(Wait::Until)
    });
    let until_path = fields.take("TimestampPath").map(|at| path(at).map(Wait::UntilPath));
    let mut given = [seconds.map(Ok), until, until_path].into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(wait), None) => wait,
        _ => Err(fields.at.refuse("needs exactly one of Seconds, SecondsPath, Timestamp and TimestampPath")),
    }
}

fn map(fields: &mut Fields<'_>, states: &mut States) -> Parsed<Kind> {
    let items_path = fields.take("ItemsPath").map_or_else(|| Ok(Path::root()), path)?;
    let item_selector = template(fields, "ItemSelector")?;
    let max_concurrency = fields.take("MaxConcurrency").map_or(Ok(0), |at| at.whole(0))?;
    let mut processor = match fields.take("Iterator") {
        Some(at) => return Err(at.refuse("field \"Iterator\" is not supported by the local stack; use ItemProcessor")),
        None => fields.need("ItemProcessor")?.fields()?,
    };
    if let Some(config) = processor.take("ProcessorConfig") {
        let mut config = config.fields()?;
        if let Some(at) = config.take("Mode").filter(|at| at.text() != Ok("INLINE")) {
            return Err(at.refuse("only the Mode INLINE is supported by the local stack"));
        }
        config.finish()?;
    }
    let start_at = flow(processor, states)?;
    Ok(Kind::Map { items_path, item_selector, max_concurrency: max_concurrency as usize, start_at })
}

/// `Retry` or `Catch`: a list whose every member has `ErrorEquals`; `States.ALL` stands alone and last.
fn handlers<'a, T>(
    fields: &mut Fields<'a>,
    key: &str,
    mut read: impl FnMut(&mut Fields<'a>) -> Parsed<(Vec<String>, T)>,
) -> Parsed<Vec<T>> {
    let Some(at) = fields.take(key) else { return Ok(Vec::new()) };
    let (mut handlers, mut all_seen) = (Vec::new(), false);
    for at in at.list()? {
        let mut fields = at.fields()?;
        fields.take("Comment");
        let (errors, handler) = read(&mut fields)?;
        fields.finish()?;
        let has_all = errors.iter().any(|error| error == "States.ALL");
        if all_seen || has_all && errors.len() > 1 {
            return Err(at.refuse(format!("{key}: States.ALL must stand alone, in the last entry")));
        }
        all_seen = has_all;
        handlers.push(handler);
    }
    Ok(handlers)
}

fn errors(fields: &mut Fields<'_>) -> Parsed<Vec<String>> {
    let at = fields.need("ErrorEquals")?;
    let errors: Vec<String> = at.list()?.map(|at| at.text().map(str::to_owned)).collect::<Parsed<_>>()?;
    if errors.is_empty() { Err(at.refuse("ErrorEquals is empty")) } else { Ok(errors) }
}

fn retrier(fields: &mut Fields<'_>) -> Parsed<(Vec<String>, Retrier)> {
    let errors = errors(fields)?;
    let whole = |fields: &mut Fields<'_>, key, from, default| fields.take(key).map_or(Ok(default), |at| at.whole(from));
    let backoff = fields.take("BackoffRate");
    let backoff = match backoff.map(|at| Ok((at, at.number()?))).transpose()? {
        Some((at, rate)) if rate < 1.0 => return Err(at.refuse("BackoffRate must be at least 1")),
        rate => rate.map_or(2.0, |(_, rate)| rate),
    };
    let interval = whole(fields, "IntervalSeconds", 1, 1)?;
    let max_delay = match fields.take("MaxDelaySeconds").map(|at| Ok((at, at.whole(1)?))).transpose()? {
        Some((at, delay)) if delay <= interval => {
            return Err(at.refuse("MaxDelaySeconds must be more than IntervalSeconds"));
        }
        delay => delay.map(|(_, delay)| delay),
    };
    let full_jitter = match fields.take("JitterStrategy").map(|at| Ok((at, at.text()?))).transpose()? {
        None | Some((_, "NONE")) => false,
        Some((_, "FULL")) => true,
        Some((at, _)) => return Err(at.refuse("JitterStrategy must be FULL or NONE")),
    };
    let max_attempts = whole(fields, "MaxAttempts", 0, 3)?;
    let retrier = Retrier { errors: errors.clone(), interval, backoff, max_attempts, max_delay, full_jitter };
    Ok((errors, retrier))
}

fn catcher<'a>(fields: &mut Fields<'a>, targets: &mut Targets<'a>) -> Parsed<(Vec<String>, Catcher)> {
    let errors = errors(fields)?;
    let result_path = result_path(fields)?;
    let next = target(fields.need("Next")?, targets)?;
    Ok((errors.clone(), Catcher { errors, result_path, next }))
}
