//! R08, R09: who runs the platform does it with a second factor, where the stack says so; and until there is one, enrols it.

use serde_json::{Value, json};

use crate::{
    authenticator::{Authenticator, CONFIRM, TOTP},
    world::{Caller, PASSWORD, World},
};

const WHOAMI: &str = "/api/v1/auth/whoami";
const USERS: &str = "/api/v1/admin/platform-users";
const REMOVE: &str = "/api/v1/admin/remove-bootstrap-credentials";
const GRACE: &str = "grace@platform.example";

async fn strict() -> World {
    World::with(&[("RequirePlatformMfa", "true")]).await
}

/// The first sign-in: it enrols, and the first code lets in.
async fn first(world: &World, email: &str, password: &str) -> (Caller, Authenticator) {
    let waiting = world.half_way(email, password).await;
    let authenticator = world.enrol(&waiting).await;
    let session = world.post(&waiting, CONFIRM, &json!({"code": authenticator.code(world)})).await.expect(200);
    assert!(session["refresh_token"].is_string());
    world.next_code();
    (waiting.with(session["access_token"].as_str().unwrap()), authenticator)
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_without_a_second_factor_a_platform_role_can_only_enrol_one() {
    let world = strict().await;
    let (email, password) = world.bootstrap().await;
    world.try_log_in(&world.somebody(), &email, &password[1..]).await.problem(401, "invalid_credentials");
    let caller = world.somebody();
    let asked = world.try_log_in(&caller, &email, &password).await;
    assert_eq!(asked.header("x-innkeeper-warning"), Some("bootstrap-credentials-present"));
    let asked = asked.expect(200);
    assert_eq!(asked["next"], "enrol");
    let waiting = caller.with(asked["mfa_token"].as_str().unwrap());
    for path in [WHOAMI, "/api/v1/admin/bootstrap-status", "/api/v1/auth/sessions"] {
        world.get(&waiting, path).await.problem(401, "unauthenticated");
    }
    world.post(&waiting, USERS, &json!({})).await.problem(401, "unauthenticated");
    world.show(&waiting, "000000").await.problem(409, "no_second_factor");
    assert_eq!(world.sessions(), 0);

    let (admin, authenticator) = first(&world, &email, &password).await;
    assert_eq!(world.get(&admin, WHOAMI).await.expect(200)["role"], "super_admin");
    world.post(&waiting, TOTP, &Value::Null).await.problem(409, "has_second_factor");
    let again = world.come_in(&email, &password, &authenticator).await;
    world.get(&again, WHOAMI).await.expect(200);

    assert_eq!(world.delete(&again, TOTP).await.status, 204);
    world.get(&admin, WHOAMI).await.problem(401, "unauthenticated");
    let asked = world.try_log_in(&world.somebody(), &email, &password).await.expect(200);
    assert_eq!(asked["next"], "enrol", "and so on");
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_the_first_code_of_another_super_admin_is_the_sign_in_that_the_removal_waits_for() {
    let world = strict().await;
    let (email, password) = world.bootstrap().await;
    let (admin, _) = first(&world, &email, &password).await;
    world.platform_user(&admin, GRACE, "super_admin").await;
    world.half_way(GRACE, PASSWORD).await;
    world.post(&admin, REMOVE, &Value::Null).await.problem(409, "other_admin_required");
    let (grace, _) = first(&world, GRACE, PASSWORD).await;
    assert_eq!(world.post(&grace, REMOVE, &Value::Null).await.expect(200)["removed"], true);
    world.get(&admin, WHOAMI).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_the_door_lets_no_platform_session_through_in_which_no_factor_was_shown() {
    let world = strict().await;
    let (email, password) = world.bootstrap().await;
    let (admin, authenticator) = first(&world, &email, &password).await;
    let sessions = |item: &Value| item["sk"]["S"].as_str().unwrap().starts_with("~SESSION#");
    let session = world.items("core").into_iter().find(sessions).unwrap();
    world
        .stack
        .dynamodb
        .run(
            "UpdateItem",
            json!({
                "TableName": "innkeeper-local-core", "Key": {"pk": session["pk"], "sk": session["sk"]},
                "UpdateExpression": "REMOVE second_factor_at",
            }),
        )
        .unwrap();
    world.get(&admin, WHOAMI).await.problem(403, "second_factor_required");
    world.post(&admin, USERS, &json!({})).await.problem(403, "second_factor_required");
    world.show(&admin, &authenticator.code(&world)).await.expect(200);
    world.get(&admin, WHOAMI).await.expect(200);
}
