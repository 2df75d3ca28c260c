//! The headers of every answer: the strictest union of what OWASP's Secure Headers Project and ASVS 5.0 chapter 3 ask for.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::settings::Settings;

const PERMISSIONS: &str =
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()";

/// Beside `Content-Type`; a page sets its own `Content-Security-Policy` first.
const ALWAYS: [(&str, &str); 10] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("x-xss-protection", "1; mode=block"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", PERMISSIONS),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cache-control", "no-store"),
];

/// Adds what an answer does not say itself.
pub(super) fn secure(headers: &mut HeaderMap, settings: &Settings) {
    for (name, value) in ALWAYS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(settings.hsts));
}

/// Adds the CORS headers for an origin that is on the list (Fetch standard, "CORS protocol"). Exact origins only:
/// with credentials, `*` is not an answer.
pub(super) fn cors(headers: &mut HeaderMap, settings: &Settings, origin: Option<&str>) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(allowed) = origin.and_then(|o| settings.allowed_origin(o)) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    let exposed = HeaderValue::from_static("location, retry-after, x-request-id, ratelimit, ratelimit-policy");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    // A page of another origin that may read the answer must not be stopped by CORP from embedding it.
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
}
