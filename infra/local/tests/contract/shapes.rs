//! The public JSON, as snapshots: what a client relies on does not change by accident.

use http::Request;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::api::{Answer, Api, PASSWORD, authorized, signup};

/// With what differs from run to run replaced by what it is.
fn redacted(mut value: Value) -> Value {
    redact(&mut value, "");
    value
}

fn redact(value: &mut Value, key: &str) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| redact(value, key)),
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, key)),
        Value::String(text) => {
            if let Some(replaced) = replacement(text, key) {
                *text = replaced;
            }
        }
        _ => {}
    }
}

fn replacement(text: &str, key: &str) -> Option<String> {
    if text.parse::<jiff::Timestamp>().is_ok() {
        return Some("[time]".to_owned());
    }
    match key {
        "request_id" | "correlation_id" => Some("[request id]".to_owned()),
        "status_token" | "access_token" | "refresh_token" | "kid" | "x" => Some(format!("[{key}]")),
        "user_id" | "session_id" => Some(format!("[{}…]", &text[..4])),
        // `tenant-{subdomain}-{8 hex}`, alone or in a path.
        "tenant_id" => Some(format!("{}-[8 hex]", text.rsplit_once('-')?.0)),
        "status_url" => Some(format!("{}-[8 hex]/status", text.rsplit_once('-')?.0)),
        _ => None,
    }
}

fn headers(answer: &Answer) -> Value {
    let kept = |name: &str| ["x-request-id", "apigw-requestid", "content-length"].iter().all(|other| *other != name);
    let all = answer.headers.iter().filter(|(name, _)| kept(name.as_str()));
    let mut pairs: Vec<_> = all.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    pairs.sort();
    json!(pairs.into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>())
}

macro_rules! snapshot {
    ($value:expr) => {
        let value = $value;
        insta::with_settings!({ sort_maps => true }, { assert_json_snapshot!(value) })
    };
}

#[tokio::test]
async fn signup_and_status() {
    let api = Api::open().await;
    let answer = api.post("/api/v1/tenants", &signup("shapes")).await;
    let accepted = answer.expect(202);
    snapshot!(redacted(accepted));
    let tenant = api.sign_up("shapes-2").await;
    let status = api.until("the last step", async || {
        let status = api.get(&format!("/api/v1/tenants/{}/status", tenant.id), &tenant.status_token).await.expect(200);
        (status["steps"][9]["status"] == "SUCCEEDED").then_some(status)
    });
    snapshot!(redacted(status.await));
}

#[tokio::test]
async fn signing_in() {
    let api = Api::open().await;
    let tenant = api.sign_up("shapes").await;
    api.activate(&tenant).await;
    let login = api.post("/api/v1/auth/login", &json!({"email": tenant.email, "password": PASSWORD})).await.expect(200);
    snapshot!(redacted(login.clone()));
    let who = api.get("/api/v1/auth/whoami", login["access_token"].as_str().unwrap()).await;
    snapshot!(redacted(who.expect(200)));
    snapshot!(redacted(api.get("/.well-known/jwks.json", "").await.expect(200)));
}

#[tokio::test]
async fn subdomains_and_health() {
    let api = Api::open().await;
    let mut answers = Vec::new();
    for name in ["free-name", "www", "x--y", "X"] {
        answers.push(api.get(&format!("/api/v1/subdomains/{name}"), "").await.expect(200));
    }
    answers.push(api.get("/healthz", "").await.expect(200));
    snapshot!(json!(answers));
}

#[tokio::test]
async fn problems() {
    let api = Api::open().await;
    let wrong = json!({"subdomain": "www", "company_name": 1, "admin_email": "nobody", "plan": "gold", "x": null});
    let post = |body: &'static str| {
        api.send(Request::post("/api/v1/tenants").header("content-type", "application/json"), body)
    };
    let answers = [
        api.post("/api/v1/tenants", &wrong).await,
        post("{\"a\":1,\"a\":2}").await,
        api.get("/api/v1/auth/whoami", "").await,
        api.get("/nothing", "").await,
        api.send(authorized(Request::delete("/api/v1/tenants"), ""), "").await,
        api.post("/healthz", &json!({})).await,
        api.post("/api/v1/auth/whoami", &json!({})).await,
    ];
    let told: Vec<_> = answers.iter().map(|answer| redacted(answer.expect(answer.status))).collect();
    snapshot!(json!(told));
}

#[tokio::test]
async fn headers_of_a_success_and_of_a_problem() {
    let api = Api::open().await;
    snapshot!(headers(&api.get("/healthz", "").await));
    snapshot!(headers(&api.get("/api/v1/auth/whoami", "").await));
}
