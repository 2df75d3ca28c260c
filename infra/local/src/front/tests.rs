//! Requests in, events out, and back.

use super::*;
use crate::template::{CorsSpec, FunctionSpec, PolicySpec, RouteSpec};
use http::Request;
use jiff::Timestamp;
use lambda_http::Body;
use serde_json::{Value, json};
use std::sync::Mutex;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        "2026-03-12T19:03:58.390Z".parse().unwrap()
    }
}

impl Entropy for Fixed {
    fn fill(&self, dest: &mut [u8]) {
        dest.fill(7);
    }
}

/// Keeps the events and gives one answer.
struct Recorder {
    events: Mutex<Vec<(String, ApiGatewayV2httpRequest)>>,
    answer: Result<ApiGatewayV2httpResponse, FunctionFault>,
}

impl Target for Recorder {
    fn call(
        &self,
        function: &str,
        event: ApiGatewayV2httpRequest,
    ) -> BoxFuture<'_, Result<ApiGatewayV2httpResponse, FunctionFault>> {
        self.events.lock().unwrap().push((function.to_owned(), event));
        Box::pin(std::future::ready(self.answer.clone()))
    }
}

fn stack(cors: Option<CorsSpec>) -> Stack {
    let routes = ["/api/v1/tenants/{id}", "/big"].map(|path| RouteSpec {
        method: "POST".to_owned(),
        path: path.to_owned(),
        line: 1,
    });
    let function = FunctionSpec {
        logical_id: "Tenant".to_owned(),
        name: "tenant".to_owned(),
        arn: String::new(),
        binary: String::new(),
        env: Default::default(),
        timeout: 3,
        memory: 128,
        concurrency: None,
        routes: routes.into(),
        rules: Vec::new(),
        asynchronous: crate::template::AsyncSpec::default(),
        schedules: Vec::new(),
        policy: PolicySpec { document: Value::Null, lines: Vec::new() },
        shift: None,
        role: String::new(),
        line: 1,
    };
    let api =
        ApiSpec { logical_id: "Api".to_owned(), id: "abcdefghij".to_owned(), endpoint: String::new(), cors, line: 1 };
    Stack { functions: vec![function], api: Some(api), ..Stack::default() }
}

fn front(answer: Result<ApiGatewayV2httpResponse, FunctionFault>, cors: Option<CorsSpec>) -> (Front, Arc<Recorder>) {
    let recorder = Arc::new(Recorder { events: Mutex::default(), answer });
    (Front::new(&stack(cors), recorder.clone(), Arc::new(Fixed), Arc::new(Fixed)), recorder)
}

fn answer(value: Value) -> Result<ApiGatewayV2httpResponse, FunctionFault> {
    Ok(serde_json::from_value(value).unwrap())
}

fn post(path: &str) -> http::request::Builder {
    Request::post(path).header("host", "127.0.0.1:8080").header("content-type", "application/json")
}

async fn send(front: &Front, request: Request<Bytes>) -> (u16, HeaderMap, String) {
    let response = front.handle(request, "127.0.0.1".parse().unwrap()).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_becomes_a_v2_event() {
    let (front, recorder) = front(answer(json!({ "statusCode": 204, "cookies": [] })), None);
    let request = post("/api/v1/tenants/a%20b?x=1&x=2&y=%2F")
        .header("Accept", "a")
        .header("Accept", "b")
        .header("Cookie", "one=1; two=2")
        .header("X-Forwarded-For", "203.0.113.9")
        .header("User-Agent", "test")
        .body(Bytes::from_static(b"{\"a\":1}"))
        .unwrap();
    assert_eq!(send(&front, request).await.0, 204);
    let (function, event) = recorder.events.lock().unwrap().pop().unwrap();
    assert_eq!(function, "Tenant");
    let event = serde_json::to_value(event).unwrap();
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(event, @r#"
    {
      "authorizationToken": null,
      "body": "{\"a\":1}",
      "cookies": [
        "one=1",
        "two=2"
      ],
      "headers": {
        "accept": "a,b",
        "content-type": "application/json",
        "host": "127.0.0.1:8080",
        "user-agent": "test",
        "x-amzn-trace-id": "Root=1-69b30e1e-427763484277634842776348",
        "x-forwarded-for": "203.0.113.9, 127.0.0.1",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https"
      },
      "httpMethod": "GET",
      "identitySource": null,
      "isBase64Encoded": false,
      "methodArn": null,
      "pathParameters": {
        "id": "a b"
      },
      "queryStringParameters": {
        "x": "1,2",
        "y": "/"
      },
      "rawPath": "/api/v1/tenants/a%20b",
      "rawQueryString": "x=1&x=2&y=%2F",
      "requestContext": {
        "accountId": "123456789012",
        "apiId": "abcdefghij",
        "domainName": "127.0.0.1",
        "domainPrefix": "127",
        "http": {
          "method": "POST",
          "path": "/api/v1/tenants/a%20b",
          "protocol": "HTTP/1.1",
          "sourceIp": "127.0.0.1",
          "userAgent": "test"
        },
        "requestId": "BwcHBwcHBwcHBwc=",
        "routeKey": "POST /api/v1/tenants/{id}",
        "stage": "$default",
        "time": "12/Mar/2026:19:03:58 +0000",
        "timeEpoch": 1773342238390
      },
      "resource": null,
      "routeKey": "POST /api/v1/tenants/{id}",
      "stageVariables": {},
      "type": null,
      "version": "2.0"
    }
    "#) });
}

#[tokio::test]
async fn lambda_http_reads_the_request_back() {
    use lambda_http::{RequestExt, RequestPayloadExt, request::LambdaRequest};
    let (front, recorder) = front(answer(json!({ "statusCode": 204, "cookies": [] })), None);
    let request = post("/api/v1/tenants/%C3%A9%20%2F?q=a%20b&q=c")
        .header("cookie", "one=1; two=2")
        .body(Bytes::from_static(b"{\"a\":1}"))
        .unwrap();
    assert_eq!(send(&front, request).await.0, 204);
    let (_, event) = recorder.events.lock().unwrap().pop().unwrap();
    let read = http::Request::<Body>::from(LambdaRequest::ApiGatewayV2(event));
    assert_eq!(read.method(), Method::POST);
    assert_eq!(read.uri().path(), "/api/v1/tenants/%C3%A9%20%2F");
    assert_eq!(read.headers()["cookie"], "one=1; two=2");
    assert_eq!(read.path_parameters().first("id"), Some("\u{e9} /"));
    assert_eq!(read.query_string_parameters().all("q"), Some(vec!["a b", "c"]));
    assert_eq!(read.payload::<Value>().unwrap(), Some(json!({ "a": 1 })));
}

#[tokio::test]
async fn an_answer_becomes_a_response() {
    let value = json!({
        "statusCode": 201, "headers": { "x-one": "1" }, "multiValueHeaders": { "x-two": ["a", "b"] },
        "cookies": ["s=1; Secure", "t=2"], "body": "aGk=", "isBase64Encoded": true
    });
    let (front, _) = front(answer(value), None);
    let (status, headers, body) = send(&front, post("/big").body(Bytes::new()).unwrap()).await;
    assert_eq!((status, body.as_str()), (201, "hi"));
    let all = |name: &str| headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(all("x-one"), ["1"]);
    assert_eq!(all("x-two"), ["a", "b"]);
    assert_eq!(all("set-cookie"), ["s=1; Secure", "t=2"]);
    assert_eq!(all("apigw-requestid"), ["BwcHBwcHBwcHBwc="]);
}

#[tokio::test]
async fn a_repeated_header_is_sent_once_per_value() {
    let mut both = ApiGatewayV2httpResponse::default();
    both.status_code = 200;
    both.headers.append("vary", HeaderValue::from_static("origin"));
    both.headers.append("vary", HeaderValue::from_static("cookie"));
    both.multi_value_headers = both.headers.clone();
    both.body = Some(Body::Binary(vec![0xff]));
    let (front, _) = front(Ok(both), None);
    let response = front.handle(post("/big").body(Bytes::new()).unwrap(), "::1".parse().unwrap()).await;
    assert_eq!(response.headers().get_all("vary").iter().count(), 2);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), &[0xff][..]);
}

#[tokio::test]
async fn bodies_that_are_no_text_are_base64() {
    let (front, recorder) = front(answer(json!({ "statusCode": 204, "cookies": [] })), None);
    let mut zipped = post("/big").body(Bytes::from_static(b"x")).unwrap();
    zipped.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    let binary = Request::post("/big").body(Bytes::from_static(b"x")).unwrap();
    let broken = post("/big").body(Bytes::from_static(&[0xff])).unwrap();
    for request in [zipped, binary, broken] {
        send(&front, request).await;
        let (_, event) = recorder.events.lock().unwrap().pop().unwrap();
        assert!(event.is_base64_encoded);
    }
}

#[tokio::test]
async fn what_api_gateway_answers_itself() {
    let (ok, recorder) = front(answer(json!({ "statusCode": 99, "cookies": [] })), None);
    let (failed, _) = front(Err(FunctionFault::Failed("panic".to_owned())), None);
    let (late, _) = front(Err(FunctionFault::TimedOut), None);
    let big = post("/big").body(Bytes::from(vec![b'a'; PAYLOAD_LIMIT + 1])).unwrap();
    let wordy = post("/big").header("x", "a".repeat(HEADER_LIMIT)).body(Bytes::new()).unwrap();
    let unknown = post("/nowhere").body(Bytes::new()).unwrap();
    assert_eq!(send(&ok, unknown).await.2, r#"{"message":"Not Found"}"#);
    assert_eq!(send(&ok, big).await.0, 413);
    assert_eq!(send(&ok, wordy).await.0, 431);
    assert!(recorder.events.lock().unwrap().is_empty());
    let request = || post("/big").body(Bytes::new()).unwrap();
    assert_eq!(send(&ok, request()).await.0, 500);
    let (status, headers, body) = send(&failed, request()).await;
    assert_eq!((status, body.as_str()), (500, r#"{"message":"Internal Server Error"}"#));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(send(&late, request()).await.0, 503);
}

#[tokio::test]
async fn the_templates_cors_is_answered_here() {
    let cors = CorsSpec {
        allow_origins: vec!["https://a.test".to_owned()],
        allow_methods: vec!["POST".to_owned()],
        max_age: Some(5),
        ..CorsSpec::default()
    };
    let (front, _) = front(
        answer(json!({ "statusCode": 200, "cookies": [], "headers": { "access-control-allow-origin": "*" } })),
        Some(cors),
    );
    let preflight = Request::options("/big").header("origin", "https://a.test").body(Bytes::new()).unwrap();
    let (status, headers, _) = send(&front, preflight).await;
    assert_eq!(
        (status, &headers["access-control-allow-origin"], &headers["access-control-max-age"]),
        (204, &HeaderValue::from_static("https://a.test"), &HeaderValue::from_static("5"))
    );
    let foreign = post("/big").header("origin", "https://evil.test").body(Bytes::new()).unwrap();
    assert!(!send(&front, foreign).await.1.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn local_routes_come_before_the_api() {
    use tower::Service;
    let (front, recorder) = front(answer(json!({ "statusCode": 204, "cookies": [] })), None);
    let extra = Router::new().route("/_local/mail", axum::routing::get(|| async { "mail" }));
    let mut service = front.router(extra).into_service::<axum::body::Body>();
    for (method, path, expected) in
        [("GET", "/_local/mail", 200), ("GET", "/_local/secrets", 404), ("POST", "/big", 204)]
    {
        let mut request = Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 80))));
        let response = service.call(request).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{path}");
    }
    let (_, event) = recorder.events.lock().unwrap().pop().unwrap();
    assert_eq!(event.request_context.http.source_ip.as_deref(), Some("192.0.2.1"));
}
