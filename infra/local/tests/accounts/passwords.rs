//! R17: a password is changed, forgotten, replaced; what that ends, who hears of it, and what happens at the same moment.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Answer, Caller, OTHER_PASSWORD, PASSWORD, World, owner};

const CHANGE: &str = "/api/v1/auth/password/change";
const FORGOT: &str = "/api/v1/auth/password/forgot";
const RESET: &str = "/api/v1/auth/password/reset";
const WHOAMI: &str = "/api/v1/auth/whoami";
pub(crate) const THIRD_PASSWORD: &str = "nine copper kettles on the roof";

pub(crate) async fn house() -> (World, String) {
    let world = World::open().await;
    world.tenant("lantern").await;
    (world, owner("lantern"))
}

pub(crate) async fn change(world: &World, caller: &Caller, current: &str, new: &str) -> Answer {
    world.post(caller, CHANGE, &json!({"current_password": current, "new_password": new})).await
}

async fn forgot(world: &World, caller: &Caller, email: &str) -> Answer {
    world.post(caller, FORGOT, &json!({"email": email})).await
}

pub(crate) async fn reset(world: &World, token: &str, password: &str) -> Answer {
    world.post(&world.somebody(), RESET, &json!({"token": token, "password": password})).await
}

/// The token of a mail that comes for this call.
pub(crate) async fn mailed(world: &World, email: &str) -> String {
    let before = links(world, email);
    forgot(world, &world.somebody(), email).await.expect(202);
    world.until("the mail", async || (links(world, email) > before).then_some(())).await;
    world.mailed_token(email).await
}

fn links(world: &World, email: &str) -> usize {
    world.mails_to(email).iter().filter(|mail| mail.text.contains("/reset-password?token=")).count()
}

fn audited(world: &World, action: &str) -> Vec<Value> {
    world.items("audit").into_iter().filter(|entry| entry["action"]["S"] == action).collect()
}

#[track_caller]
fn refused(answer: &Answer, pointer: &str, code: &str) {
    let error = &answer.problem(422, "invalid_fields")["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)));
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_change_ends_every_other_session_at_once_and_is_told() {
    let (world, email) = house().await;
    let (here, there) = (world.log_in(&email, PASSWORD).await, world.somebody());
    let elsewhere = world.try_log_in(&there, &email, PASSWORD).await.expect(200);
    let there = there.with(elsewhere["access_token"].as_str().unwrap());
    change(&world, &here, PASSWORD, OTHER_PASSWORD).await.expect(204);

    world.get(&here, WHOAMI).await.expect(200);
    world.get(&there, WHOAMI).await.problem(401, "unauthenticated");
    let stale = json!({"refresh_token": elsewhere["refresh_token"]});
    world.post(&there, "/api/v1/auth/refresh", &stale).await.problem(401, "invalid_refresh_token");
    world.try_log_in(&world.somebody(), &email, PASSWORD).await.problem(401, "invalid_credentials");
    world.log_in(&email, OTHER_PASSWORD).await;

    assert!(world.mails_to(&email)[0].subject.contains("password was changed"));
    let [entry] = &audited(&world, "password.changed")[..] else { panic!("one entry") };
    assert_eq!(entry["after"]["M"]["sessions_ended"]["S"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn r16_r17_a_change_takes_the_present_password_and_another_good_one() {
    let (world, email) = house().await;
    let here = world.log_in(&email, PASSWORD).await;
    refused(&change(&world, &here, OTHER_PASSWORD, THIRD_PASSWORD).await, "/current_password", "wrong");
    for (new, code) in [
        ("too short", "too_short"),
        (PASSWORD, "unchanged"),
        ("Lantern Works 1234", "guessable"),
        ("lantern lantern 77", "guessable"),
        ("Ada Admin Ada Admin", "guessable"),
        ("passwordpassword", "common"),
    ] {
        refused(&change(&world, &here, PASSWORD, new).await, "/new_password", code);
    }
    let missing = world.post(&here, CHANGE, &json!({"current_password": PASSWORD, "user_id": "x"})).await;
    assert_eq!(missing.problem(422, "invalid_fields")["errors"].as_array().unwrap().len(), 2);
    world.post(&world.somebody(), CHANGE, &json!({})).await.problem(401, "unauthenticated");
    let left = change(&world, &here, OTHER_PASSWORD, THIRD_PASSWORD).await;
    assert_eq!(left.header("ratelimit"), Some(r#""auth";r=3;t=900"#), "only wrong passwords count");
    world.log_in(&email, PASSWORD).await;
    assert!(audited(&world, "password.changed").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_forgotten_password_is_replaced_and_every_session_ends() {
    let (world, email) = house().await;
    let here = world.log_in(&email, PASSWORD).await;
    let token = mailed(&world, &email).await;
    let stored = format!("{:?}{:?}", world.items("core"), world.items("audit"));
    assert!(!stored.contains(&token), "only its digest is at rest");
    refused(&reset(&world, &token, "Lantern Works 1234").await, "/password", "guessable");
    world.get(&here, WHOAMI).await.expect(200);

    assert_eq!(reset(&world, &token, OTHER_PASSWORD).await.expect(200), json!({"email": email}));
    world.get(&here, WHOAMI).await.problem(401, "unauthenticated");
    world.try_log_in(&world.somebody(), &email, PASSWORD).await.problem(401, "invalid_credentials");
    world.log_in(&email, OTHER_PASSWORD).await;
    reset(&world, &token, THIRD_PASSWORD).await.problem(422, "invalid_reset");

    assert!(world.mails_to(&email)[0].subject.contains("password was changed"));
    assert_eq!(audited(&world, "password.reset_requested").len(), 1);
    let [entry] = &audited(&world, "password.reset")[..] else { panic!("one entry") };
    assert_eq!(entry["after"]["M"]["sessions_ended"]["S"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_link_is_dead_when_it_is_old_or_a_newer_one_or_a_change_came() {
    let (world, email) = house().await;
    let old = mailed(&world, &email).await;
    let new = mailed(&world, &email).await;
    reset(&world, &old, OTHER_PASSWORD).await.problem(422, "invalid_reset");
    world.advance(SignedDuration::from_mins(60));
    reset(&world, &new, OTHER_PASSWORD).await.problem(422, "invalid_reset");
    let third = mailed(&world, &email).await;
    let here = world.log_in(&email, PASSWORD).await;
    change(&world, &here, PASSWORD, OTHER_PASSWORD).await.expect(204);
    reset(&world, &third, THIRD_PASSWORD).await.problem(422, "invalid_reset");
    world.log_in(&email, OTHER_PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_link_works_to_the_last_second_of_its_hour() {
    let (world, email) = house().await;
    let token = mailed(&world, &email).await;
    world.advance(SignedDuration::from_secs(60 * 60 - 1));
    reset(&world, &token, OTHER_PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_who_never_activated_may_choose_the_first_password_by_reset() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    let grace = "grace@platform.example";
    let invited = json!({"email": grace, "name": "Grace Hopper", "role": "support_admin"});
    world.post(&admin, "/api/v1/admin/platform-users", &invited).await.expect(201);
    let activation = world.mailed_token(grace).await;
    let token = mailed(&world, grace).await;
    reset(&world, &token, OTHER_PASSWORD).await.expect(200);
    let late = json!({"token": activation, "password": PASSWORD});
    world.post(&world.somebody(), "/api/v1/auth/activate", &late).await.problem(422, "invalid_activation");
    world.log_in(grace, OTHER_PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r15_r17_three_mails_an_hour_for_an_address_and_three_calls_for_a_client() {
    let (world, email) = house().await;
    let caller = world.somebody();
    for left in (0..3).rev() {
        let answer = forgot(&world, &caller, &format!("nobody-{left}@nowhere.example")).await;
        assert_eq!(answer.header("ratelimit"), Some(format!(r#""reset";r={left};t=3600"#).as_str()));
        answer.expect(202);
    }
    let fourth = forgot(&world, &caller, &email).await;
    assert_eq!(fourth.header("retry-after"), Some("3600"));
    fourth.problem(429, "too_many_tries");

    for _ in 0..3 {
        mailed(&world, &email).await;
    }
    for spelling in [email.clone(), email.to_uppercase()] {
        let silent = forgot(&world, &world.somebody(), &spelling).await;
        assert_eq!(silent.header("ratelimit"), Some(r#""reset";r=2;t=3600"#), "nobody learns of the others' calls");
        silent.expect(202);
    }
    world.advance(SignedDuration::from_mins(60));
    mailed(&world, &email).await;
    assert_eq!(links(&world, &email), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_of_many_resets_with_one_link_one_succeeds() {
    let (world, email) = house().await;
    let token = mailed(&world, &email).await;
    let passwords: Vec<String> = (0..6).map(|number| format!("a password, and number {number}")).collect();
    let calls = passwords.iter().map(|password| reset(&world, &token, password));
    let answers = futures::future::join_all(calls).await;
    let won: Vec<usize> = (0..6).filter(|number| answers[*number].status == 200).collect();
    let [won] = won[..] else { panic!("{won:?}") };
    for (number, answer) in answers.iter().enumerate().filter(|(number, _)| *number != won) {
        answer.problem(422, "invalid_reset");
        world.try_log_in(&world.somebody(), &email, &passwords[number]).await.problem(401, "invalid_credentials");
    }
    world.log_in(&email, &passwords[won]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_forgot_says_and_costs_the_same_for_every_address() {
    let (world, email) = house().await;
    world.stack.functions.start().await.unwrap();
    let mut seen = Vec::new();
    for address in [email.as_str(), "nobody@nowhere.example", "root@innkeeper.test"] {
        let before = world.stack.gateway.counters().snapshot();
        let mut answer = forgot(&world, &world.somebody(), address).await;
        let spent = world.stack.gateway.counters().snapshot().since(&before);
        let own = spent.lines().filter(|(function, ..)| *function == "auth-password-forgot");
        let own: Vec<String> =
            own.map(|(_, service, action, count)| format!("{service}:{action} x{}", count.calls)).collect();
        for varies in ["x-request-id", "apigw-requestid", "date"] {
            answer.headers.remove(varies);
        }
        seen.push((answer.status, answer.headers.clone(), answer.expect(202), own));
    }
    assert_eq!(seen[0].3, ["dynamodb:UpdateItem x2", "states:StartExecution x1"]);
    assert!(seen.iter().all(|each| *each == seen[0]), "{seen:#?}");
    let rights = world.stack.template.functions.iter().find(|f| f.binary == "auth-password-forgot").unwrap();
    assert!(!format!("{:?}", rights.policy).contains("-core"), "it cannot look");
}

/// The reference implementation's hash of "password" (`test.c`), with other parameters than ours.
const OLDER: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

#[tokio::test(flavor = "multi_thread")]
async fn r16_a_hash_with_older_parameters_is_renewed_by_the_sign_in_that_matches_it() {
    let (world, email) = house().await;
    let person =
        || world.items("core").into_iter().find(|item| item["email"]["S"] == email && item["sk"]["S"] == "IDENTITY");
    let set = json!({
        "TableName": "innkeeper-local-core", "Key": {"pk": person().unwrap()["pk"], "sk": {"S": "IDENTITY"}},
        "UpdateExpression": "SET password_phc = :older", "ExpressionAttributeValues": {":older": {"S": OLDER}},
    });
    world.stack.dynamodb.run("UpdateItem", set).unwrap();
    world.try_log_in(&world.somebody(), &email, PASSWORD).await.problem(401, "invalid_credentials");
    assert_eq!(person().unwrap()["password_phc"]["S"], OLDER);
    world.log_in(&email, "password").await;
    let renewed = person().unwrap()["password_phc"]["S"].as_str().unwrap().to_owned();
    assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{renewed}");
    world.log_in(&email, "password").await;
    assert_eq!(person().unwrap()["password_phc"]["S"], renewed, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn r16_a_password_is_its_code_points_in_nfkc_all_of_them_and_no_more_than_128() {
    let (world, email) = house().await;
    let here = world.log_in(&email, PASSWORD).await;
    // Of four bytes each, so that a limit in bytes would show.
    let longest: String = (0..128).map(|n| char::from_u32(0x1F700 + n % 100).unwrap()).collect();
    assert_eq!((longest.chars().count(), longest.len()), (128, 512));
    change(&world, &here, PASSWORD, &longest).await.expect(204);
    world.log_in(&email, &longest).await;
    let cut: String = longest.chars().take(127).collect();
    world.try_log_in(&world.somebody(), &email, &cut).await.problem(401, "invalid_credentials");
    let longer = format!("{longest}x");
    world.try_log_in(&world.somebody(), &email, &longer).await.problem(422, "invalid_fields");
    refused(&change(&world, &here, &longest, &longer).await, "/new_password", "too_long");

    let (composed, decomposed) = ("caf\u{e9} au lait \u{e0} minuit", "cafe\u{301} au lait a\u{300} minuit");
    change(&world, &here, &longest, decomposed).await.expect(204);
    world.log_in(&email, composed).await;
    world.log_in(&email, "ｃａｆé au lait à minuit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r12_what_has_ended_is_cleaned_up_and_nothing_else() {
    let world = World::with(&[("IdleTimeoutMinutes", "30")]).await;
    world.tenant("lantern").await;
    let email = owner("lantern");
    mailed(&world, &email).await;
    world.log_in(&email, PASSWORD).await;
    let kept = |sort: &str| {
        let items = world.items("core");
        items.iter().filter(|item| item["sk"]["S"].as_str().unwrap().contains(sort)).count()
    };
    assert_eq!((kept("SESSION#"), kept("RESET")), (1, 1));
    world.advance(SignedDuration::from_mins(29));
    world.stack.dynamodb.sweep_ttl().unwrap();
    let (caller, login) = (world.somebody(), json!({"email": email, "password": PASSWORD}));
    let later = world.post(&caller, "/api/v1/auth/login", &login).await.expect(200);
    assert_eq!((kept("SESSION#"), kept("RESET")), (2, 1));
    world.advance(SignedDuration::from_mins(29));
    let refresh = json!({"refresh_token": later["refresh_token"]});
    world.post(&caller, "/api/v1/auth/refresh", &refresh).await.expect(200);
    world.advance(SignedDuration::from_mins(3));
    world.stack.dynamodb.sweep_ttl().unwrap();
    assert_eq!((kept("SESSION#"), kept("RESET")), (1, 0), "the one that was refreshed");
    world.stack.clock.advance(SignedDuration::from_hours(24));
    world.stack.dynamodb.sweep_ttl().unwrap();
    assert_eq!((kept("SESSION#"), kept("IDENTITY")), (0, 1));
}
