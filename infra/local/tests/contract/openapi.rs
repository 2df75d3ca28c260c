//! The published description is the generated one. `UPDATE=1 cargo test -p local --test contract openapi` writes it.

use std::{collections::BTreeSet, path::Path};

use lambda::{Kind, openapi::document};
use local::functions::all;
use serde_json::{Map, Value};

use crate::routes::policies;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/platform/openapi.json");

fn generated() -> Value {
    let mut operations = Vec::new();
    for function in all() {
        if let Kind::Http(served) = &function.kind {
            (served.describe)(&mut operations);
        }
    }
    sorted(document(&operations))
}

/// With its keys in order, so that a change shows as one.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(pairs))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the test says that it may write the file")]
pub(crate) fn may_write() -> bool {
    std::env::var("UPDATE").is_ok_and(|value| value == "1")
}

#[test]
fn the_published_description_is_the_generated_one() {
    let text = format!("{:#}\n", generated());
    if may_write() {
        std::fs::write(FILE, &text).unwrap();
    }
    let published = std::fs::read_to_string(FILE).unwrap();
    let line = published.lines().zip(text.lines()).position(|(is, should)| is != should);
    assert!(
        published == text,
        "{} is out of date at line {}; UPDATE=1 cargo test -p local --test contract openapi writes it",
        Path::new(FILE).canonicalize().unwrap().display(),
        line.map_or_else(|| "?".to_owned(), |line| (line + 1).to_string()),
    );
}

/// A parameter over many segments stands at the end of a mount, and has what follows it in its value.
#[test]
fn it_describes_every_route_but_preflights_and_the_rest() {
    let document = generated();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let mut routes: BTreeSet<String> = all().flat_map(policies).collect();
    assert!(routes.remove("OPTIONS /{proxy+}") && routes.remove("$default"));
    let endings = [
        ("POST /api/v1/admin/secrets/{name}", "POST /api/v1/admin/secrets/{name}/rotate"),
        ("POST /api/v1/vault/{name}", "POST /api/v1/vault/{name}/rollback"),
    ];
    let written = |route: String| {
        let route = route.replace("+}", "}");
        endings.iter().find(|(mount, _)| *mount == route).map_or(route, |(_, whole)| (*whole).to_owned())
    };
    assert_eq!(described, routes.into_iter().map(written).collect());
}

#[test]
fn every_reference_in_it_leads_somewhere() {
    let document = generated();
    let mut open = vec![&document];
    let mut seen = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                    seen += 1;
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                open.extend(map.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(seen > 20, "{seen} references");
}

#[test]
fn operation_ids_are_unique() {
    let policies = all().filter_map(|function| match &function.kind {
        Kind::Http(served) => Some(served.policies),
        _ => None,
    });
    let ids: Vec<_> = policies.flatten().map(|policy| policy.operation).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}
