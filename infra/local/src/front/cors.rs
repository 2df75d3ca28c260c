//! API Gateway's own CORS, for a template that asks for it: it answers preflights itself and replaces what functions say.

use crate::template::CorsSpec;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    },
};
use http_body_util::Full;

pub(super) fn preflight(cors: &CorsSpec) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    set(headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods.join(","));
    set(headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers.join(","));
    set(headers, ACCESS_CONTROL_MAX_AGE, &cors.max_age.map(|age| age.to_string()).unwrap_or_default());
    response
}

/// An origin that is not allowed gets no header, which is how a browser learns it.
pub(super) fn apply(cors: &CorsSpec, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    let Some(origin) = origin.and_then(|origin| origin.to_str().ok()) else {
        return;
    };
    let any = cors.allow_origins.iter().any(|allowed| allowed == "*");
    if !any && !cors.allow_origins.iter().any(|allowed| allowed == origin) {
        return;
    }
    set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, if any { "*" } else { origin });
    set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers.join(","));
    if cors.allow_credentials {
        set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}
