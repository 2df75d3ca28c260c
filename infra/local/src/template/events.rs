//! `Events` of a function: its routes, its schedules and its rules.

use super::{
    FunctionSpec, RouteSpec, RuleSpec, ScheduleSpec, fields::Fields, node::Node, pattern::Pattern,
    recurrence::Recurrence, resources::Reader,
};

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];

impl Reader<'_> {
    pub(super) fn with_events(&self, mut spec: FunctionSpec, events: Option<&Node>) -> FunctionSpec {
        for event in events.map_or(&[][..], Node::entries) {
            let what = format!("{}.{}", spec.logical_id, event.key);
            let name = format!("{}{}", spec.logical_id, event.key);
            let mut fields = Fields::of(&what, event.line, Some(&event.value), self.refusals);
            let kind = fields.required("Type");
            let properties = Fields::of(&what, event.line, fields.node("Properties"), self.refusals);
            match kind.as_str() {
                "HttpApi" => spec.routes.push(route(properties, event.line)),
                "Schedule" => spec.schedules.extend(schedule(properties, "Schedule", name, event.line)),
                "ScheduleV2" => spec.schedules.extend(schedule(properties, "ScheduleExpression", name, event.line)),
                "EventBridgeRule" => spec.rules.extend(rule(properties, event.line)),
                other => fields.refuse(
                    "Type",
                    format!("{other} is not run locally: use HttpApi, Schedule, ScheduleV2 or EventBridgeRule"),
                ),
            }
            fields.finish();
        }
        spec
    }
}

fn route(mut fields: Fields<'_>, line: usize) -> RouteSpec {
    fields.one_of("PayloadFormatVersion", &["2.0"]);
    fields.without_effect(&["TimeoutInMillis"]);
    fields.refused(&[("Auth", "a function's door checks its callers")]);
    if fields.text("ApiId").is_none() {
        fields.refuse("ApiId", "is missing: SAM would make a second API for this route");
    }
    if fields.node("Method").is_none() && fields.node("Path").is_none() {
        fields.finish();
        return RouteSpec { method: "ANY".to_owned(), path: RouteSpec::DEFAULT.to_owned(), line };
    }
    let method = fields.required("Method").to_ascii_uppercase().replace('*', "ANY");
    if !METHODS.contains(&method.as_str()) && !method.is_empty() {
        fields.refuse("Method", format!("{method} is not one of {}", METHODS.join(", ")));
    }
    let path = fields.required("Path");
    if let Some(problem) = path_problem(&path) {
        fields.refuse("Path", format!("{path} {problem}"));
    }
    fields.finish();
    RouteSpec { method, path, line }
}

fn rule(mut fields: Fields<'_>, line: usize) -> Option<RuleSpec> {
    fields.without_effect(&["RuleName", "RetryPolicy", "DeadLetterConfig"]);
    fields.one_of("State", &["ENABLED"]);
    let bus = fields.required("EventBusName");
    let pattern = Pattern::parse(&fields.json("Pattern").unwrap_or_default());
    if let Err(problem) = &pattern {
        fields.refuse("Pattern", problem);
    }
    fields.finish();
    Some(RuleSpec { bus, pattern: pattern.ok()?, line })
}

fn path_problem(path: &str) -> Option<&'static str> {
    let Some(rest) = path.strip_prefix('/') else {
        return (!path.is_empty()).then_some("must start with /");
    };
    let segments: Vec<_> = rest.split('/').collect();
    let before_last = &segments[..segments.len() - 1];
    if !rest.is_empty() && segments.contains(&"") {
        Some("has an empty segment")
    } else if segments.iter().any(|segment| !is_whole(segment)) {
        Some("has a parameter that is not a whole segment")
    } else if before_last.iter().any(|segment| segment.ends_with("+}")) {
        Some("has a greedy parameter that is not the last segment")
    } else {
        None
    }
}

/// Literal, or a parameter and nothing else.
fn is_whole(segment: &str) -> bool {
    let inside = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inside != Some("") && !inside.unwrap_or(segment).contains(['{', '}'])
}

fn schedule(mut fields: Fields<'_>, key: &'static str, default_name: String, line: usize) -> Option<ScheduleSpec> {
    fields.without_effect(&["Description", "RetryPolicy", "DeadLetterConfig", "FlexibleTimeWindow", "OmitName"]);
    fields.one_of("ScheduleExpressionTimezone", &["UTC"]);
    let state = fields.one_of("State", &["ENABLED", "DISABLED"]);
    let enabled = fields.flag("Enabled").unwrap_or(true) && state.as_deref() != Some("DISABLED");
    let expression = fields.required(key);
    let recurrence = Recurrence::parse(&expression);
    if let Err(problem) = &recurrence
        && !expression.is_empty()
    {
        fields.refuse(key, format!("{expression} {problem}"));
    }
    let input = fields.text("Input").and_then(|text| {
        let parsed = serde_json::from_str(&text);
        if parsed.is_err() {
            fields.refuse("Input", "must be JSON");
        }
        parsed.ok()
    });
    let name = fields.text("Name").unwrap_or(default_name);
    fields.finish();
    Some(ScheduleSpec { name, expression, recurrence: recurrence.ok()?, input, enabled, line })
}
