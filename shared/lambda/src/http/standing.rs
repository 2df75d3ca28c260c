//! Telling the caller how it stands with the limits that count it (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! The only writer of `RateLimit-Policy` and `RateLimit`. Each is a list with an item for each limit (RFC 9651), in one line:
//! API Gateway keeps one line of each name.

use domain::window::Standing;
use http::{HeaderName, HeaderValue, header::RETRY_AFTER};
use jiff::Timestamp;

use super::problem::{Kind, Problem};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

type Header = (HeaderName, HeaderValue);

/// A refusal by a limit, with when to come again.
pub(super) fn refused(kind: &'static Kind, standing: &Standing, until: Timestamp, now: Timestamp) -> Problem {
    let mut problem = Problem::new(kind).header(RETRY_AFTER, HeaderValue::from(seconds(until, now)));
    tell(&mut problem.headers, standing, now);
    problem
}

/// Adds one limit to an answer's headers, behind what they say already.
pub(super) fn tell(headers: &mut Vec<Header>, standing: &Standing, now: Timestamp) {
    let Standing { name, most, within, left, more_at } = standing;
    let policy = format!("\"{name}\";q={most};w={}", within.as_secs());
    let limit = format!("\"{name}\";r={left};t={}", seconds(*more_at, now));
    append(headers, POLICY, &policy);
    append(headers, LIMIT, &limit);
}

fn append(headers: &mut Vec<Header>, name: HeaderName, item: &str) {
    let before = headers.iter_mut().find(|(known, _)| *known == name);
    let list = match before.as_ref().and_then(|(_, list)| list.to_str().ok()) {
        Some(list) => HeaderValue::from_str(&format!("{list}, {item}")),
        None => HeaderValue::from_str(item),
    };
    match (before, list) {
        (Some((_, before)), Ok(list)) => *before = list,
        (None, Ok(list)) => headers.push((name, list)),
        (_, Err(_)) => {}
    }
}

/// Whole seconds, rounded up, so that whoever waits as long is not refused again.
fn seconds(until: Timestamp, now: Timestamp) -> u64 {
    let milliseconds = until.as_millisecond().saturating_sub(now.as_millisecond());
    u64::try_from(milliseconds).unwrap_or_default().div_ceil(1_000)
}
