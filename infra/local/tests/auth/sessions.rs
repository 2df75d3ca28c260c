//! R11, R37: where one is signed in, how that ends, and another tenant. What ends a session counts from the next request.

use http::Method;
use serde_json::{Value, json};

use crate::house::{Device, House, seconds, text};

const LAPTOP: &str = "Lanterns/1.0 (laptop)";
const PHONE: &str = "Lanterns/1.0 (phone)";
const SESSIONS: &str = "/api/v1/auth/sessions";

async fn id(house: &House, device: &Device) -> String {
    text(&house.whoami(device).await.expect(200)["session_id"])
}

async fn list(house: &House, device: &Device) -> Vec<Value> {
    let answer = house.call(device, Method::GET, SESSIONS, None).await.expect(200);
    answer["items"].as_array().unwrap().clone()
}

async fn is_out(house: &House, device: &Device) {
    house.whoami(device).await.problem(401, "unauthenticated");
    house.present(device.user_agent, &device.refresh).await.problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn r11_logout_ends_the_session_at_once() {
    let house = House::open().await;
    let (laptop, phone) = (house.log_in(LAPTOP).await, house.log_in(PHONE).await);
    let answer = house.call(&laptop, Method::POST, "/api/v1/auth/logout", None).await;
    answer.expect(204);
    assert!(answer.headers.get("set-cookie").is_none());
    is_out(&house, &laptop).await;
    house.call(&laptop, Method::POST, "/api/v1/auth/logout", None).await.problem(401, "unauthenticated");
    house.whoami(&phone).await.expect(200);
    assert_eq!(house.audited("session.ended"), 1);
}

#[tokio::test]
async fn r11_the_list_shows_every_session_and_which_one_asks() {
    let house = House::open().await;
    let laptop = house.log_in(LAPTOP).await;
    house.pass(seconds(60));
    let phone = house.refresh(&house.log_in(PHONE).await).await;
    let sessions = list(&house, &phone).await;
    assert_eq!(sessions.len(), 2);
    for session in sessions {
        let here = session["client"] == PHONE;
        let expected = if here { &phone } else { &laptop };
        assert_eq!(session["session_id"], id(&house, expected).await);
        assert_eq!(session["current"], here);
        assert_eq!((&session["tenant_id"], &session["source_ip"]), (&json!(house.tenant), &json!("192.0.2.7")));
    }
    house.call(&phone, Method::GET, "/api/v1/auth/sessions?limit=1", None).await.expect(200);
    let page = house.call(&phone, Method::GET, "/api/v1/auth/sessions?limit=1", None).await.expect(200);
    let rest = format!("/api/v1/auth/sessions?cursor={}", text(&page["next_cursor"]));
    let rest = house.call(&phone, Method::GET, &rest, None).await.expect(200);
    assert_ne!(page["items"][0]["session_id"], rest["items"][0]["session_id"]);
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    // Idle since yesterday, and not yet taken away.
    house.pass(seconds(86_400 - 61));
    let phone = house.refresh(&phone).await;
    house.pass(seconds(62));
    assert_eq!(list(&house, &phone).await.len(), 1);
}

#[tokio::test]
async fn r37_one_session_is_revoked_from_another() {
    let house = House::open().await;
    let (laptop, phone) = (house.log_in(LAPTOP).await, house.log_in(PHONE).await);
    let stolen = format!("{SESSIONS}/{}", id(&house, &phone).await);
    house.call(&laptop, Method::DELETE, &stolen, None).await.expect(204);
    is_out(&house, &phone).await;
    house.call(&laptop, Method::DELETE, &stolen, None).await.problem(404, "not_found");
    for nobodys in ["ses_00000000000000000000000000000000", "ses_x", "%20"] {
        house.call(&laptop, Method::DELETE, &format!("{SESSIONS}/{nobodys}"), None).await.problem(404, "not_found");
    }
    house.whoami(&laptop).await.expect(200);
    assert_eq!(house.audited("session.revoked"), 1);
}

#[tokio::test]
async fn r37_all_others_are_revoked_and_nobody_elses() {
    let house = House::open().await;
    let here = house.log_in(LAPTOP).await;
    let others = [house.log_in(PHONE).await, house.log_in(PHONE).await];
    let path = format!("{SESSIONS}/revoke-others");
    assert_eq!(house.call(&here, Method::POST, &path, None).await.expect(200), json!({"revoked": 2}));
    for other in &others {
        is_out(&house, other).await;
    }
    house.whoami(&here).await.expect(200);
    assert_eq!(house.call(&here, Method::POST, &path, None).await.expect(200), json!({"revoked": 0}));
}

#[tokio::test]
async fn r10_a_session_moves_to_another_of_ones_tenants_and_the_refresh_follows() {
    let house = House::open().await;
    house.stack.clock.run(1);
    let second = house.sign_up("candles").await;
    house.stack.clock.freeze();
    let device = house.log_in(LAPTOP).await;
    let switch = async |device: &Device, to: &str| {
        house.call(device, Method::POST, "/api/v1/auth/switch-tenant", Some(json!({"tenant": to}))).await
    };
    let answer = switch(&device, "candles").await.expect(200);
    assert_eq!(answer["tenant_id"], json!(second));
    assert!(answer.get("refresh_token").is_none(), "an access token does not buy seven days");
    let moved = Device { access: text(&answer["access_token"]), ..device.clone() };
    assert_eq!(house.whoami(&moved).await.expect(200)["tenant_id"], json!(second));
    assert_eq!(house.whoami(&device).await.expect(200)["tenant_id"], json!(house.tenant), "until it expires");
    let fresh = house.refresh(&device).await;
    assert_eq!(house.whoami(&fresh).await.expect(200)["tenant_id"], json!(second));
    assert_eq!(house.refresh(&device).await.refresh, fresh.refresh, "a repeat, as always");
    let back = switch(&fresh, &house.tenant).await.expect(200);
    assert_eq!(back["tenant_id"], json!(house.tenant));
    let back = Device { access: text(&back["access_token"]), ..fresh };
    assert_eq!(house.audited("session.switched"), 2);

    // What is not there, not the caller's and not ready is all the same.
    let stranger = "tenant-lanterns-00000000";
    house.set_status(&second, "SUSPENDED");
    for tenant in ["nowhere", stranger, "candles", ""] {
        switch(&back, tenant).await.problem(404, "not_found");
    }
    let refused = house.call(&back, Method::POST, "/api/v1/auth/switch-tenant", Some(json!({}))).await;
    refused.problem(422, "invalid_fields");
}
