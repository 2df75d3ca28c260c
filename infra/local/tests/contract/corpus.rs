//! R29: bodies that somebody thought of. Each is a 4xx that names what is wrong, and leaves nothing behind.

use http::Request;
use serde_json::{Value, json};

use crate::api::{Answer, Api, signup};

const TENANTS: &str = "/api/v1/tenants";
const LIMIT: usize = 1024 * 1024;
const FIELDS: [&str; 13] = [
    "company_name",
    "subdomain",
    "admin_name",
    "admin_email",
    "plan",
    "region",
    "accept_terms",
    "source",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
];

/// Sends bytes as JSON and asserts that nothing came of them.
pub(crate) async fn refused(api: &Api, body: impl Into<Vec<u8>>) -> Answer {
    let body = body.into();
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
    let before = api.stack.gateway.counters().snapshot();
    let answer = api.send(Request::post(TENANTS).header("content-type", "application/json"), body).await;
    assert!((400..500).contains(&answer.status), "{} for {shown}", answer.status);
    let calls = api.stack.gateway.counters().snapshot().since(&before).total(Some("signup-create"), None, None).calls;
    assert_eq!(calls, 0, "no call to AWS for {shown}");
    answer
}

/// The fields that a 422 names.
pub(crate) fn pointers(answer: &Answer) -> Vec<String> {
    let problem = answer.problem(422, "invalid_fields");
    let errors = problem["errors"].as_array().unwrap();
    let mut pointers: Vec<String> = errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect();
    assert!(!pointers.is_empty(), "a field is at fault, and is named");
    pointers.sort();
    pointers
}

fn with(field: &str, value: Value) -> Value {
    let mut body = signup("corpus");
    body[field] = value;
    body
}

#[tokio::test]
async fn r29_what_is_not_json_is_a_400() {
    let api = Api::unlimited().await;
    let good = signup("corpus").to_string();
    let deep = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "nul",
        "{}{}",
        "[",
        "'a'",
        "{\"a\":}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":NaN}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\\u00\"}",
        "{\"a\":\"\\ud800\"}",
        "// no\n{}",
    ]
    .map(Into::into)
    .into();
    bodies.push(good.as_bytes()[..good.len() - 1].to_vec());
    bodies.push(format!("{good}x").into());
    bodies.push(format!("x{good}").into());
    bodies.push(format!("{good}{good}").into());
    bodies.push(format!("{good}\0").into());
    bodies.push([b"\xef\xbb\xbf", good.as_bytes()].concat());
    bodies.push(good.encode_utf16().flat_map(u16::to_le_bytes).collect());
    bodies.push(good.replace("Lantern", "\u{1}").into());
    bodies.push([b"{\"company_name\":\"", &[0xff, 0xfe, 0xc0][..], b"\"}"].concat());
    bodies.push(deep("[", "]", 100_000).into());
    bodies.push(deep("{\"a\":", "}", 50_000).into());
    bodies.push(format!("{{\"company_name\":{}}}", deep("[", "]", 40)).into());
    for body in bodies {
        refused(&api, body).await.problem(400, "malformed_json");
    }
}

#[tokio::test]
async fn r29_a_key_that_is_said_twice_is_a_400_that_names_it() {
    let api = Api::unlimited().await;
    let good = signup("corpus").to_string();
    for field in ["subdomain", "plan", "sub\\u0064omain"] {
        let body = good.replacen('{', &format!("{{\"{field}\":\"other\","), 1);
        let problem = refused(&api, body).await.problem(400, "malformed_json");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("twice"), "{field}: {detail}");
    }
    let nested = format!("{{\"x\":{{\"a\":1,\"a\":2}},{}", &good[1..]);
    refused(&api, nested).await.problem(400, "malformed_json");
}

#[tokio::test]
async fn r29_json_that_is_no_object_is_a_422_for_the_whole() {
    let api = Api::unlimited().await;
    for body in ["null", "true", "1", "\"text\"", "[]", "[{}]", "1e999999"] {
        let answer = refused(&api, body).await;
        assert!([400, 422].contains(&answer.status), "{body}: {}", answer.status);
    }
}

#[tokio::test]
async fn r29_every_field_of_every_wrong_type_is_named() {
    let api = Api::unlimited().await;
    let values = [json!(1), json!(-1.5), json!(1e300), json!([]), json!(["a"]), json!({}), json!({"a": 1})];
    for field in FIELDS {
        for value in values.iter().chain([if field == "accept_terms" { &Value::Null } else { &Value::Bool(true) }]) {
            if *value == Value::Null {
                continue;
            }
            let answer = refused(&api, with(field, value.clone()).to_string()).await;
            assert_eq!(pointers(&answer), [format!("/{field}")], "{value}");
        }
    }
    // A number that no double holds is no JSON that we read; one with many digits is still of the wrong type.
    let huge = signup("corpus").to_string().replace("\"Lantern Works\"", &"9".repeat(4_000));
    assert!([400, 422].contains(&refused(&api, huge).await.status));
}

#[tokio::test]
async fn r29_all_broken_fields_are_told_at_once() {
    let api = Api::unlimited().await;
    assert_eq!(
        pointers(&refused(&api, "{}").await),
        ["/admin_email", "/admin_name", "/company_name", "/subdomain"],
        "what is required"
    );
    let mut all = signup("corpus");
    for field in FIELDS {
        all[field] = json!([]);
    }
    all["x"] = json!(1);
    all["a/b~c"] = json!(1);
    let mut expected: Vec<String> = FIELDS.iter().map(|field| format!("/{field}")).collect();
    expected.extend(["/x".to_owned(), "/a~1b~0c".to_owned()]);
    expected.sort();
    assert_eq!(pointers(&refused(&api, all.to_string()).await), expected);
}

#[tokio::test]
async fn r29_names_and_addresses_that_are_none() {
    let api = Api::unlimited().await;
    let long = |n: usize| "a".repeat(n);
    let cases = [
        // Homographs, other scripts, what an eye or a terminal would misread.
        ("subdomain", vec!["dеmo", "ｄemo", "demo\u{200b}", "d\u{301}emo", "démo", "DEMO", "demo.", "de mo", "demo\n"]),
        ("subdomain", vec!["", "ab", "-demo", "demo-", "de--mo", "xn--demo-1", "demo/x", "../demo", "demo\0", "admin"]),
        (
            "company_name",
            vec!["", "x", "a\0b", "a\u{7}b", "a\nb", "\u{202e}gnimoc", "a\u{2066}b", " ", "\u{200b}\u{200b}"],
        ),
        ("admin_name", vec!["", "x", "a\0b", "a\rb", "\u{202e}nimda", "\t\t"]),
        ("admin_email", vec!["", "a", "@", "a@", "@b.example", "a b@c.example", "a@b@c.example", "a@b..example"]),
        ("admin_email", vec!["a\n@b.example", "a@b.example\r\nBcc: c@d.example", "a\0@b.example", "<a@b.example>"]),
        ("plan", vec!["", "gold", "STARTER", "starter ", "free"]),
        ("region", vec!["", "mars-1", "US-EAST-1", "us-east-1,eu-west-1", "*"]),
    ];
    for (field, values) in cases {
        for value in values {
            let answer = refused(&api, with(field, json!(value)).to_string()).await;
            assert_eq!(pointers(&answer), [format!("/{field}")], "{value:?}");
        }
    }
    for (field, most) in
        [("company_name", 100), ("subdomain", 30), ("admin_name", 80), ("source", 64), ("utm_term", 64)]
    {
        let answer = refused(&api, with(field, json!(long(most + 1))).to_string()).await;
        assert_eq!(pointers(&answer), [format!("/{field}")]);
    }
    let address = format!("{}@b.example", long(250));
    assert_eq!(pointers(&refused(&api, with("admin_email", json!(address)).to_string()).await), ["/admin_email"]);
}

#[tokio::test]
async fn r29_a_name_in_any_script_is_a_name() {
    let api = Api::unlimited().await;
    let names = ["Łódź Mosty", "日本電信", "شركة المثال", "Müller & Söhne", "O'Neill", "🏮 Lanterns", "Ünïcödé"];
    for (number, name) in names.into_iter().enumerate() {
        let mut body = signup(&format!("script-{number}"));
        body["company_name"] = json!(name);
        body["admin_name"] = json!(name);
        api.post(TENANTS, &body).await.expect(202);
    }
    let stored = api.items("core");
    for name in names {
        let kept = stored.iter().any(|item| item["company_name"]["S"] == name);
        assert!(kept, "{name} is kept as it was typed");
    }
}

#[tokio::test]
async fn r29_size_and_type_are_checked_before_anything_is_parsed() {
    let api = Api::unlimited().await;
    let padded = |size: usize| {
        let body = signup("corpus").to_string();
        format!("{}{body}", " ".repeat(size - body.len()))
    };
    let send =
        async |kind: &str, body: String| api.send(Request::post(TENANTS).header("content-type", kind), body).await;
    send("application/json", padded(LIMIT + 1)).await.problem(413, "body_too_large");
    send("text/plain", padded(LIMIT + 1)).await.problem(413, "body_too_large");
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/json-patch+json",
        "*/*",
    ] {
        send(kind, padded(1_000)).await.problem(415, "unsupported_media_type");
    }
    api.send(Request::post(TENANTS), padded(1_000)).await.problem(415, "unsupported_media_type");
    let huge = format!("{{\"company_name\":\"{}\"}}", "a".repeat(LIMIT - 20));
    assert!(pointers(&refused(&api, huge).await).contains(&"/company_name".to_owned()));
    assert_eq!(api.items("core").iter().filter(|item| item["sk"]["S"] == "TENANT").count(), 0);
    send("application/json; charset=utf-8", padded(LIMIT)).await.expect(202);
}

#[tokio::test]
async fn nothing_of_a_refused_body_is_stored_or_repeated() {
    let api = Api::unlimited().await;
    let before = (api.items("core"), api.items("audit"));
    let marked = "mark-0123456789abcdef";
    let mut body = signup("corpus");
    body["password"] = json!(marked);
    body["admin_email"] = json!(marked);
    let answer = refused(&api, body.to_string()).await;
    assert!(!String::from_utf8_lossy(&answer.body).contains(marked), "a value is never repeated");
    assert_eq!((api.items("core"), api.items("audit")), before);
}
