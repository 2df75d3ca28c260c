//! R07, `FIRST_LOGIN=temporary_password`: the welcome mail brings a password that is good for choosing another, once.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Answer, OTHER_PASSWORD, PASSWORD, World, owner};

const RESET: &str = "/api/v1/auth/password/reset";

/// A READY tenant whose owner has a mail; the owner's address, and the password in the mail.
async fn house() -> (World, String, String) {
    let world = World::with(&[("FirstLogin", "temporary_password")]).await;
    let password = sign_up(&world, "lantern").await;
    (world, owner("lantern"), password)
}

async fn sign_up(world: &World, name: &str) -> String {
    let signup = json!({
        "company_name": "Lantern Works", "subdomain": name, "admin_name": "Ada Admin",
        "admin_email": owner(name), "plan": "starter", "region": "us-east-1",
    });
    world.post(&world.somebody(), "/api/v1/tenants", &signup).await.expect(202);
    world.until("the welcome mail", async || mailed(world, &owner(name)).first().cloned()).await
}

/// Newest first.
fn mailed(world: &World, email: &str) -> Vec<String> {
    let line =
        |text: &str| text.lines().find(|line| line.len() == 29 && line.matches('-').count() == 4).map(str::to_owned);
    world.mails_to(email).iter().filter_map(|mail| line(&mail.text)).collect()
}

async fn reset(world: &World, token: &str, password: &str) -> Answer {
    world.post(&world.somebody(), RESET, &json!({"token": token, "password": password})).await
}

fn token(answer: &Value) -> String {
    answer["reset_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn r07_the_temporary_password_is_good_for_choosing_another_and_for_nothing_else() {
    let (world, email, temporary) = house().await;
    let everything = format!("{:?}{:?}", world.items("core"), world.items("audit"));
    assert!(!everything.contains(&temporary), "it is in the mail and nowhere else");
    assert!(!world.mails_to(&email)[0].text.contains("token="));

    let answer = world.try_log_in(&world.somebody(), &email, &temporary).await.expect(200);
    let mut fields: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["expires_in", "password_change_required", "reset_token"], "no access token, no refresh token");
    assert_eq!((&answer["password_change_required"], &answer["expires_in"]), (&json!(true), &json!(900)));
    let bearer = world.somebody().with(&token(&answer));
    for route in ["auth/whoami", "auth/sessions", "vault"] {
        world.get(&bearer, &format!("/api/v1/{route}")).await.problem(401, "unauthenticated");
    }
    let refresh = json!({"refresh_token": token(&answer)});
    world.post(&bearer, "/api/v1/auth/refresh", &refresh).await.problem(401, "invalid_refresh_token");
    let activate = json!({"token": token(&answer), "password": OTHER_PASSWORD});
    world.post(&bearer, "/api/v1/auth/activate", &activate).await.problem(422, "invalid_activation");
    assert!(world.items("core").iter().all(|item| !item["sk"]["S"].as_str().unwrap().contains("SESSION#")));

    let same = reset(&world, &token(&answer), &temporary).await.problem(422, "invalid_fields");
    assert_eq!(same["errors"][0]["code"], "unchanged", "another is required");
    reset(&world, &token(&answer), OTHER_PASSWORD).await.expect(200);
    let owner = world.log_in(&email, OTHER_PASSWORD).await;
    assert_eq!(world.get(&owner, "/api/v1/auth/whoami").await.expect(200)["role"], "owner");
    world.try_log_in(&world.somebody(), &email, &temporary).await.problem(401, "invalid_credentials");
    reset(&world, &token(&answer), PASSWORD).await.problem(422, "invalid_reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn r07_the_temporary_password_works_once_even_where_nothing_was_chosen() {
    let (world, email, temporary) = house().await;
    let callers: Vec<_> = (0..4).map(|_| world.somebody()).collect();
    let logins = callers.iter().map(|caller| world.try_log_in(caller, &email, &temporary));
    let answers = futures::future::join_all(logins).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.problem(401, "invalid_credentials");
    }
    let won = answers.iter().find(|answer| answer.status == 200).unwrap().expect(200);
    world.advance(SignedDuration::from_mins(15));
    reset(&world, &token(&won), OTHER_PASSWORD).await.problem(422, "invalid_reset");
    world.try_log_in(&world.somebody(), &email, &temporary).await.problem(401, "invalid_credentials");
    // The way out for whoever was interrupted.
    world.post(&world.somebody(), "/api/v1/auth/password/forgot", &json!({"email": email})).await.expect(202);
    let link = world.mailed_token(&email).await;
    reset(&world, &link, OTHER_PASSWORD).await.expect(200);
    world.log_in(&email, OTHER_PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r07_the_temporary_password_ends_after_72_hours_or_with_the_next_one() {
    let (world, email, first) = house().await;
    let tenant = world.items("core").into_iter().find(|item| item["sk"]["S"] == "TENANT").unwrap();
    let resend = format!("/api/v1/tenants/{}/resend-welcome", tenant["tenant_id"]["S"].as_str().unwrap());
    let admin = world.bootstrap_admin().await;
    world.post(&admin, &resend, &Value::Null).await.expect(204);
    let second = mailed(&world, &email)[0].clone();
    assert_ne!(first, second);
    world.try_log_in(&world.somebody(), &email, &first).await.problem(401, "invalid_credentials");
    world.advance(SignedDuration::from_hours(72) - SignedDuration::from_mins(1));
    let answer = world.try_log_in(&world.somebody(), &email, &second).await.expect(200);
    reset(&world, &token(&answer), OTHER_PASSWORD).await.expect(200);

    let late = sign_up(&world, "candle").await;
    world.advance(SignedDuration::from_hours(72));
    world.try_log_in(&world.somebody(), &owner("candle"), &late).await.problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn r07_who_has_a_password_is_sent_none() {
    let (world, email, temporary) = house().await;
    let answer = world.try_log_in(&world.somebody(), &email, &temporary).await.expect(200);
    reset(&world, &token(&answer), OTHER_PASSWORD).await.expect(200);
    let signup = json!({
        "company_name": "Candle Works", "subdomain": "candle", "admin_name": "Ada Admin", "admin_email": email,
        "plan": "starter", "region": "us-east-1",
    });
    world.post(&world.somebody(), "/api/v1/tenants", &signup).await.expect(202);
    let second = async || world.mails_to(&email).into_iter().find(|mail| mail.subject.contains("Candle Works"));
    world.until("the second welcome mail", second).await;
    assert_eq!(mailed(&world, &email).len(), 1);
}
