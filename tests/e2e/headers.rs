//! What every answer carries, whatever it says.

use http::Method;
use serde_json::Value;

use crate::client::{Answer, Api};

const SECURITY: [(&str, &str); 11] = [
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("x-xss-protection", "1; mode=block"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cache-control", "no-store"),
    ("vary", "origin"),
];

/// What an answer may say instead, and which.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("/docs", "content-security-policy"),
    ("/.well-known/jwks.json", "cache-control"),
    ("/.well-known/openid-configuration", "cache-control"),
];

#[track_caller]
fn assert_headers(path: &str, answer: &Answer) {
    for (name, value) in SECURITY {
        let sent = answer.header(name);
        if answer.status == 200 && EXCEPTIONS.contains(&(path, name)) {
            assert!(!sent.is_empty() && sent != value, "{}: {name} has no value of its own", answer.call);
        } else {
            assert_eq!(sent, value, "{} ({}): {name}", answer.call, answer.status);
        }
    }
    assert!(answer.header("permissions-policy").contains("camera=()"), "{}", answer.call);
    assert_eq!((answer.header("server"), answer.header("x-powered-by")), ("", ""), "{}", answer.call);
    let id = answer.header("x-request-id");
    assert!((8..=64).contains(&id.len()), "{}: x-request-id is {id:?}", answer.call);
    if answer.status >= 400 && answer.body.first() == Some(&b'{') {
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["request_id"], id, "{}", answer.call);
    }
}

/// Every operation of the description, with parameters that fit and a body that does not.
async fn operations(api: &Api) -> Vec<(Method, String)> {
    let document = api.get("/openapi.json").send().await.expect(200);
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| {
        let path = path.replace("{tenant_id}", "tenant-nobody-00000000").replace("{name}", "some-name");
        methods
            .as_object()
            .unwrap()
            .keys()
            .map(move |method| (method.to_uppercase().parse().unwrap(), path.clone()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

#[tokio::test]
async fn r26_every_operation_answers_with_the_security_headers_and_its_request_id() {
    let api = Api::new();
    let operations = operations(&api).await;
    assert!(operations.len() >= 13, "{operations:?}");
    for (method, path) in operations {
        let answer = api.call(method, &path).send().await;
        assert_ne!(answer.status, 500, "{}: {}", answer.call, answer.text());
        assert_headers(&path, &answer);
    }
}

#[tokio::test]
async fn r26_so_does_whatever_goes_wrong() {
    let api = Api::new();
    let nowhere =
        ["/", "/nothing", "/api/v1/tenants/", "/api/v2/tenants", "/API/v1/tenants", "/healthz/", "//", "/..%2f"];
    for path in nowhere.into_iter().skip(1) {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = api.call(method, path).send().await;
            answer.problem(404, "not_found");
            assert_headers(path, &answer);
        }
    }
    let other_method = api.call(Method::DELETE, "/api/v1/tenants").send().await;
    other_method.problem(405, "method_not_allowed");
    assert_headers("/api/v1/tenants", &other_method);
    let preflight = api.call(Method::OPTIONS, "/api/v1/tenants").header("origin", "https://evil.example").send().await;
    preflight.problem(403, "origin_refused");
    assert_headers("/api/v1/tenants", &preflight);
}

#[tokio::test]
async fn request_ids_are_the_servers_and_differ() {
    let api = Api::new();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..5 {
        let answer = api.get("/healthz").header("x-request-id", "chosen-by-the-client").send().await;
        let id = answer.header("x-request-id").to_owned();
        assert_ne!(id, "chosen-by-the-client");
        assert!(seen.insert(id));
    }
}

#[tokio::test]
async fn r26_a_page_has_a_nonce_of_its_own() {
    let api = Api::new();
    let (one, two) = (api.get("/docs").send().await, api.get("/docs").send().await);
    let policy = |answer: &Answer| answer.header("content-security-policy").to_owned();
    assert!(policy(&one).starts_with("default-src 'none'; style-src 'nonce-"), "{}", policy(&one));
    assert!(!policy(&one).contains("unsafe") && policy(&one) != policy(&two));
    assert!(one.header("content-type").starts_with("text/html"));
}
