//! Which path fits a route, and what stands in its parameters.

/// Path parameters by name.
pub(super) type Params = Vec<(&'static str, String)>;

/// The parameters of a path that fits the pattern: segment by segment, percent-decoded, never empty. `{name+}` at the end
/// takes every segment that is left.
pub(super) fn params_of(pattern: &'static str, path: &str) -> Option<Params> {
    let mut params = Vec::new();
    let mut wanted = pattern.trim_matches('/').split('/');
    let mut given = path.trim_start_matches('/').split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(params),
            (Some(name), Some(value)) if name.starts_with('{') => {
                let name = name.trim_matches(['{', '}']);
                if let Some(name) = name.strip_suffix('+') {
                    let rest: Vec<&str> = std::iter::once(value).chain(given).collect();
                    params.push((name, decode(&rest.join("/"))?));
                    return Some(params);
                }
                params.push((name, decode(value)?));
            }
            (Some(name), Some(value)) if name == value => {}
            _ => return None,
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
    (!decoded.is_empty()).then(|| decoded.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(pattern: &'static str, path: &str) -> Option<String> {
        params_of(pattern, path).map(|params| params.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn a_parameter_is_one_segment_and_never_empty() {
        assert_eq!(value("/a/{b}/c", "/a/x%20y/c").as_deref(), Some("x y"));
        for other in ["/a//c", "/a/x", "/a/x/c/d", "/a/x/d", "/a/%ff/c"] {
            assert_eq!(value("/a/{b}/c", other), None, "{other}");
        }
    }

    #[test]
    fn a_greedy_parameter_is_all_that_is_left() {
        for (path, rest) in [("/v/a", "a"), ("/v/a/b/c", "a/b/c"), ("/v/a%2Fb", "a/b"), ("/v/a//b/", "a//b/")] {
            assert_eq!(value("/v/{name+}", path).as_deref(), Some(rest));
        }
        for other in ["/v", "/v/", "/w/a", "/v/%ff"] {
            assert_eq!(value("/v/{name+}", other), None, "{other}");
        }
    }
}
