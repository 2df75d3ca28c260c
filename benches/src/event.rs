//! The event of an HTTP API in payload format 2.0, as API Gateway sends it for a GET by a program.

use serde_json::json;

/// A GET of `path` on the route `pattern`, with a bearer token.
pub(crate) fn get(pattern: &str, path: &str, token: &str) -> String {
    let route = format!("GET {pattern}");
    let tenant = pattern.contains("{tenant_id}").then(|| path.split('/').nth(4)).flatten();
    json!({
        "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": "",
        "headers": {
            "accept": "application/json", "authorization": format!("Bearer {token}"), "content-length": "0",
            "host": "api.example.com", "user-agent": "curl/8.14.1", "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "203.0.113.9", "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "pathParameters": tenant.map(|tenant| json!({ "tenant_id": tenant })),
        "requestContext": {
            "accountId": "123456789012", "apiId": "bench12345", "domainName": "api.example.com", "domainPrefix": "api",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "curl/8.14.1" },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": route, "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_u64,
        },
        "isBase64Encoded": false,
    })
    .to_string()
}
