//! The headers that an answer may have, as far as a client has something to do with them.

use serde_json::{Map, Value, json};

use crate::http::{Policy, Rate};

/// Each of them, for `components`.
pub(super) fn all() -> Value {
    let text = |about: &str| json!({"description": about, "schema": {"type": "string"}});
    json!({
        "X-Request-Id": text("Names the request in our log; quote it when you ask."),
        "Location": text("Where that which was made is to be seen, if it is."),
        "RateLimit-Policy": text("Every limit that counted the call: its name, how many calls (`q`) in how many seconds (`w`)."),
        "RateLimit": text("Of each, how many may follow (`r`) before how many seconds are over (`t`)."),
        "WWW-Authenticate": text("The scheme by which to say who calls (RFC 9110 section 11.6.1)."),
        "Retry-After": {"description": "Seconds after which it is worth trying again.",
            "schema": {"type": "integer", "minimum": 0}},
    })
}

/// The answer with what its status may bring. None is required: what a header says may not be so of every case.
pub(super) fn with(mut answer: Value, status: u16, policy: &Policy) -> Value {
    let mut names = vec!["X-Request-Id"];
    match status {
        201 | 202 => names.push("Location"),
        401 => names.push("WWW-Authenticate"),
        429 | 503 => names.push("Retry-After"),
        _ => {}
    }
    if !matches!(policy.rate, Rate::Unlimited(_)) {
        names.extend(["RateLimit-Policy", "RateLimit"]);
    }
    let reference = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    answer["headers"] =
        Value::Object(names.into_iter().map(|name| (name.to_owned(), reference(name))).collect::<Map<_, _>>());
    answer
}
