//! Every id in every answer that a tenant's owner gets.

use std::collections::{BTreeMap, BTreeSet};

use http::Request;
use lambda::http::Policy;
use serde_json::Value;

use super::{fill, params, routes};
use crate::api::{Answer, Api, Tenant, authorized};

/// Values of a parameter that a route is asked with.
const FEW: usize = 3;

/// Not a document that is the same for everybody.
fn is_theirs(policy: &Policy) -> bool {
    policy.path.starts_with("/api/")
}

/// What the answers said.
#[derive(Default)]
pub(super) struct Harvest {
    /// The names under which a value was found.
    ids: BTreeMap<String, BTreeSet<String>>,
    /// Every text.
    pub(super) texts: BTreeSet<String>,
}

impl Harvest {
    /// Reads until nothing new is found.
    pub(super) async fn of(api: &Api, tenant: &Tenant, token: &str) -> Self {
        let mut harvest = Self::default();
        harvest.keep("tenant_id", &tenant.id);
        let mut known = 0;
        while known < harvest.ids.len() {
            known = harvest.ids.len();
            for policy in routes().filter(|policy| policy.method == http::Method::GET && is_theirs(policy)) {
                for path in harvest.paths(policy) {
                    harvest.add(&api.send(authorized(Request::get(path), token), "").await);
                }
            }
        }
        harvest
    }

    pub(super) fn add(&mut self, answer: &Answer) {
        if answer.status < 400
            && let Ok(body) = serde_json::from_slice::<Value>(&answer.body)
        {
            self.walk("", &body);
        }
    }

    fn walk(&mut self, key: &str, value: &Value) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| self.walk(key, value)),
            Value::Array(items) => items.iter().for_each(|item| self.walk(key, item)),
            Value::String(text) => self.keep(key, text),
            _ => {}
        }
    }

    fn keep(&mut self, key: &str, text: &str) {
        self.texts.insert(text.to_owned());
        let named = key.ends_with("_id") || ["id", "kid", "name", "subdomain"].contains(&key);
        // Of names, those that things are called by, and not those of people and steps.
        let called = text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
        if named && called && !text.contains(char::is_whitespace) {
            self.ids.entry(text.to_owned()).or_default().insert(key.to_owned());
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.keys().map(String::as_str)
    }

    /// The ids that were found under this name.
    pub(super) fn called(&self, name: &str) -> impl Iterator<Item = &str> {
        let name = name.to_owned();
        self.ids.iter().filter(move |(_, names)| names.contains(&name)).map(|(id, _)| id.as_str())
    }

    /// One id for each name.
    pub(super) fn one_of_each(&self) -> BTreeMap<&str, &str> {
        self.ids.iter().flat_map(|(id, names)| names.iter().map(move |name| (name.as_str(), id.as_str()))).collect()
    }

    /// The route's path with what was found; none where a parameter has no value yet.
    fn paths(&self, policy: &Policy) -> Vec<String> {
        let mut paths = vec![policy.path.to_owned()];
        for param in params(policy.path) {
            let with = |path: &String| self.called(param).take(FEW).map(|id| fill(path, param, id)).collect::<Vec<_>>();
            paths = paths.iter().flat_map(with).collect();
        }
        paths
    }
}
