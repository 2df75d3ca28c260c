//! The README's walkthrough from the sign-up to the sign-in, with its example.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    client::{Api, location, until},
    customer::PASSWORD,
    server::Server,
};

/// As the documents that ask for Innkeeper write it.
const EXAMPLE: &str = r#"{"company_name":"Demo ISP","subdomain":"demo","admin_name":"Demo Admin","admin_email":"admin@demo.com","plan":"starter","region":"us-east-1"}"#;

/// A server of its own, because the example's name can be had once.
#[tokio::test]
async fn r01_r03_r07_r11_the_example_signs_up_and_its_admin_signs_in() {
    let api = Api::of(Arc::new(Server::start(&["--memory", "--no-limits"])));
    let answer =
        api.call(http::Method::POST, "/api/v1/tenants").header("content-type", "application/json").body(EXAMPLE);
    let answer = answer.send().await;
    let accepted = answer.expect(202);
    let id = accepted["tenant_id"].as_str().unwrap();
    let (prefix, hex) = id.rsplit_once('-').unwrap();
    assert!(prefix == "tenant-demo" && hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert_eq!((&accepted["subdomain"], &accepted["status"]), (&json!("demo"), &json!("REQUESTED")));
    assert_eq!(location(&answer), accepted["status_url"].as_str().unwrap());

    let status = follow(&api, &accepted).await;
    assert!(status["events"].as_array().unwrap().iter().all(|e| e["correlation_id"] == answer.header("x-request-id")));

    let token = api.activation_token("admin@demo.com").await.unwrap();
    let activation = json!({"token": token, "password": PASSWORD});
    let activated = api.post("/api/v1/auth/activate", &activation).send().await.expect(200);
    assert_eq!(activated, json!({"email": "admin@demo.com", "tenant_id": id}));
    let login = api.login("Admin@Demo.com", PASSWORD).await.expect(200);
    assert_eq!((&login["token_type"], &login["expires_in"]), (&json!("Bearer"), &json!(900)));
    let who = api.get("/api/v1/auth/whoami").bearer(login["access_token"].as_str().unwrap()).send().await.expect(200);
    assert_eq!((&who["tenant_id"], &who["role"]), (&json!(id), &json!("owner")));
    assert_eq!(who["email"], "admin@demo.com");
}

/// Looks at the status until it is READY; what it tells never goes backwards.
async fn follow(api: &Api, accepted: &Value) -> Value {
    let (url, token) = (accepted["status_url"].as_str().unwrap(), accepted["status_token"].as_str().unwrap());
    let mut furthest = 0;
    let status = until("READY", async || {
        let answer = api.get(url).bearer(token).send().await;
        let status = answer.expect(200);
        let percent = status["progress_percent"].as_u64().unwrap();
        assert!(percent >= furthest, "{percent} after {furthest}: {status:#}");
        furthest = percent;
        let ready = status["status"] == "READY";
        assert_eq!(answer.header("retry-after").is_empty(), ready, "Retry-After while it runs: {status:#}");
        ready.then_some(status)
    });
    let status = status.await;
    assert_eq!((&status["phase"], &status["progress_percent"]), (&json!("ready"), &json!(100)));
    assert_eq!((&status["attempt"], &status["error"]), (&json!(1), &Value::Null));
    status
}
