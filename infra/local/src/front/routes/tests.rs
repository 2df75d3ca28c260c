//! The matcher against a naive model: of all routes that fit, the most specific.

use super::*;
use proptest::prelude::*;

fn find(list: &[(&str, &str)], method: &str, path: &str) -> Option<String> {
    let routes = Routes::from_list(list.iter().map(|(m, p)| (*m, *p, "f")));
    routes.find(&method.parse().unwrap(), path).map(|m| m.route_key.to_owned())
}

#[test]
fn the_most_specific_route_wins() {
    let list =
        [("ANY", "/{proxy+}"), ("GET", "/a/{x}"), ("GET", "/a/b"), ("ANY", "/a/b"), ("GET", "/{x}/b"), ("GET", "/")];
    let key = |method, path| find(&list, method, path).unwrap_or_default();
    assert_eq!(key("GET", "/a/b"), "GET /a/b");
    assert_eq!(key("POST", "/a/b"), "ANY /a/b");
    assert_eq!(key("GET", "/a/c"), "GET /a/{x}");
    assert_eq!(key("POST", "/a/c"), "ANY /{proxy+}");
    assert_eq!(key("GET", "/c/b"), "GET /{x}/b");
    assert_eq!(key("GET", "/a/b/c"), "ANY /{proxy+}");
    assert_eq!(key("GET", "/"), "GET /");
    assert_eq!(find(&[("GET", "/a/{x}"), ("GET", "/a")], "GET", "/a/"), None);
    assert_eq!(find(&[("GET", "/a")], "HEAD", "/a"), None);
}

#[test]
fn the_default_route_takes_what_is_left() {
    let list = [("ANY", "$default"), ("GET", "/a"), ("OPTIONS", "/{proxy+}")];
    let key = |method, path| find(&list, method, path).unwrap_or_default();
    assert_eq!(key("GET", "/a"), "GET /a");
    assert_eq!(key("OPTIONS", "/a"), "OPTIONS /{proxy+}");
    for (method, path) in [("POST", "/a"), ("GET", "/"), ("OPTIONS", "/"), ("GET", "/$default"), ("GET", "/a/b/")] {
        assert_eq!(key(method, path), "$default", "{method} {path}");
    }
}

#[test]
fn parameters_are_decoded() {
    let routes = Routes::from_list([("GET", "/t/{id}/{rest+}", "f")]);
    let found = routes.find(&Method::GET, "/t/a%20b/c/d%2Fe").unwrap();
    assert_eq!(found.parameters["id"], "a b");
    assert_eq!(found.parameters["rest"], "c/d/e");
}

/// Whether a route's path fits, segment by segment, and how specific it is.
fn model(route: &str, path: &str) -> Option<Vec<u8>> {
    let (mut route, mut path) = (route[1..].split('/'), path[1..].split('/'));
    let mut rank = Vec::new();
    loop {
        match (route.next(), path.next()) {
            (None, None) => return Some(rank),
            (Some(greedy), Some(first)) if greedy.ends_with("+}") => {
                rank.push(2);
                return (!first.is_empty() || path.next().is_some()).then_some(rank);
            }
            (Some(parameter), Some(value)) if parameter.starts_with('{') && !value.is_empty() => rank.push(1),
            (Some(fixed), Some(value)) if fixed == value => rank.push(0),
            _ => return None,
        }
    }
}

fn route() -> impl Strategy<Value = (String, String)> {
    let segments = prop::collection::vec(prop::sample::select(vec!["a", "b", "{x}"]), 1..4);
    let greedy = prop::bool::weighted(0.2);
    (prop::sample::select(vec!["GET", "POST", "ANY"]), segments, greedy).prop_map(|(method, segments, greedy)| {
        let tail = if greedy { "/{proxy+}" } else { "" };
        (method.to_owned(), format!("/{}{tail}", segments.join("/")))
    })
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        list in prop::collection::btree_set(route(), 0..8),
        method in prop::sample::select(vec!["GET", "POST"]),
        path in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", ""]), 1..5),
    ) {
        let path = format!("/{}", path.join("/"));
        let best = list.iter()
            .filter(|(m, _)| m == "ANY" || m == method)
            .filter_map(|(m, p)| Some((model(p, &path)?, m == "ANY", format!("{m} {p}"))))
            .min();
        let list: Vec<_> = list.iter().map(|(m, p)| (m.as_str(), p.as_str())).collect();
        prop_assert_eq!(find(&list, method, &path), best.map(|(_, _, key)| key));
    }
}
