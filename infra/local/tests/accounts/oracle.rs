//! R14, R17: what is refused is refused alike, whoever has the account and however the token died.

use http::HeaderMap;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Answer, OTHER_PASSWORD, PASSWORD, World, owner};

/// All that a caller sees, but for what differs with every call.
fn heard(answer: &Answer) -> (u16, HeaderMap, Value) {
    let (mut headers, mut body) = (answer.headers.clone(), answer.expect(answer.status));
    for varies in ["x-request-id", "apigw-requestid", "date"] {
        headers.remove(varies);
    }
    body["request_id"] = Value::Null;
    (answer.status, headers, body)
}

#[track_caller]
fn alike(answers: &[(&str, Answer)]) {
    let first = heard(&answers[0].1);
    for (case, answer) in answers {
        assert_eq!(heard(answer), first, "{case}");
    }
}

fn set_status(world: &World, tenant: &str, status: &str) {
    let update = json!({
        "TableName": "innkeeper-local-core", "Key": {"pk": {"S": format!("T#{tenant}")}, "sk": {"S": "TENANT"}},
        "UpdateExpression": "SET #provisioning.#status = :status",
        "ExpressionAttributeNames": {"#provisioning": "provisioning", "#status": "status"},
        "ExpressionAttributeValues": {":status": {"S": status}},
    });
    world.stack.dynamodb.run("UpdateItem", update).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_a_sign_in_is_refused_alike_for_every_reason() {
    let world = World::open().await;
    world.tenant("lantern").await;
    let suspended = world.tenant("candle").await;
    set_status(&world, &suspended, "SUSPENDED");
    let admin = world.bootstrap_admin().await;
    let invited = json!({"email": "grace@platform.example", "name": "Grace Hopper", "role": "support_admin"});
    world.post(&admin, "/api/v1/admin/platform-users", &invited).await.expect(201);

    let mut answers = Vec::new();
    for (case, email, password) in [
        ("unknown account", "nobody@nowhere.example", PASSWORD),
        ("wrong password", &owner("lantern"), OTHER_PASSWORD),
        ("suspended tenant, right password", &owner("candle"), PASSWORD),
        ("suspended tenant, wrong password", &owner("candle"), OTHER_PASSWORD),
        ("never activated", "grace@platform.example", PASSWORD),
        ("bootstrap address, wrong password", "root@innkeeper.test", PASSWORD),
    ] {
        let answer = world.try_log_in(&world.somebody(), email, password).await;
        answer.problem(401, "invalid_credentials");
        answers.push((case, answer));
    }
    alike(&answers);
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_mailed_token_is_refused_alike_however_it_died() {
    let world = World::open().await;
    world.tenant("lantern").await;
    let admin = world.bootstrap_admin().await;
    let invite = async |email: &str| {
        let invited = json!({"email": email, "name": "Grace Hopper", "role": "support_admin"});
        world.post(&admin, "/api/v1/admin/platform-users", &invited).await.expect(201);
        world.mailed_token(email).await
    };
    let forgot = async |email: &str| {
        let links = || world.mails_to(email).iter().filter(|mail| mail.text.contains("reset-password")).count();
        let before = links();
        world.post(&world.somebody(), "/api/v1/auth/password/forgot", &json!({"email": email})).await.expect(202);
        world.until("the mail", async || (links() > before).then_some(())).await;
        world.mailed_token(email).await
    };
    let send = async |path: &str, token: &str| {
        world.post(&world.somebody(), path, &json!({"token": token, "password": OTHER_PASSWORD})).await
    };

    let activate = "/api/v1/auth/activate";
    let (used, expired) = (invite("grace@platform.example").await, invite("hedy@platform.example").await);
    let elsewhere = World::open().await;
    elsewhere.tenant("other").await;
    send(activate, &used).await.expect(200);
    world.advance(SignedDuration::from_hours(72));
    let foreign = format!("{}x", &used[..used.len() - 1]);
    alike(&[
        ("used", send(activate, &used).await),
        ("expired", send(activate, &expired).await),
        ("mistyped", send(activate, &foreign).await),
        ("of another kind", send(activate, "ink_rst_none").await),
        ("nothing", send(activate, "").await),
    ]);

    let reset = "/api/v1/auth/password/reset";
    let expired = forgot(&owner("lantern")).await;
    world.advance(SignedDuration::from_hours(1));
    let replaced = forgot(&owner("lantern")).await;
    let used = forgot(&owner("lantern")).await;
    send(reset, &used).await.expect(200);
    alike(&[
        ("used", send(reset, &used).await),
        ("expired", send(reset, &expired).await),
        ("replaced", send(reset, &replaced).await),
        ("mistyped", send(reset, &format!("{}x", &used[..used.len() - 1])).await),
        ("nothing", send(reset, "").await),
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r15_refreshes_of_dead_sessions_are_refused_and_those_of_live_ones_are_not() {
    let world = World::open().await;
    world.tenant("lantern").await;
    let caller = world.somebody();
    let log_in = async || world.try_log_in(&caller, &owner("lantern"), PASSWORD).await.expect(200);
    let (dead, mut live) = (log_in().await, log_in().await);
    let gone = caller.with(dead["access_token"].as_str().unwrap());
    world.post(&gone, "/api/v1/auth/logout", &Value::Null).await.expect(204);
    let refresh = async |of: &Value| {
        world.post(&caller, "/api/v1/auth/refresh", &json!({"refresh_token": of["refresh_token"]})).await
    };
    for _ in 0..5 {
        refresh(&dead).await.problem(401, "invalid_refresh_token");
    }
    for _ in 0..10 {
        let answer = refresh(&dead).await;
        assert!(answer.header("retry-after").is_some());
        answer.problem(429, "too_many_tries");
        live = refresh(&live).await.expect(200);
    }
    // Neither is the door closed to whoever comes from there.
    log_in().await;
}
