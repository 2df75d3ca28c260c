//! The function as the stack runs it, called with API Gateway's events.

use std::sync::Arc;

use aws_types::SdkConfig;
use http::{Method, Response, StatusCode};
use lambda::{Env, Running, http::HttpService, http::kinds};
use lambda_http::{Body, request};
use serde_json::{Value, json};
use testkit::{MockClock, SeededEntropy};
use tower::Service;

const APP: &str = "https://app.example.com";

async fn service() -> HttpService {
    let origins = format!("{APP},http://localhost:5173");
    let rates = "on signup=3 status=20 caller=1000 client=100 auth=5 reset=3";
    let vars = [("ALLOWED_ORIGINS", origins.as_str()), ("LIMITS_TABLE", "limits"), ("RATE_LIMITS", rates)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let env = Env {
        vars: Arc::new(vars.into()),
        sdk: SdkConfig::builder().build(),
        http: None,
        clock: Arc::new(MockClock::new()),
        entropy: Arc::new(SeededEntropy::new(1)),
    };
    match super::DOCS.start(env).await.unwrap() {
        Running::Http(service) => service,
        Running::Event(_) => panic!("not an HTTP function"),
    }
}

async fn call(service: &mut HttpService, method: Method, path: &str, mut headers: Value) -> Response<Body> {
    headers["x-forwarded-proto"] = json!("https");
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers, "isBase64Encoded": false,
        "requestContext": {"requestId": "test-request-1", "timeEpoch": 0,
            "http": {"method": method.as_str(), "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
    });
    let request = request::from_str(&event.to_string()).unwrap();
    service.call(request).await.unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn text(response: &Response<Body>) -> &str {
    match response.body() {
        Body::Text(text) => text,
        _ => panic!("not text"),
    }
}

#[tokio::test]
async fn health_says_ok_and_no_more() {
    let answer = call(&mut service().await, Method::GET, "/healthz", json!({})).await;
    assert_eq!((answer.status(), text(&answer)), (StatusCode::OK, r#"{"status":"ok"}"#));
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(header(&answer, "x-request-id"), "test-request-1");
}

#[tokio::test]
async fn the_description_is_openapi() {
    let answer = call(&mut service().await, Method::GET, "/openapi.json", json!({})).await;
    assert_eq!(header(&answer, "content-type"), "application/json");
    let document: Value = serde_json::from_str(text(&answer)).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
}

#[tokio::test]
async fn every_problem_has_its_place_on_the_page() {
    let answer = call(&mut service().await, Method::GET, "/docs", json!({})).await;
    assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
    let page = text(&answer);
    for kind in kinds::ALL {
        assert_eq!(page.matches(&format!("<section id=\"{}\">", kind.code)).count(), 1, "{}", kind.code);
    }
    assert!(!page.contains("<script"));
    assert!(page.contains("Idempotency-Key"), "titles and remedies are there");
}

#[tokio::test]
async fn the_page_allows_only_its_own_style_by_a_nonce_of_its_own() {
    let mut service = service().await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let answer = call(&mut service, Method::GET, "/docs", json!({})).await;
        let policies: Vec<_> = answer.headers().get_all("content-security-policy").iter().collect();
        assert_eq!(policies.len(), 1);
        let policy = policies[0].to_str().unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'nonce-") && !policy.contains("unsafe"), "{policy}");
        // `+` is escaped in the page, and is the same attribute value to a browser.
        assert!(text(&answer).replace("&#43;", "+").contains(&format!("<style nonce=\"{nonce}\">")));
        nonces.push(nonce);
    }
    assert_eq!(nonces[0].len(), 24);
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn a_preflight_from_an_allowed_origin_is_let_through() {
    let mut service = service().await;
    for path in ["/api/v1/auth/login", "/healthz", "/api/v1/tenants/tenant-demo-00000000/status"] {
        let answer =
            call(&mut service, Method::OPTIONS, path, json!({"origin": APP, "access-control-request-method": "POST"}))
                .await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        assert_eq!(header(&answer, "access-control-allow-origin"), APP);
        assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
        assert_eq!(header(&answer, "access-control-max-age"), "7200");
        assert!(header(&answer, "access-control-allow-methods").contains("POST"));
        assert!(header(&answer, "access-control-allow-headers").contains("authorization"));
        assert_eq!(header(&answer, "vary"), "origin");
        assert!(answer.body().is_empty());
    }
}

#[tokio::test]
async fn a_preflight_from_anywhere_else_is_refused() {
    let mut service = service().await;
    let others = [
        json!({"origin": "https://evil.example.com"}),
        json!({"origin": "https://app.example.com.evil.example"}),
        json!({"origin": "http://app.example.com"}),
        json!({"origin": "https://app.example.com:8443"}),
        json!({"origin": "https://APP.example.com"}),
        json!({"origin": "null"}),
        json!({}),
    ];
    for headers in others {
        let answer = call(&mut service, Method::OPTIONS, "/api/v1/tenants", headers.clone()).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{headers}");
        let granted: Vec<_> =
            answer.headers().keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
        assert!(granted.is_empty(), "{headers}: {granted:?}");
        let problem: Value = serde_json::from_str(text(&answer)).unwrap();
        assert_eq!(problem["code"], "origin_refused");
    }
}

#[tokio::test]
async fn what_no_route_takes_is_told_apart_from_a_wrong_method() {
    let mut service = service().await;
    for path in ["/", "/nothing", "/healthz/", "/$default", "/docs/x", "//"] {
        let answer = call(&mut service, Method::GET, path, json!({})).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for method in [Method::POST, Method::DELETE, Method::HEAD] {
        let answer = call(&mut service, method, "/healthz", json!({})).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(header(&answer, "allow"), "GET");
        assert_eq!(header(&answer, "x-frame-options"), "DENY");
    }
}
