//! From the mail to the membership.

use futures::future::join_all;
use http::Request;
use jiff::SignedDuration;
use local::aws::faults::Rule;
use serde_json::{Value, json};

use super::House;
use crate::world::{Answer, Caller, OTHER_PASSWORD, PASSWORD, World, owner};

const ACCEPT: &str = "/api/v1/auth/accept-invitation";
const GRACE: &str = "grace@people.example";

async fn accept(world: &World, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password, "name": "Grace Hopper"});
    world.post(&world.somebody(), ACCEPT, &body).await
}

fn left(house: &House) -> usize {
    let items = house.world.items("core");
    items.iter().filter(|item| item["sk"]["S"].as_str().unwrap().starts_with("INVITATION")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_somebody_new_chooses_a_password_and_is_a_member() {
    let house = House::open().await;
    let invited = house.invite(&house.ada, GRACE, "manager").await.expect(201);
    assert_eq!((&invited["email"], &invited["role"]), (&json!(GRACE), &json!("manager")));
    assert!(!invited.to_string().contains("ink_inv_"), "nothing for the inviter");
    let token = house.world.mailed_token(GRACE).await;
    assert!(!house.world.items("core").iter().any(|item| item.to_string().contains(&token)), "a digest at rest");

    let send = async |body: Value| house.world.post(&house.world.somebody(), ACCEPT, &body).await;
    let nameless = send(json!({"token": token, "password": PASSWORD})).await.problem(422, "invalid_fields");
    assert_eq!(nameless["errors"][0]["pointer"], "/name");
    for weak in ["too short", "lantern lantern 1", "hopper hopper 123"] {
        accept(&house.world, &token, weak).await.problem(422, "invalid_fields");
    }
    let joined = accept(&house.world, &token, PASSWORD).await.expect(200);
    assert_eq!(joined, json!({"email": GRACE, "tenant_id": house.tenant, "role": "manager"}));
    accept(&house.world, &token, PASSWORD).await.problem(422, "invalid_invitation");
    let grace = house.world.log_in(GRACE, PASSWORD).await;
    let who = house.world.get(&grace, "/api/v1/auth/whoami").await.expect(200);
    assert_eq!((&who["role"], &who["tenant_id"]), (&json!("manager"), &json!(house.tenant)));
    assert_eq!((left(&house), house.counted()), (0, (1, 1)));
    let entries = house.world.items("audit");
    for action in ["invitation.sent", "invitation.accepted"] {
        let one = entries.iter().filter(|entry| entry["action"]["S"] == action).count();
        assert_eq!(one, 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_somebody_known_accepts_with_their_password_and_works_in_both_tenants() {
    let house = House::open().await;
    let other = house.world.tenant("candle").await;
    let email = owner("candle");
    let there = house.world.log_in(&email, PASSWORD).await;
    house.invite(&house.ada, &email.to_uppercase(), "agent").await.expect(201);
    let token = house.world.mailed_token(&email.to_uppercase()).await;
    accept(&house.world, &token, OTHER_PASSWORD).await.problem(401, "invalid_credentials");
    house.world.try_log_in(&house.world.somebody(), &email, OTHER_PASSWORD).await.problem(401, "invalid_credentials");
    accept(&house.world, &token, PASSWORD).await.expect(200);

    house.world.get(&there, "/api/v1/auth/whoami").await.expect(200);
    let switch = async |caller: &Caller, tenant: &str| {
        let body = json!({"tenant": tenant});
        let switched = house.world.post(caller, "/api/v1/auth/switch-tenant", &body).await.expect(200);
        caller.with(switched["access_token"].as_str().unwrap())
    };
    let here = switch(&there, "lantern").await;
    let who = house.world.get(&here, "/api/v1/auth/whoami").await.expect(200);
    assert_eq!((&who["tenant_id"], &who["role"]), (&json!(house.tenant), &json!("agent")));
    house.world.get(&here, &format!("/api/v1/tenants/{other}/members")).await.problem(404, "not_found");
    let back = switch(&here, "candle").await;
    assert_eq!(house.world.get(&back, "/api/v1/auth/whoami").await.expect(200)["role"], "owner");
    house.invite(&house.ada, &email, "admin").await.problem(409, "already_member");
    assert_eq!(house.counted(), (1, 1));
}

/// Somebody who was given a role and never chose a password chooses it here; the earlier link is over then.
#[tokio::test(flavor = "multi_thread")]
async fn r09_somebody_known_without_a_password_chooses_one() {
    let house = House::open().await;
    let operator = house.world.bootstrap_admin().await;
    let role = json!({"email": GRACE, "name": "Grace Hopper", "role": "support_admin"});
    house.world.post(&operator, "/api/v1/admin/platform-users", &role).await.expect(201);
    let activation = house.world.mailed_token(GRACE).await;
    house.invite(&house.ada, GRACE, "agent").await.expect(201);
    house.accept(GRACE, PASSWORD).await.expect(200);
    let body = json!({"token": activation, "password": OTHER_PASSWORD});
    house.world.post(&house.world.somebody(), "/api/v1/auth/activate", &body).await.problem(422, "invalid_activation");
    let body = json!({"email": GRACE, "password": PASSWORD, "tenant": "lantern"});
    house.world.post(&house.world.somebody(), "/api/v1/auth/login", &body).await.expect(200);
    assert_eq!(house.counted(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_an_invitation_does_not_tell_whose_the_address_is() {
    let house = House::open().await;
    house.world.tenant("candle").await;
    let (known, unknown) = (owner("candle"), "ada@nobody.example".to_owned());
    let mut heard = Vec::new();
    // What a function reads when it starts, the first call pays.
    house.invite(&house.ada, GRACE, "agent").await.expect(201);
    for email in [&known, &unknown] {
        let before = house.world.stack.gateway.counters().snapshot();
        let answer = house.invite(&house.ada, email, "agent").await;
        let calls = house.world.stack.gateway.counters().snapshot().since(&before);
        let mut headers = answer.headers.clone();
        ["x-request-id", "apigw-requestid", "date", "ratelimit"].iter().for_each(|name| drop(headers.remove(*name)));
        let mut body = answer.expect(201);
        (body["email"], body["invitation_id"]) = (Value::Null, Value::Null);
        let token = house.world.mailed_token(email).await;
        let mail = house.world.mails_to(email).into_iter().find(|mail| mail.text.contains(&token)).unwrap();
        let (text, html) = (mail.text.replace(&token, ""), mail.html.map(|html| html.replace(&token, "")));
        let calls = calls.lines().filter(|line| line.0 == "members-manage");
        let calls: Vec<_> =
            calls.map(|(_, service, action, count)| format!("{service} {action} {}", count.calls)).collect();
        heard.push((headers, body, mail.subject, text, html, calls));
    }
    assert_eq!(heard[0], heard[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_only_the_newest_link_opens_and_only_for_a_week() {
    let house = House::open().await;
    let invited = house.invite(&house.ada, GRACE, "agent").await.expect(201);
    let first = house.world.mailed_token(GRACE).await;
    house.invite(&house.ada, GRACE, "manager").await.problem(409, "already_invited");
    let invitation = house.path(&format!("invitations/{}", invited["invitation_id"].as_str().unwrap()));
    let resend = format!("{invitation}/resend");
    house.world.post(&house.ada, &resend, &Value::Null).await.expect(200);
    let second = house.world.mailed_token(GRACE).await;
    assert_ne!(first, second);
    accept(&house.world, &first, PASSWORD).await.problem(422, "invalid_invitation");

    house.world.advance(SignedDuration::from_hours(7 * 24));
    accept(&house.world, &second, PASSWORD).await.problem(422, "invalid_invitation");
    let ada = house.world.log_in(&owner("lantern"), PASSWORD).await;
    house.world.post(&ada, &resend, &Value::Null).await.expect(200);
    let third = house.world.mailed_token(GRACE).await;
    house.set_status("SUSPENDED");
    accept(&house.world, &third, PASSWORD).await.problem(422, "invalid_invitation");
    house.set_status("READY");
    house.world.delete(&ada, &invitation).await.expect(204);
    accept(&house.world, &third, PASSWORD).await.problem(422, "invalid_invitation");
    house.world.post(&ada, &resend, &Value::Null).await.problem(404, "not_found");
    for broken in ["", "ink_inv_", &third[..third.len() - 1], &third.replace("ink_inv_", "ink_act_")] {
        accept(&house.world, broken, PASSWORD).await.problem(422, "invalid_invitation");
    }
    assert_eq!((left(&house), house.counted()), (0, (1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn r15_a_tenant_writes_to_a_hundred_strangers_an_hour_at_most() {
    let house = House::open().await;
    for number in 0..100 {
        house.invite(&house.ada, &format!("stranger{number}@people.example"), "agent").await.expect(201);
    }
    house.invite(&house.ada, GRACE, "agent").await.problem(429, "too_many_tries");
    house.world.advance(SignedDuration::from_hours(1));
    let ada = house.world.log_in(&owner("lantern"), PASSWORD).await;
    house.invite(&ada, GRACE, "agent").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn r15_nobodys_mailbox_is_filled_by_pressing_a_button() {
    let house = House::open().await;
    let invited = house.invite(&house.ada, GRACE, "agent").await.expect(201);
    let resend = house.path(&format!("invitations/{}/resend", invited["invitation_id"].as_str().unwrap()));
    for _ in 0..4 {
        house.world.post(&house.ada, &resend, &Value::Null).await.expect(200);
    }
    let refused = house.world.post(&house.ada, &resend, &Value::Null).await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "too_many_tries");
    house.accept(GRACE, PASSWORD).await.expect(200);
    assert_eq!(house.world.mails_to(GRACE).len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_mail_that_was_refused_can_be_sent_again() {
    let house = House::open().await;
    let refused = Rule::error(400, "MessageRejected").on("ses", "SendEmail").from("members-manage");
    house.world.stack.gateway.faults().add(refused);
    house.invite(&house.ada, GRACE, "agent").await.problem(503, "unavailable");
    house.world.stack.gateway.faults().clear();
    let listed = house.world.get(&house.ada, &house.path("invitations")).await.expect(200);
    let id = listed["items"][0]["invitation_id"].as_str().unwrap();
    house.world.post(&house.ada, &house.path(&format!("invitations/{id}/resend")), &Value::Null).await.expect(200);
    house.accept(GRACE, PASSWORD).await.expect(200);
}

/// One mail and one answer for an `Idempotency-Key`, however often it is sent, and also after the invitation is accepted.
#[tokio::test(flavor = "multi_thread")]
async fn r09_an_invitation_is_sent_once_for_an_idempotency_key() {
    let house = House::open().await;
    let invite = async |email: &str, key: &str| {
        let request = Request::post(house.path("invitations")).header("content-type", "application/json");
        let body = json!({"email": email, "role": "agent"});
        house.world.send(&house.ada, request.header("idempotency-key", key), body.to_string().into()).await
    };
    let answers = join_all((0..4).map(|_| invite(GRACE, "one-invitation-sent-often"))).await;
    let first = answers[0].expect(201);
    assert!(answers.iter().all(|answer| answer.expect(201) == first));
    house.accept(GRACE, PASSWORD).await.expect(200);
    assert_eq!(invite(GRACE, "one-invitation-sent-often").await.expect(201), first);
    assert_eq!(house.world.mails_to(GRACE).len(), 1);
    invite("mary@people.example", "one-invitation-sent-often").await.problem(422, "idempotency_mismatch");
    invite(GRACE, "another-invitation").await.problem(409, "already_member");

    // An answer that promises a mail which did not go is not kept.
    let refused = Rule::error(400, "MessageRejected").on("ses", "SendEmail").from("members-manage");
    house.world.stack.gateway.faults().add(refused);
    invite("mary@people.example", "an-invitation-that-failed").await.problem(503, "unavailable");
    invite("mary@people.example", "an-invitation-that-failed").await.problem(409, "already_invited");
}

/// R14: a password is guessed here no faster than at the sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn r14_wrong_passwords_of_an_invited_person_are_counted() {
    let house = House::open().await;
    house.world.tenant("candle").await;
    let email = owner("candle");
    house.invite(&house.ada, &email, "agent").await.expect(201);
    let (token, attacker) = (house.world.mailed_token(&email).await, house.world.somebody());
    let body = json!({"token": token, "password": OTHER_PASSWORD});
    for _ in 0..5 {
        house.world.post(&attacker, ACCEPT, &body).await.problem(401, "invalid_credentials");
    }
    house.world.post(&attacker, ACCEPT, &body).await.problem(429, "too_many_tries");
    accept(&house.world, &token, PASSWORD).await.expect(200);
}
