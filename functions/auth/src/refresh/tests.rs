//! Who gets new tokens, what everybody else hears, and what each costs. Races and time are in `infra/local/tests/auth.rs`.

use domain::{IdentityId, SessionId, Subdomain, TenantId, refresh::Limits};
use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use lambda_http::Body;
use secrets::{KeyRing, Purpose, RefreshKeys, SigningKeys};
use serde_json::{Value, json};
use testkit::SeededEntropy;

use super::*;
use crate::{
    REFRESH,
    stand_in::{MADE_UP, StandIn, call, json_of},
};

const PATH: &str = "/api/v1/auth/refresh";

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn ring<P: Purpose>() -> KeyRing<P> {
    let secret = json!({"initial": format!("V{MADE_UP}")}).to_string();
    KeyRing::parse("ring", &secrecy::SecretString::from(secret)).unwrap()
}

/// The public half of what signs, as it is published.
fn published() -> Value {
    let key = &ring::<SigningKeys>().public_keys()[0];
    let text = |value: &dyn ToString| json!({"S": value.to_string()});
    json!({
        "pk": {"S": "PLATFORM#SIGNING"}, "sk": {"S": format!("KID#{}", key.kid)}, "kid": text(&key.kid), "x": text(&key.x),
        "not_before": text(&now()), "created_at": text(&now()),
    })
}

fn tenant(subdomain: &str) -> TenantId {
    TenantId::new(&Subdomain::parse(subdomain).unwrap(), &SeededEntropy::new(3))
}

fn claim(generation: u32) -> RefreshClaim {
    let entropy = SeededEntropy::new(4);
    let (identity, session) = (IdentityId::new(&entropy), SessionId::new(&entropy));
    RefreshClaim { identity, session, tenant: Some(tenant("demo")), generation }
}

fn token(claim: &RefreshClaim) -> String {
    ring::<RefreshKeys>().refresh_token(claim, now()).unwrap().expose().to_owned()
}

/// What the store holds of the session, its membership and its tenant.
#[derive(Clone)]
struct World {
    generation: u32,
    /// Seconds since the newest generation was made.
    age: i64,
    tenant: TenantId,
    membership: &'static str,
    tenant_status: &'static str,
    session: bool,
}

impl World {
    fn usual() -> Self {
        let (membership, tenant_status) = ("active", "READY");
        Self { generation: 0, age: 900, tenant: tenant("demo"), membership, tenant_status, session: true }
    }

    fn session(&self) -> Value {
        let made = now() - SignedDuration::from_secs(self.age);
        let limits =
            Limits { idle: SignedDuration::from_hours(1), expires_at: now() + SignedDuration::from_hours(100) };
        let family = Family::start(&Client::new(Channel::Body, "curl/8"), made, limits);
        let family = serde_json::to_value(family).unwrap();
        let uses: Vec<Value> = family["uses"].as_array().unwrap().iter().map(made_by).collect();
        json!({
            "sk": {"S": format!("~SESSION#{}", claim(0).session)}, "tenant_id": {"S": self.tenant.to_string()},
            "expires_at": {"N": limits.expires_at.as_second().to_string()}, "created_at": {"S": now().to_string()},
            "family": {"M": {"generation": {"N": self.generation.to_string()}, "uses": {"L": uses},
                "ends_at": {"N": family["ends_at"].to_string()}}},
        })
    }

    fn aws(self) -> StandIn {
        StandIn::new(move |action, request| match action {
            "GetSecretValue" => {
                let ring = json!({"initial": format!("V{MADE_UP}")}).to_string();
                json!({"ARN": "arn:s", "Name": "ring", "VersionId": "v1", "SecretString": ring})
            }
            "BatchGetItem" => {
                let keys = request["RequestItems"]["core"]["Keys"].as_array().unwrap();
                let here = keys.iter().any(|key| key["pk"]["S"] == format!("T#{}", self.tenant));
                let mut items = vec![json!({"sk": {"S": format!("MEMBER#{}", claim(0).identity)},
                    "role": {"S": "agent"}, "status": {"S": self.membership}})];
                items
                    .push(json!({"sk": {"S": "TENANT"}, "plan": {"S": "starter"}, "provisioning": {"M": {"status": {"S": self.tenant_status}}}}));
                items.retain(|_| here);
                if self.session {
                    items.push(self.session());
                }
                json!({"Responses": {"core": items}, "UnprocessedKeys": {}})
            }
            "Query" => json!({"Items": [published()]}),
            _ => json!({}),
        })
    }
}

fn made_by(made: &Value) -> Value {
    json!({"M": {"at": {"S": made["at"]}, "by": {"S": made["by"]}}})
}

async fn refresh(world: World, headers: Value, body: Option<Value>) -> (Response<Body>, Vec<(String, Value)>) {
    let aws = world.aws();
    let mut service = aws.start(&REFRESH).await;
    aws.calls();
    let mut all = json!({"user-agent": "curl/8"});
    all.as_object_mut().unwrap().extend(headers.as_object().cloned().unwrap());
    let answer = call(&mut service, Method::POST, PATH, all, body).await;
    (answer, aws.calls())
}

async fn refresh_with(world: World, token: &str) -> (Response<Body>, Vec<(String, Value)>) {
    refresh(world, json!({}), Some(json!({"refresh_token": token}))).await
}

fn names(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(action, _)| action.as_str()).collect()
}

#[tokio::test]
async fn a_first_use_costs_one_read_and_one_transaction_and_stores_no_token() {
    let (answer, calls) = refresh_with(World::usual(), &token(&claim(0))).await;
    let body = json_of(&answer);
    assert_eq!(answer.status(), StatusCode::OK, "{body}");
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(body["refresh_token"], json!(token(&claim(1))));
    assert!(answer.headers().get("set-cookie").is_none());
    assert_eq!(names(&calls), ["BatchGetItem", "TransactWriteItems"]);
    let writes = calls[1].1["TransactItems"].as_array().unwrap();
    assert_eq!(
        (&writes[0]["Update"]["ConditionExpression"], &writes[0]["Update"]["ExpressionAttributeValues"][":before"]),
        (&json!("#family.#generation = :before"), &json!({"N": "0"}))
    );
    assert_eq!((writes.len(), &writes[1]["Put"]["TableName"]), (2, &json!("audit")));
    assert!(!calls[1].1.to_string().contains("ink_rt_"));
}

#[tokio::test]
async fn a_repeat_costs_one_read_and_gets_the_same_successor() {
    let world = World { generation: 1, age: 0, ..World::usual() };
    let (answer, calls) = refresh_with(world, &token(&claim(0))).await;
    assert_eq!((answer.status(), names(&calls)), (StatusCode::OK, vec!["BatchGetItem"]));
    assert_eq!(json_of(&answer)["refresh_token"], json!(token(&claim(1))));
}

#[tokio::test]
async fn a_session_that_has_moved_costs_one_more_read() {
    let world = World { tenant: tenant("other"), ..World::usual() };
    let (answer, calls) = refresh_with(world, &token(&claim(0))).await;
    assert_eq!(names(&calls), ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]);
    assert_eq!(json_of(&answer)["tenant_id"], json!(tenant("other")));
    let next = RefreshClaim { tenant: Some(tenant("other")), ..claim(1) };
    assert_eq!(json_of(&answer)["refresh_token"], json!(token(&next)));
}

/// (what is wrong, the world, what is sent, the calls that it costs)
fn refused() -> Vec<(&'static str, World, Value, Vec<&'static str>)> {
    let usual = World::usual;
    let good = token(&claim(0));
    let mut forged = good.clone();
    let last = if forged.pop() == Some('A') { 'Q' } else { 'A' };
    forged.push(last);
    let other = format!("{}x", &good[..good.len() - 1]);
    let json = |token: &str| json!({"refresh_token": token});
    // And each is counted.
    let dead = || vec!["BatchGetItem", "UpdateItem"];
    let reused = vec!["BatchGetItem", "TransactWriteItems", "UpdateItem"];
    vec![
        ("nothing sent", usual(), json!({}), vec![]),
        ("no token at all", usual(), json(""), vec![]),
        ("another kind of token", usual(), json("ink_st_q3kZ7tYb2RmX9sLw4HcN8dPfG6jTuKyAeQ1oBrCvDnE"), vec![]),
        ("forged tag", usual(), json(&forged), vec![]),
        ("cut short", usual(), json(&other), vec![]),
        ("another generation under the same tag", usual(), json(&good.replace(".0.", ".1.")), vec![]),
        ("endless", usual(), json(&"x".repeat(100_000)), vec![]),
        ("logged out", World { session: false, ..usual() }, json(&good), dead()),
        ("idle", World { age: 3_600, ..usual() }, json(&good), dead()),
        ("suspended tenant", World { tenant_status: "SUSPENDED", ..usual() }, json(&good), dead()),
        ("disabled membership", World { membership: "disabled", ..usual() }, json(&good), dead()),
        ("used long ago", World { generation: 1, age: 11, ..usual() }, json(&good), reused.clone()),
        ("older than the last use", World { generation: 2, age: 0, ..usual() }, json(&good), reused),
    ]
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same_and_a_forgery_costs_nothing() {
    let mut first: Option<(http::HeaderMap, Value)> = None;
    for (case, world, body, calls) in refused() {
        let (answer, made) = refresh(world, json!({}), Some(body)).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{case}");
        assert_eq!(names(&made), calls, "{case}");
        let heard = (answer.headers().clone(), json_of(&answer));
        assert_eq!(first.get_or_insert_with(|| heard.clone()), &heard, "{case}");
    }
}

#[tokio::test]
async fn a_repeat_by_another_client_ends_the_session() {
    let world = World { generation: 1, age: 3, ..World::usual() };
    let (answer, calls) =
        refresh(world, json!({"user-agent": "Mozilla"}), Some(json!({"refresh_token": token(&claim(0))}))).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(names(&calls), ["BatchGetItem", "TransactWriteItems", "UpdateItem"]);
    let writes = &calls[1].1["TransactItems"];
    assert_eq!(writes[0]["Delete"]["Key"]["sk"]["S"], format!("~SESSION#{}", claim(0).session));
    assert_eq!(writes[1]["Put"]["Item"]["action"]["S"], "refresh_token.reused");
    assert_eq!(writes[1]["Put"]["Item"]["actor"]["S"], "function:auth-refresh");
}

#[tokio::test]
async fn a_body_of_another_shape_is_told_so() {
    for (body, status) in [(json!({"refresh_token": 1}), 422), (json!({"token": "x"}), 422), (json!([]), 422)] {
        let (answer, calls) = refresh(World::usual(), json!({}), Some(body)).await;
        assert_eq!((answer.status().as_u16(), calls.len()), (status, 0));
    }
}

fn from_browser(more: Value) -> Value {
    let csrf = ring::<RefreshKeys>().csrf_token(&claim(0).session, now()).unwrap().expose().to_owned();
    let mut headers = json!({
        "cookie": format!("theme=dark; __Host-refresh={}", token(&claim(0))), "x-csrf-token": csrf,
        "origin": "https://app.example.com", "sec-fetch-site": "same-site",
    });
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => headers.as_object_mut().unwrap().remove(name),
            value => headers.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    headers
}

#[tokio::test]
async fn a_browser_gets_a_cookie_and_a_csrf_token() {
    let (answer, calls) = refresh(World::usual(), from_browser(json!({})), None).await;
    let body = json_of(&answer);
    assert_eq!(answer.status(), StatusCode::OK, "{body}");
    assert_eq!(names(&calls), ["BatchGetItem", "TransactWriteItems"]);
    assert!(body.get("refresh_token").is_none());
    assert!(body["csrf_token"].as_str().unwrap().starts_with("ink_csrf_"));
    let cookie = format!("__Host-refresh={}; Max-Age=360000; Path=/; Secure; HttpOnly; SameSite=Lax", token(&claim(1)));
    assert_eq!(answer.headers()["set-cookie"], cookie);
}

#[tokio::test]
async fn what_another_page_makes_the_browser_send_is_refused_without_a_read() {
    let other = SessionId::new(&SeededEntropy::new(9));
    let foreign = ring::<RefreshKeys>().csrf_token(&other, now()).unwrap().expose().to_owned();
    let cases = [
        (json!({"x-csrf-token": null}), "csrf_refused"),
        (json!({"x-csrf-token": ""}), "csrf_refused"),
        (json!({"x-csrf-token": foreign}), "csrf_refused"),
        (json!({"x-csrf-token": token(&claim(0))}), "csrf_refused"),
        (json!({"origin": "https://evil.example.com"}), "origin_refused"),
        (json!({"origin": "https://app.example.com.evil.com"}), "origin_refused"),
        (json!({"origin": "null"}), "origin_refused"),
        (json!({"sec-fetch-site": "cross-site"}), "origin_refused"),
    ];
    for (more, code) in cases {
        let (answer, calls) = refresh(World::usual(), from_browser(more.clone()), None).await;
        assert_eq!((answer.status(), &json_of(&answer)["code"]), (StatusCode::FORBIDDEN, &json!(code)), "{more}");
        assert!(calls.is_empty(), "{more}");
    }
    for more in [json!({"origin": null}), json!({"sec-fetch-site": null}), json!({"origin": "https://api.example.com"})]
    {
        let (answer, _) = refresh(World::usual(), from_browser(more.clone()), None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{more}");
    }
}

#[tokio::test]
async fn a_cookie_that_is_not_ours_is_refused_as_any_token() {
    let more = json!({"cookie": "__Host-refresh=ink_rt_x", "x-csrf-token": null});
    let (answer, calls) = refresh(World::usual(), from_browser(more), None).await;
    assert_eq!((answer.status(), calls.len()), (StatusCode::UNAUTHORIZED, 0));
}
