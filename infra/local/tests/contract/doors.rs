//! What the stage's parameters change at every door: CORS, plain HTTP, HSTS.

use http::{Method, Request};

use crate::api::{Answer, Api};

const APP: &str = "https://app.example.com";
const ORIGINS: [(&str, &str); 1] = [("AllowedOrigins", "https://app.example.com,http://localhost:5173")];

fn granted(answer: &Answer) -> Vec<&str> {
    answer.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn r27_an_allowed_origin_may_read_answers_and_problems() {
    let api = Api::with(&ORIGINS).await;
    for origin in [APP, "http://localhost:5173"] {
        for path in ["/healthz", "/api/v1/subdomains/free-name", "/api/v1/auth/whoami", "/nothing"] {
            let answer = api.send(Request::get(path).header("origin", origin), "").await;
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{path}");
            assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
            assert!(answer.header("access-control-expose-headers").unwrap().contains("x-request-id"));
            assert_eq!(answer.header("vary"), Some("origin"));
        }
    }
}

#[tokio::test]
async fn r27_any_other_origin_and_none_are_granted_nothing() {
    let api = Api::with(&ORIGINS).await;
    let others =
        ["https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null", "*"];
    for origin in others {
        let answer = api.send(Request::get("/healthz").header("origin", origin), "").await;
        answer.expect(200);
        assert_eq!(granted(&answer), Vec::<&str>::new(), "{origin}");
        assert_eq!(answer.header("vary"), Some("origin"), "a cache must keep the answers apart");
    }
    assert_eq!(granted(&api.get("/healthz", "").await), Vec::<&str>::new());
}

#[tokio::test]
async fn r27_preflights_are_answered_for_allowed_origins_only() {
    let api = Api::with(&ORIGINS).await;
    let ask = async |origin: &str, path: &str| {
        let request = Request::options(path).header("origin", origin).header("access-control-request-method", "POST");
        api.send(request, "").await
    };
    for path in ["/api/v1/tenants", "/api/v1/auth/login", "/.well-known/jwks.json"] {
        let answer = ask(APP, path).await;
        answer.expect(204);
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
        assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
        ask("https://evil.example", path).await.problem(403, "origin_refused");
    }
}

#[tokio::test]
async fn r27_without_configured_origins_there_are_none() {
    let api = Api::open().await;
    assert_eq!(granted(&api.send(Request::get("/healthz").header("origin", APP), "").await), Vec::<&str>::new());
}

#[tokio::test]
async fn r28_plain_http_is_refused_on_every_route_and_not_redirected() {
    let api = Api::with(&[("RequireHttps", "true")]).await;
    let routes = [
        (Method::GET, "/healthz"),
        (Method::POST, "/api/v1/tenants"),
        (Method::GET, "/api/v1/tenants/tenant-demo-00000000/status"),
        (Method::GET, "/api/v1/auth/whoami"),
        (Method::OPTIONS, "/api/v1/tenants"),
        (Method::GET, "/nothing"),
    ];
    for (method, path) in routes {
        let request = || Request::builder().method(&method).uri(path);
        let plain = api.send(request().header("x-forwarded-proto", "http"), "").await;
        plain.problem(403, "https_required");
        assert_eq!(plain.header("location"), None);
        assert_eq!(plain.header("x-frame-options"), Some("DENY"));
        assert_ne!(api.send(request(), "").await.status, 500);
    }
    api.get("/healthz", "").await.expect(200);
}

/// `lambda_http` panics while it builds the request's URL, before the door can catch it.
#[tokio::test]
async fn a_host_that_is_none_ends_no_more_than_its_own_request() {
    let api = Api::open().await;
    for host in ["[", "a b", "%00", "a:b:c"] {
        let answer = api.send(Request::get("/healthz").header("host", host), "").await;
        assert!([200, 500].contains(&answer.status), "{host}: {}", answer.status);
    }
    api.get("/healthz", "").await.expect(200);
}

#[tokio::test]
async fn r26_preload_is_said_only_where_the_stage_asks_for_it() {
    for (parameters, expected) in [
        (&[][..], "max-age=31536000; includeSubDomains"),
        (&[("HstsPreload", "true")], "max-age=31536000; includeSubDomains; preload"),
    ] {
        let answer = Api::with(parameters).await.get("/healthz", "").await;
        assert_eq!(answer.header("strict-transport-security"), Some(expected));
    }
}
