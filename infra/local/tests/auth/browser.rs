//! R27: the refresh token in a cookie, and who may use it.

use http::Method;
use local::functions::all;
use serde_json::{Value, json};

use crate::house::{Answer, EMAIL, House, PASSWORD, seconds, text};

const APP: &str = "https://app.example.com";
const BROWSER: &str = "Mozilla/5.0 (tests)";

/// What a browser keeps, and what its page keeps.
struct Page {
    cookie: String,
    csrf: String,
    access: String,
}

fn page(answer: &Answer) -> Page {
    let body = answer.expect(200);
    assert!(body.get("refresh_token").is_none(), "out of reach of the page's scripts");
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let [set] = set[..] else { panic!("one cookie, not {set:?}") };
    let (cookie, attributes) = set.split_once("; ").unwrap();
    let max_age = attributes.strip_prefix("Max-Age=").unwrap().split_once("; ").unwrap();
    assert_eq!(max_age.1, "Path=/; Secure; HttpOnly; SameSite=Lax");
    assert!((1..=604_800).contains(&max_age.0.parse::<i64>().unwrap()));
    assert!(cookie.starts_with("__Host-refresh=ink_rt_"));
    Page { cookie: cookie.to_owned(), csrf: text(&body["csrf_token"]), access: text(&body["access_token"]) }
}

async fn log_in(house: &House) -> Page {
    let body = json!({"email": EMAIL, "password": PASSWORD, "tenant": house.tenant, "client": "browser"});
    page(&house.send(Method::POST, "/api/v1/auth/login", &[("user-agent", BROWSER), ("origin", APP)], Some(body)).await)
}

async fn refresh(house: &House, page: &Page, more: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("user-agent", BROWSER), ("cookie", page.cookie.as_str())];
    headers.extend(more);
    house.send(Method::POST, "/api/v1/auth/refresh", &headers, None).await
}

#[tokio::test]
async fn r27_a_page_refreshes_by_cookie_and_token() {
    let house = House::with(&[("AllowedOrigins", APP)]).await;
    let first = log_in(&house).await;
    let csrf = [("origin", APP), ("sec-fetch-site", "same-site"), ("x-csrf-token", first.csrf.as_str())];
    let second = page(&refresh(&house, &first, &csrf).await);
    assert_ne!(second.cookie, first.cookie);
    // Tabs that woke up together: three generations in a second, in any order.
    let third = page(&refresh(&house, &second, &csrf).await);
    for late in [&first, &second, &first] {
        house.pass(seconds(1));
        assert_eq!(page(&refresh(&house, late, &csrf).await).cookie, third.cookie);
    }
    let bearer = format!("Bearer {}", third.access);
    let headers = [("authorization", bearer.as_str()), ("cookie", third.cookie.as_str())];
    let out = house.send(Method::POST, "/api/v1/auth/logout", &headers, None).await;
    out.expect(204);
    assert_eq!(out.headers["set-cookie"], "__Host-refresh=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
    refresh(&house, &third, &csrf).await.problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn r27_another_page_gets_nothing_for_the_cookie() {
    let house = House::with(&[("AllowedOrigins", APP)]).await;
    let (mine, other) = (log_in(&house).await, log_in(&house).await);
    let (token, foreign) = (("x-csrf-token", mine.csrf.as_str()), ("x-csrf-token", other.csrf.as_str()));
    for headers in [vec![], vec![("origin", APP)], vec![("origin", APP), foreign]] {
        refresh(&house, &mine, &headers).await.problem(403, "csrf_refused");
    }
    for headers in [[("origin", "https://evil.example"), token], [("sec-fetch-site", "cross-site"), token]] {
        refresh(&house, &mine, &headers).await.problem(403, "origin_refused");
    }
    assert_eq!(house.audited("session.refreshed"), 0);
    page(&refresh(&house, &mine, &[token]).await);
}

#[tokio::test]
async fn r27_login_takes_two_kinds_of_client() {
    let house = House::open().await;
    let body = json!({"email": EMAIL, "password": PASSWORD, "client": "fax"});
    let problem = house.post("/api/v1/auth/login", body).await;
    problem.problem(422, "invalid_fields");
    assert_eq!(problem.expect(422)["errors"][0]["pointer"], "/client");
}

/// Which route asks for a CSRF token, and why the others do not. Made from the policies.
#[test]
fn r27_every_exemption_has_its_reason() {
    let mut lines: Vec<String> = all()
        .filter_map(|function| match &function.kind {
            lambda::Kind::Http(served) => Some(served.policies),
            _ => None,
        })
        .flatten()
        .map(|policy| format!("{:<7} {:<48} {:?}", policy.method.as_str(), policy.path, policy.csrf))
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn r11_what_discovery_names_is_there() {
    let house = House::open().await;
    let get = async |path: &str| house.send(Method::GET, path, &[], None).await.expect(200);
    let said: Value = get("/.well-known/openid-configuration").await;
    let issuer = text(&said["issuer"]);
    for name in ["jwks_uri"] {
        get(text(&said[name]).strip_prefix(&issuer).unwrap()).await;
    }
    let docs = text(&said["service_documentation"]);
    let docs = house.send(Method::GET, docs.strip_prefix(&issuer).unwrap(), &[], None).await;
    assert_eq!(docs.status, 200);
}
