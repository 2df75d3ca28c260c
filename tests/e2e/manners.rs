//! How errors are told: RFC 9457, one shape for all of them.

use http::Method;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Api},
    customer::{free_name, signup},
};

const TENANTS: &str = "/api/v1/tenants";

/// One of each that a caller without an account can cause.
async fn problems(api: &Api) -> Vec<(u16, &'static str, Answer)> {
    let typed = |kind: &str, body: Vec<u8>| api.call(Method::POST, TENANTS).header("content-type", kind).body(body);
    let good = signup(&free_name()).to_string().into_bytes();
    let mut invalid = signup(&free_name());
    invalid["plan"] = json!("gold");
    let bad_login = json!({"email": "nobody@nowhere.example", "password": "a password that is long"});
    let no_token = json!({"token": "ink_act_nothing", "password": "a password that is long"});
    let deployment = "/api/v1/tenants/tenant-nobody-00000000/deployment";
    vec![
        (400, "malformed_json", typed("application/json", b"{".to_vec()).send().await),
        (
            400,
            "malformed_json",
            typed("application/json", br#"{"plan":"starter","plan":"enterprise"}"#.to_vec()).send().await,
        ),
        (401, "unauthenticated", api.get("/api/v1/auth/whoami").send().await),
        (401, "invalid_credentials", api.post("/api/v1/auth/login", &bad_login).send().await),
        (
            401,
            "invalid_signature",
            api.post(deployment, &json!({"task_token": "x", "outcome": "succeeded"})).send().await,
        ),
        (403, "origin_refused", api.call(Method::OPTIONS, TENANTS).send().await),
        (404, "not_found", api.get("/nothing").send().await),
        (405, "method_not_allowed", api.call(Method::DELETE, TENANTS).send().await),
        (413, "body_too_large", typed("application/json", vec![b' '; 1024 * 1024 + 1]).send().await),
        (413, "body_too_large", api.post("/api/v1/tenants/tenant-nobody-00000000/retry", &json!({})).send().await),
        (415, "unsupported_media_type", typed("text/plain", good.clone()).send().await),
        (415, "unsupported_media_type", typed("application/x-www-form-urlencoded", good).send().await),
        (422, "invalid_fields", api.post(TENANTS, &invalid).send().await),
        (422, "invalid_activation", api.post("/api/v1/auth/activate", &no_token).send().await),
    ]
}

#[tokio::test]
async fn every_problem_has_the_same_shape_and_its_type_is_documented() {
    let api = Api::new();
    let docs = api.get("/docs").send().await;
    for (status, code, answer) in problems(&api).await {
        let problem = answer.problem(status, code);
        assert_eq!(problem["type"], format!("/docs#{code}"), "{problem:#}");
        assert!(docs.text().contains(&format!("id=\"{code}\"")), "/docs says nothing of {code}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()));
        let known = ["type", "title", "status", "code", "request_id", "detail", "errors"];
        assert!(problem.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{problem:#}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let api = Api::new();
    for (path, allowed) in [(TENANTS, "GET, POST"), ("/healthz", "GET"), ("/api/v1/tenants/x/retry", "POST")] {
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = api.call(method, path).send().await;
            answer.problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), allowed, "{path}");
        }
    }
}

#[tokio::test]
async fn r29_every_broken_field_is_named() {
    let api = Api::new();
    let body = json!({"company_name": "x", "subdomain": "www", "admin_name": 7, "admin_email": "nobody", "plan": "gold",
        "region": "mars-1", "role": "super_admin"});
    let problem = api.post(TENANTS, &body).send().await.problem(422, "invalid_fields");
    let errors = problem["errors"].as_array().unwrap();
    let mut pointers: Vec<_> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
    pointers.sort_unstable();
    let expected = ["/admin_email", "/admin_name", "/company_name", "/plan", "/region", "/role", "/subdomain"];
    assert_eq!(pointers, expected);
    assert!(errors.iter().all(|error| error["code"].is_string() && error["detail"].is_string()), "{problem:#}");
    let reserved = errors.iter().find(|error| error["pointer"] == "/subdomain").map(|error| &error["code"]);
    assert_eq!(reserved, Some(&Value::from("reserved")));
}
