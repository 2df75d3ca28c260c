//! The event of an HTTP API in payload format 2.0, as API Gateway sends it for a call by a program.

use serde_json::{Value, json};

/// A POST of JSON by somebody who has no token.
pub(crate) fn post(path: &str, body: &Value) -> String {
    let mut event = event("POST", path, path);
    event["headers"]["content-type"] = json!("application/json");
    event["body"] = json!(body.to_string());
    event.to_string()
}

/// A GET of `path` on the route `pattern`, with a bearer token.
pub(crate) fn get(pattern: &str, path: &str, token: &str) -> String {
    let mut event = event("GET", pattern, path);
    event["headers"]["authorization"] = json!(format!("Bearer {token}"));
    event.to_string()
}

fn event(method: &str, pattern: &str, path: &str) -> Value {
    let route = format!("{method} {pattern}");
    let tenant = pattern.contains("{tenant_id}").then(|| path.split('/').nth(4)).flatten();
    json!({
        "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": "",
        "headers": {
            "accept": "application/json", "content-length": "0", "host": "api.example.com", "user-agent": "curl/8.14.1", "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "203.0.113.9", "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "pathParameters": tenant.map(|tenant| json!({ "tenant_id": tenant })),
        "requestContext": {
            "accountId": "123456789012", "apiId": "bench12345", "domainName": "api.example.com", "domainPrefix": "api",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "curl/8.14.1" },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": route, "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_u64,
        },
        "isBase64Encoded": false,
    })
}
