//! Which function answers: the route matching of HTTP APIs.
//!
//! A static segment is more specific than `{parameter}`, that more than `{greedy+}`, decided from the left; of two routes
//! with one path, the one that names the method. `$default` takes what is left; without it that is a 404.

use crate::template::{RouteSpec, Stack};
use http::Method;
use percent_encoding::percent_decode_str;
use std::{cmp::Ordering, collections::HashMap};

/// The routes of a stack, the most specific first.
#[derive(Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    /// `None` is `ANY`.
    method: Option<Method>,
    segments: Vec<Segment>,
    function: String,
    key: String,
}

/// In order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Static(String),
    Parameter(String),
    Greedy(String),
    /// `$default`.
    Rest,
}

/// A route that fits a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Match<'r> {
    /// The function's logical id.
    pub function: &'r str,
    /// `METHOD /path` as in the template, or `$default`.
    pub route_key: &'r str,
    /// Percent-decoded.
    pub parameters: HashMap<String, String>,
}

impl Routes {
    /// The HTTP routes of all functions.
    pub fn new(stack: &Stack) -> Self {
        let all = stack
            .functions
            .iter()
            .flat_map(|f| f.routes.iter().map(move |r| (r.method.as_str(), r.path.as_str(), f.logical_id.as_str())));
        Self::from_list(all)
    }

    /// From method (or `ANY`), path and function.
    pub fn from_list<'a>(list: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Self {
        let mut routes: Vec<_> =
            list.into_iter().map(|(method, path, function)| Route::new(method, path, function)).collect();
        routes.sort_by(Route::precedence);
        Self { routes }
    }

    /// The most specific route for a method and a path as it stands in the request line.
    pub fn find(&self, method: &Method, path: &str) -> Option<Match<'_>> {
        let path: Vec<_> = path.strip_prefix('/')?.split('/').collect();
        self.routes.iter().filter(|route| route.method.as_ref().is_none_or(|m| m == method)).find_map(|route| {
            let parameters = captures(&route.segments, &path)?;
            Some(Match { function: &route.function, route_key: &route.key, parameters })
        })
    }
}

impl Route {
    fn new(method: &str, path: &str, function: &str) -> Self {
        let segments = path.trim_start_matches('/').split('/').map(Segment::parse).collect();
        let named = if method == "ANY" { None } else { Method::from_bytes(method.as_bytes()).ok() };
        Self { method: named, segments, function: function.to_owned(), key: route_key(method, path) }
    }

    fn precedence(&self, other: &Self) -> Ordering {
        let kinds = |route: &Self| route.segments.iter().map(Segment::kind).collect::<Vec<_>>();
        kinds(self).cmp(&kinds(other)).then(self.method.is_none().cmp(&other.method.is_none()))
    }
}

/// As API Gateway writes it in the event.
fn route_key(method: &str, path: &str) -> String {
    if path == RouteSpec::DEFAULT { path.to_owned() } else { format!("{method} {path}") }
}

impl Segment {
    fn parse(text: &str) -> Self {
        if text == RouteSpec::DEFAULT {
            return Self::Rest;
        }
        let inside = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
        match inside.map(|name| (name, name.strip_suffix('+'))) {
            Some((_, Some(greedy))) => Self::Greedy(greedy.to_owned()),
            Some((name, None)) => Self::Parameter(name.to_owned()),
            None => Self::Static(text.to_owned()),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Static(_) => 0,
            Self::Parameter(_) => 1,
            Self::Greedy(_) => 2,
            Self::Rest => 3,
        }
    }
}

fn captures(segments: &[Segment], path: &[&str]) -> Option<HashMap<String, String>> {
    let mut parameters = HashMap::new();
    if segments == [Segment::Rest] {
        return Some(parameters);
    }
    for (index, segment) in segments.iter().enumerate() {
        let rest = path.get(index..).filter(|rest| !rest.is_empty())?;
        match segment {
            Segment::Static(text) if *text == decoded(rest[0]) => {}
            Segment::Parameter(name) if !rest[0].is_empty() => drop(parameters.insert(name.clone(), decoded(rest[0]))),
            Segment::Greedy(name) if rest != [""] => {
                parameters.insert(name.clone(), decoded(&rest.join("/")));
                return Some(parameters);
            }
            _ => return None,
        }
    }
    (segments.len() == path.len()).then_some(parameters)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
