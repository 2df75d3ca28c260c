//! R11, R14: a second factor is enrolled, asked for at every sign-in and before what matters, counts once, and goes.

use http::header::WWW_AUTHENTICATE;
use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};
use serde_json::{Value, json};

use crate::{
    authenticator::{CONFIRM, RECOVERY_CODES, TOTP, VERIFY, texts},
    world::{Answer, Caller, OTHER_PASSWORD, PASSWORD, World, owner},
};

const WHOAMI: &str = "/api/v1/auth/whoami";
const CHANGE: &str = "/api/v1/auth/password/change";

fn ada() -> String {
    owner("lantern")
}

/// A stack with one tenant, and its owner in a session that has just begun.
async fn open() -> (World, Caller) {
    let world = World::open().await;
    world.tenant("lantern").await;
    let session = world.log_in(&ada(), PASSWORD).await;
    (world, session)
}

#[track_caller]
fn asks_to_step_up(answer: &Answer) {
    let challenge = answer.headers.get(WWW_AUTHENTICATE).unwrap().to_str().unwrap();
    assert!(challenge.starts_with(r#"Bearer error="insufficient_user_authentication""#), "{challenge}");
    assert!(challenge.contains(r#"max_age="600""#), "{challenge}");
    answer.problem(401, "insufficient_user_authentication");
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_from_the_enrolment_to_the_next_sign_in() {
    let (world, session) = open().await;
    let enrolment = world.post(&session, TOTP, &Value::Null).await.expect(200);
    let uri = enrolment["otpauth_uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/127.0.0.1:ada%40lantern.example?secret="), "{uri}");
    let first = world.enrol(&session).await;
    assert_ne!(enrolment["secret"], first.secret, "the first was never confirmed");
    world.log_in(&ada(), PASSWORD).await;
    world.show(&session, &first.code(&world)).await.problem(409, "no_second_factor");

    let confirm = async |code: &str| world.post(&session, CONFIRM, &json!({"code": code})).await;
    confirm(&first.wrong(&world)).await.problem(403, "invalid_second_factor");
    confirm("12345").await.problem(422, "invalid_fields");
    let used = first.code(&world);
    let confirmed = confirm(&used).await.expect(200);
    assert_eq!(texts(&confirmed["recovery_codes"]).len(), 10);
    assert!(confirmed["access_token"].is_string() && confirmed.get("refresh_token").is_none());
    confirm(&used).await.problem(409, "no_second_factor");
    world.post(&session, TOTP, &Value::Null).await.problem(409, "has_second_factor");
    world.get(&session, WHOAMI).await.expect(200);

    let waiting = world.half_way(&ada(), PASSWORD).await;
    world.show(&waiting, &used).await.problem(403, "invalid_second_factor");
    world.next_code();
    let signed_in = world.show(&waiting, &first.code(&world)).await.expect(200);
    assert!(signed_in["refresh_token"].as_str().unwrap().starts_with("ink_rt_"));
    world.get(&waiting.with(signed_in["access_token"].as_str().unwrap()), WHOAMI).await.expect(200);
    world.next_code();
    world.show(&waiting, &first.code(&world)).await.problem(401, "unauthenticated");

    let done = ["second_factor.enrolled", "second_factor.asked", "second_factor.confirmed", "second_factor.shown"];
    assert_eq!(done.map(|action| world.audited(action)), [2, 1, 1, 1]);
    let kept = format!("{:?}{:?}", world.items("core"), world.items("audit"));
    assert!(!kept.contains(&first.secret), "sealed");
    for code in texts(&confirmed["recovery_codes"]) {
        assert!(!kept.contains(&code) && !kept.contains(&code.replace('-', "").to_uppercase()), "hashed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_a_session_opened_while_the_factor_is_being_removed_ends_with_it() {
    let (world, session) = open().await;
    let (authenticator, _) = world.equip(&session).await;
    let waiting = world.half_way(&ada(), PASSWORD).await;
    world.next_code();
    let faults = world.stack.gateway.faults();
    // The first transaction ends the sessions, the second removes the factor.
    let wait = Fault::Delay(SignedDuration::from_secs(1));
    faults.add(Rule::new(wait).on("dynamodb", "TransactWriteItems").from("auth-mfa").nth(2));
    let meanwhile = async {
        world.until("the removal", async || (faults.fired() == 1).then_some(())).await;
        let signed_in = world.show(&waiting, &authenticator.code(&world)).await.expect(200);
        world.advance(SignedDuration::from_secs(1));
        waiting.with(signed_in["access_token"].as_str().unwrap())
    };
    let (removed, thief) = tokio::join!(world.delete(&session, TOTP), meanwhile);
    removed.expect(204);
    world.get(&thief, WHOAMI).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_the_token_of_a_waiting_sign_in_opens_nothing_else_and_nothing_else_is_one() {
    let (world, session) = open().await;
    let (authenticator, _) = world.equip(&session).await;
    let waiting = world.half_way(&ada(), PASSWORD).await;
    world.get(&waiting, WHOAMI).await.problem(401, "unauthenticated");
    world.get(&waiting, "/api/v1/auth/sessions").await.problem(401, "unauthenticated");
    world.get(&waiting, "/api/v1/vault").await.problem(401, "unauthenticated");
    world.delete(&waiting, TOTP).await.problem(401, "unauthenticated");
    world.post(&waiting, RECOVERY_CODES, &Value::Null).await.problem(401, "unauthenticated");
    world.post(&waiting, TOTP, &Value::Null).await.problem(409, "has_second_factor");
    world.post(&waiting, CONFIRM, &json!({"code": "000000"})).await.problem(409, "no_second_factor");
    let strangers = world.somebody().with(&format!("ink_mfa_{}", "A".repeat(49)));
    world.show(&strangers, &authenticator.code(&world)).await.problem(401, "unauthenticated");
    let nobody = world.somebody();
    world.show(&nobody, &authenticator.code(&world)).await.problem(401, "unauthenticated");

    world.advance(SignedDuration::from_mins(5));
    world.show(&waiting, &authenticator.code(&world)).await.problem(401, "unauthenticated");
    let waiting = world.half_way(&ada(), PASSWORD).await;
    let people = world.items("core").into_iter().filter(|item| item["sk"]["S"] == "IDENTITY");
    let ada = people.into_iter().find(|person| person["email"]["S"] == ada()).unwrap();
    world
        .stack
        .dynamodb
        .run(
            "UpdateItem",
            json!({
                "TableName": "innkeeper-local-core", "Key": {"pk": ada["pk"], "sk": ada["sk"]},
                "UpdateExpression": "SET password_phc = :other", "ExpressionAttributeValues": {":other": {"S": "$other"}},
            }),
        )
        .unwrap();
    world.show(&waiting, &authenticator.code(&world)).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_a_wrong_password_is_a_wrong_password_whoever_has_a_second_factor() {
    let (world, session) = open().await;
    let heard = async |email: &str| {
        let answer = world.try_log_in(&world.somebody(), email, "not the password").await;
        let mut problem = answer.expect(401);
        problem["request_id"].take();
        let mut headers = answer.headers.clone();
        for its_own in ["x-request-id", "apigw-requestid"] {
            headers.remove(its_own);
        }
        (problem, headers)
    };
    let before = heard(&ada()).await;
    world.equip(&session).await;
    assert_eq!(heard(&ada()).await, before);
    assert_eq!(heard("nobody@lantern.example").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_a_recovery_code_works_once_and_a_new_set_voids_the_old() {
    let (world, session) = open().await;
    let (_, codes) = world.equip(&session).await;
    let waiting = world.half_way(&ada(), PASSWORD).await;
    let signed_in = world.recover(&waiting, &codes[0].to_uppercase()).await.expect(200);
    let inside = waiting.with(signed_in["access_token"].as_str().unwrap());
    let waiting = world.half_way(&ada(), PASSWORD).await;
    world.recover(&waiting, &codes[0]).await.problem(403, "invalid_second_factor");
    world.recover(&waiting, "aaaaaa-aaaaaa-aaaaaa-aaaaaa").await.problem(403, "invalid_second_factor");
    world.recover(&waiting, "short").await.problem(422, "invalid_fields");
    world.recover(&waiting, &codes[1]).await.expect(200);

    let renewed = world.post(&inside, RECOVERY_CODES, &Value::Null).await.expect(200);
    let renewed = texts(&renewed["recovery_codes"]);
    assert_eq!(renewed.len(), 10);
    let waiting = world.half_way(&ada(), PASSWORD).await;
    world.recover(&waiting, &codes[2]).await.problem(403, "invalid_second_factor");
    world.recover(&waiting, &renewed[0]).await.expect(200);
    assert_eq!((world.audited("recovery_code.used"), world.audited("recovery_code.renewed")), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_of_two_who_show_a_code_at_once_one_comes_in() {
    let (world, session) = open().await;
    let (authenticator, recovery) = world.equip(&session).await;
    let before = world.sessions();
    for body in [json!({"code": authenticator.code(&world)}), json!({"recovery_code": recovery[0]})] {
        let sessions = world.sessions();
        let callers = [world.half_way(&ada(), PASSWORD).await, world.half_way(&ada(), PASSWORD).await];
        let shown = callers.iter().map(|caller| world.post(caller, VERIFY, &body));
        let mut statuses: Vec<u16> =
            futures::future::join_all(shown).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403], "{body}");
        assert_eq!(world.sessions(), sessions + 1, "{body}");
    }
    world.next_code();
    let one = world.half_way(&ada(), PASSWORD).await;
    let twice = [authenticator.code(&world), authenticator.code_in(&world, 1)];
    let answers = futures::future::join_all(twice.iter().map(|code| world.show(&one, code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "one token, one session");
    assert_eq!(world.sessions(), before + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_codes_are_throttled_by_client_and_by_person_and_the_owner_still_comes_in() {
    let (world, session) = open().await;
    let (authenticator, recovery) = world.equip(&session).await;
    let wrong = authenticator.wrong(&world);
    let mut clients = Vec::new();
    for _ in 0..4 {
        let client = world.half_way(&ada(), PASSWORD).await;
        for left in (0..5).rev() {
            let answer = world.show(&client, &wrong).await;
            assert_eq!(answer.header("ratelimit"), Some(format!(r#""auth";r={left};t=900"#).as_str()));
            answer.problem(403, "invalid_second_factor");
        }
        clients.push(client);
    }
    world.show(&clients[0], &authenticator.code(&world)).await.problem(429, "too_many_tries");
    world.try_log_in(&clients[0], &ada(), PASSWORD).await.problem(429, "too_many_tries");
    // Twenty wrong codes for one person: no more for an hour, from wherever. The owner has her recovery codes.
    let waiting = world.half_way(&ada(), PASSWORD).await;
    world.show(&waiting, &authenticator.code(&world)).await.problem(429, "too_many_tries");
    world.recover(&waiting, &recovery[0]).await.expect(200);
    world.advance(SignedDuration::from_hours(1));
    world.come_in(&ada(), PASSWORD, &authenticator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_what_a_stolen_session_must_not_do_asks_for_a_recent_proof() {
    let (world, session) = open().await;
    world.delete(&session, TOTP).await.problem(409, "no_second_factor");
    world.advance(SignedDuration::from_secs(601));
    asks_to_step_up(&world.post(&session, TOTP, &Value::Null).await);
    let session = world.log_in(&ada(), PASSWORD).await;
    let (authenticator, _) = world.equip(&session).await;
    let inside = world.come_in(&ada(), PASSWORD, &authenticator).await;
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});

    world.advance(SignedDuration::from_secs(601));
    for caller in [&session, &inside] {
        asks_to_step_up(&world.delete(caller, TOTP).await);
        asks_to_step_up(&world.post(caller, RECOVERY_CODES, &Value::Null).await);
        asks_to_step_up(&world.post(caller, CHANGE, &change).await);
    }
    world.show(&inside, &authenticator.wrong(&world)).await.problem(403, "invalid_second_factor");
    asks_to_step_up(&world.delete(&inside, TOTP).await);
    let shown = world.show(&inside, &authenticator.code(&world)).await.expect(200);
    assert!(shown.get("refresh_token").is_none(), "the session's stays good");
    asks_to_step_up(&world.delete(&session, TOTP).await);
    let codes = texts(&world.post(&inside, RECOVERY_CODES, &Value::Null).await.expect(200)["recovery_codes"]);
    assert_eq!(world.post(&inside, CHANGE, &change).await.status, 204);

    let waiting = world.half_way(&ada(), OTHER_PASSWORD).await;
    let recovered = world.recover(&waiting, &codes[0]).await.expect(200);
    let other = waiting.with(recovered["access_token"].as_str().unwrap());
    assert_eq!(world.delete(&inside, TOTP).await.status, 204);
    for caller in [&other, &inside] {
        world.get(caller, WHOAMI).await.problem(401, "unauthenticated");
    }
    assert_eq!((world.sessions(), world.audited("second_factor.removed")), (0, 1));
    world.log_in(&ada(), OTHER_PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_a_browser_gets_its_refresh_token_in_the_cookie() {
    let (world, session) = open().await;
    let (authenticator, _) = world.equip(&session).await;
    let caller = world.somebody();
    let body = json!({"email": ada(), "password": PASSWORD, "client": "browser"});
    let asked = world.post(&caller, "/api/v1/auth/login", &body).await;
    assert!(asked.header("set-cookie").is_none());
    let asked = asked.expect(200);
    assert_eq!((&asked["next"], &asked["expires_in"]), (&json!("verify"), &json!(300)));
    let caller = caller.with(asked["mfa_token"].as_str().unwrap());
    let signed_in = world.show(&caller, &authenticator.code(&world)).await;
    assert!(signed_in.header("set-cookie").unwrap().starts_with("__Host-refresh=ink_rt_"));
    let signed_in = signed_in.expect(200);
    assert!(signed_in["csrf_token"].is_string() && signed_in.get("refresh_token").is_none());
}

/// NIST SP 800-63B-4, 4.6: whoever has the account hears of it, and what is told opens nothing.
#[tokio::test(flavor = "multi_thread")]
async fn r14_a_change_of_the_second_factor_is_told_by_mail_and_fails_with_none() {
    let (world, session) = open().await;
    let newest = || world.mails_to(&ada()).first().cloned().unwrap();
    for mails_go in [true, false] {
        if !mails_go {
            world.stack.gateway.faults().add(Rule::error(400, "MessageRejected").on("ses", "SendEmail"));
        }
        let before = world.mails_to(&ada()).len();
        let session = if mails_go { session.clone() } else { world.log_in(&ada(), PASSWORD).await };
        let (authenticator, codes) = world.equip(&session).await;
        let subjects = || world.mails_to(&ada()).iter().map(|mail| mail.subject.clone()).collect::<Vec<_>>();
        let told = |subject: &str| {
            assert_eq!(mails_go, newest().subject == subject, "{subject}: {:?}", subjects());
            let said = newest().text + newest().html.as_deref().unwrap_or_default();
            assert!(!said.contains(&authenticator.secret) && !codes.iter().any(|code| said.contains(code.as_str())));
            assert!(!said.contains("token="));
        };
        told("An authenticator was added");
        world.post(&session, RECOVERY_CODES, &Value::Null).await.expect(200);
        told("You have new recovery codes");
        world.delete(&session, TOTP).await.expect(204);
        if mails_go {
            told("Your authenticator was removed");
            assert_eq!(subjects().len(), before + 3, "one each");
        } else {
            assert_eq!(subjects().len(), before, "none went, and nothing failed");
        }
    }
}
