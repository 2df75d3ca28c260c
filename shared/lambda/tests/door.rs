//! The door around handlers that misbehave: whatever they do is one request's failure.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test both are an answer")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_types::SdkConfig;
use http::{Method, Response};
use lambda::{
    Env, FromEnv, Function, Running, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, HttpService, Idempotency, Json, Policy, Problem, Rate, Reply,
        Route, Unknown, kinds,
    },
};
use lambda_http::{Body, request};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::{MockClock, SeededEntropy};
use tower::Service;
use utoipa::ToSchema;

/// Counts calls; nothing of AWS is near.
struct Deps {
    calls: AtomicUsize,
}

impl FromEnv for Deps {
    async fn from_env(_: &Env) -> Result<Self, StartError> {
        Ok(Self { calls: AtomicUsize::new(0) })
    }
}

#[derive(Deserialize, ToSchema)]
struct Request {
    #[serde(default)]
    #[schema(value_type = String)]
    do_this: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

#[derive(Serialize, ToSchema)]
struct Answer {
    calls: usize,
}

struct Misbehaves;

impl Route for Misbehaves {
    const POLICY: Policy = Policy {
        operation: "test-misbehaves",
        summary: "Does as it is told",
        method: Method::POST,
        path: "/do/{what}",
        access: Access::Anonymous,
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("is a test"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, _: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Problem> {
        let mut errors = Errors::of(&request.unknown);
        let what = errors.require("do_this", request.do_this).unwrap_or_default();
        errors.finish(Ok(()))?;
        let calls = deps.calls.fetch_add(1, Ordering::Relaxed) + 1;
        match what.as_str() {
            "panic" => panic!("told to"),
            "panic later" => {
                tokio::task::yield_now().await;
                panic!("told to")
            }
            "fail" => {
                let source = std::io::Error::other("the password is hunter2");
                Err(Problem::new(&kinds::INTERNAL).source(source))
            }
            _ => Ok(Reply::json(Answer { calls })),
        }
    }
}

const RATES: &str = "on signup=3 status=20 caller=1000 client=100 auth=5 reset=3";
const FUNCTION: Function = Function::http::<(Misbehaves,)>("test-misbehaves");

async fn service() -> HttpService {
    let env = Env {
        vars: Arc::new(
            [("LIMITS_TABLE", "limits"), ("RATE_LIMITS", RATES)].map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        ),
        sdk: SdkConfig::builder().build(),
        http: None,
        clock: Arc::new(MockClock::new()),
        entropy: Arc::new(SeededEntropy::new(1)),
    };
    match FUNCTION.start(env).await.unwrap() {
        Running::Http(service) => service,
        Running::Event(_) => panic!("not an HTTP function"),
    }
}

async fn call(service: &mut HttpService, what: &str) -> Response<Body> {
    let event = json!({
        "version": "2.0", "rawPath": "/do/it", "rawQueryString": "",
        "headers": {"content-type": "application/json", "x-forwarded-proto": "https"},
        "requestContext": {"requestId": "request-of-the-test", "timeEpoch": 0,
            "http": {"method": "POST", "path": "/do/it", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
        "body": json!({"do_this": what}).to_string(), "isBase64Encoded": false,
    });
    service.call(request::from_str(&event.to_string()).unwrap()).await.unwrap()
}

fn body(response: &Response<Body>) -> Value {
    match response.body() {
        Body::Text(text) => serde_json::from_str(text).unwrap(),
        _ => panic!("not text"),
    }
}

#[tokio::test]
async fn a_panic_is_a_500_with_its_request_id_and_the_function_serves_on() {
    let mut service = service().await;
    for (what, calls) in [("panic", 2), ("panic later", 4)] {
        let failed = call(&mut service, what).await;
        assert_eq!(failed.status(), 500, "{what}");
        let problem = body(&failed);
        assert_eq!((&problem["code"], &problem["request_id"]), (&json!("internal"), &json!("request-of-the-test")));
        assert_eq!(failed.headers()["x-request-id"], "request-of-the-test");
        assert_eq!(failed.headers()["content-type"], "application/problem+json");
        assert_eq!(failed.headers()["x-frame-options"], "DENY");
        assert!(!problem.to_string().contains("told to"), "{problem}");
        assert_eq!(body(&call(&mut service, "go on").await), json!({"calls": calls}));
    }
}

#[tokio::test]
async fn what_the_log_keeps_is_not_told() {
    let mut service = service().await;
    let failed = call(&mut service, "fail").await;
    assert_eq!(failed.status(), 500);
    assert!(!body(&failed).to_string().contains("hunter2"));
}
