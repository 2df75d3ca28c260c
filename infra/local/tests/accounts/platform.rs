//! R08, R09: the bootstrap admin comes in, hands over and is removed; platform roles may what they may.

use jiff::SignedDuration;
use local::{
    aws::faults::{Fault, Rule},
    stack::Options,
};
use serde_json::{Value, json};

use crate::world::{Caller, OTHER_PASSWORD, PASSWORD, World, owner};

const STATUS: &str = "/api/v1/admin/bootstrap-status";
const REMOVE: &str = "/api/v1/admin/remove-bootstrap-credentials";
const USERS: &str = "/api/v1/admin/platform-users";
const WARNING: &str = "x-innkeeper-warning";
const GRACE: &str = "grace@platform.example";

async fn remove(world: &World, caller: &Caller) -> Value {
    world.post(caller, REMOVE, &Value::Null).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_the_credentials_open_the_platform_and_every_answer_warns() {
    let world = World::open().await;
    let (email, password) = world.bootstrap().await;
    assert_eq!((email.as_str(), password.len()), ("root@innkeeper.test", 48));
    let login = world.try_log_in(&world.somebody(), "Root@Innkeeper.test", &password).await;
    assert_eq!(login.header(WARNING), Some("bootstrap-credentials-present"));
    assert!(login.expect(200).get("tenant_id").is_none());

    let admin = world.bootstrap_admin().await;
    let who = world.get(&admin, "/api/v1/auth/whoami").await;
    assert_eq!(who.header(WARNING), Some("bootstrap-credentials-present"));
    let who = who.expect(200);
    assert_eq!((&who["role"], &who["tenant_id"]), (&json!("super_admin"), &Value::Null));
    assert_eq!(who["email"], email);

    let status = world.get(&admin, STATUS).await;
    assert_eq!(status.header(WARNING), Some("bootstrap-credentials-present"));
    let status = status.expect(200);
    for flag in ["bootstrap_credentials_present", "security_risk", "action_required"] {
        assert_eq!(status[flag], true, "{flag}");
    }
    assert!(status["warning"].is_string() && status["recommendation"].as_str().unwrap().contains(REMOVE));

    let elsewhere = world.get(&admin, "/api/v1/tenants/tenant-none-00000000/status").await;
    assert_eq!(elsewhere.header(WARNING), Some("bootstrap-credentials-present"), "a refusal warns too");

    world.try_log_in(&world.somebody(), &email, &password[1..]).await.problem(401, "invalid_credentials");
    world.try_log_in(&world.somebody(), "other@innkeeper.test", &password).await.problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_removal_waits_for_another_super_admin_and_is_safe_to_repeat() {
    let world = World::open().await;
    let (email, password) = world.bootstrap().await;
    let admin = world.bootstrap_admin().await;
    world.post(&admin, REMOVE, &Value::Null).await.problem(409, "other_admin_required");
    world.platform_user(&admin, GRACE, "super_admin").await;
    world.platform_user(&admin, "sam@platform.example", "support_admin").await;
    world.log_in("sam@platform.example", PASSWORD).await;
    world.post(&admin, REMOVE, &Value::Null).await.problem(409, "other_admin_required");
    let grace = world.log_in(GRACE, PASSWORD).await;

    let before = world.stack.secrets.run("ListSecrets", json!({})).await.unwrap().to_string();
    assert!(before.contains("bootstrap-admin"));
    let removed = remove(&world, &admin).await;
    assert_eq!((&removed["removed"], &removed["already_removed"]), (&json!(true), &json!(false)));
    let after = world.stack.secrets.run("ListSecrets", json!({"IncludePlannedDeletion": true})).await.unwrap();
    assert!(!after.to_string().contains("bootstrap-admin"), "deleted, not scheduled for deletion");

    world.get(&admin, "/api/v1/auth/whoami").await.problem(401, "unauthenticated");
    world.try_log_in(&world.somebody(), &email, &password).await.problem(401, "invalid_credentials");
    for _ in 0..2 {
        let again = remove(&world, &grace).await;
        assert_eq!((&again["removed"], &again["already_removed"]), (&json!(false), &json!(true)));
        assert_eq!(again["removed_at"], removed["removed_at"]);
    }
    let status = world.get(&grace, STATUS).await;
    assert_eq!(status.header(WARNING), None);
    let status = status.expect(200);
    assert_eq!((&status["bootstrap_credentials_present"], &status["warning"]), (&json!(false), &Value::Null));

    let entries = world.items("audit");
    let of = |action: &str| entries.iter().filter(|entry| entry["action"]["S"] == action).count();
    assert_eq!((of("bootstrap.begun"), of("bootstrap.removed"), of("platform_role.granted")), (1, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_many_removals_at_once_remove_once() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.platform_user(&admin, GRACE, "super_admin").await;
    let grace = world.log_in(GRACE, PASSWORD).await;
    let calls = (0..5).map(|_| world.post(&grace, REMOVE, &Value::Null));
    let answers: Vec<Value> = futures::future::join_all(calls).await.iter().map(|answer| answer.expect(200)).collect();
    assert_eq!(answers.iter().filter(|answer| answer["removed"] == true).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer["removed_at"] == answers[0]["removed_at"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_first_sign_ins_at_once_make_one_identity() {
    let world = World::open().await;
    let (email, password) = world.bootstrap().await;
    let callers: Vec<Caller> = (0..4).map(|_| world.somebody()).collect();
    let logins = callers.iter().map(|caller| world.try_log_in(caller, &email, &password));
    for answer in futures::future::join_all(logins).await {
        answer.expect(200);
    }
    let begun = world.items("core").into_iter().filter(|item| item["pk"]["S"] == "PLATFORM#USERS").count();
    assert_eq!(begun, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_a_sign_in_that_a_removal_outruns_brings_nothing_back() {
    let world = World::open().await;
    let (email, password) = world.bootstrap().await;
    let admin = world.bootstrap_admin().await;
    world.platform_user(&admin, GRACE, "super_admin").await;
    let grace = world.log_in(GRACE, PASSWORD).await;
    let faults = world.stack.gateway.faults();
    // Its look at the record, after those at the account and the secret.
    let wait = Fault::Delay(SignedDuration::from_secs(1));
    faults.add(Rule::new(wait).on("dynamodb", "GetItem").from("auth-login").nth(2));
    let meanwhile = async {
        world.until("the look", async || (faults.fired() == 1).then_some(())).await;
        remove(&world, &grace).await;
        world.advance(SignedDuration::from_secs(1));
    };
    let caller = world.somebody();
    let (login, ()) = tokio::join!(world.try_log_in(&caller, &email, &password), meanwhile);
    login.problem(401, "invalid_credentials");
    let record = world.items("core").into_iter().find(|item| item["pk"]["S"] == "PLATFORM#BOOTSTRAP").unwrap();
    assert!(record["removed_at"]["S"].is_string(), "{record}");
    assert_eq!(world.audited("bootstrap.returned"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_removed_credentials_do_not_come_back_with_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { data: Some(folder.path().to_owned()), ..Options::memory("http://127.0.0.1:0") };
    let world = World::of(options()).await;
    let admin = world.bootstrap_admin().await;
    world.platform_user(&admin, GRACE, "super_admin").await;
    let grace = world.log_in(GRACE, PASSWORD).await;
    remove(&world, &grace).await;
    drop(world);
    let world = World::of(options()).await;
    let grace = world.log_in(GRACE, PASSWORD).await;
    let status = world.get(&grace, STATUS).await;
    assert_eq!(status.expect(200)["bootstrap_credentials_present"], false);
    assert_eq!(status.header(WARNING), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_platform_role_may_what_it_may_in_every_tenant() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    let tenant = world.tenant("lantern").await;
    world.platform_user(&admin, "pat@platform.example", "platform_admin").await;
    world.platform_user(&admin, "sam@platform.example", "support_admin").await;
    let pat = world.log_in("pat@platform.example", PASSWORD).await;
    let sam = world.log_in("sam@platform.example", PASSWORD).await;
    let ada = world.log_in(&owner("lantern"), PASSWORD).await;

    let path = |route: &str| format!("/api/v1/tenants/{tenant}/{route}");
    for caller in [&admin, &pat, &sam] {
        assert_eq!(world.get(caller, &path("status")).await.expect(200)["status"], "READY");
    }
    for caller in [&admin, &pat] {
        world.post(caller, &path("retry"), &Value::Null).await.problem(409, "wrong_state");
    }
    world.post(&pat, &path("resend-welcome"), &Value::Null).await.expect(204);
    for route in ["retry", "resend-welcome"] {
        world.post(&sam, &path(route), &Value::Null).await.problem(403, "forbidden");
        world.post(&ada, &path(route), &Value::Null).await.problem(403, "forbidden");
    }
    for caller in [&pat, &sam, &ada] {
        world.get(caller, STATUS).await.problem(403, "forbidden");
        world.post(caller, REMOVE, &Value::Null).await.problem(403, "forbidden");
        world.post(caller, USERS, &json!({})).await.problem(403, "forbidden");
    }
    let nobody = world.somebody();
    world.get(&nobody, STATUS).await.problem(401, "unauthenticated");
    world.post(&nobody, REMOVE, &Value::Null).await.problem(401, "unauthenticated");
    world.post(&nobody, USERS, &json!({})).await.problem(401, "unauthenticated");
}

/// The claim on the minute's mail is given back with the link that nobody got.
#[tokio::test(flavor = "multi_thread")]
async fn r04_a_welcome_mail_that_was_refused_can_be_sent_again_at_once() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    let tenant = world.tenant("lantern").await;
    let resend = format!("/api/v1/tenants/{tenant}/resend-welcome");
    let refused = Rule::error(400, "MessageRejected").on("ses", "SendEmail").from("provisioning-resend-welcome");
    world.stack.gateway.faults().add(refused);
    let before = world.items("core").len();
    world.post(&admin, &resend, &Value::Null).await.problem(503, "unavailable");
    assert_eq!(world.items("core").len(), before, "nothing is left of it");
    world.stack.gateway.faults().clear();
    world.post(&admin, &resend, &Value::Null).await.expect(204);
    let early = world.post(&admin, &resend, &Value::Null).await;
    let seconds: i64 = early.header("retry-after").unwrap().parse().unwrap();
    early.problem(429, "too_many_tries");
    world.advance(SignedDuration::from_secs(seconds));
    world.post(&admin, &resend, &Value::Null).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_failed_tenant_is_retried_by_the_platform() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    let tenant = world.tenant("lantern").await;
    let fail = json!({
        "TableName": "innkeeper-local-core", "Key": {"pk": {"S": format!("T#{tenant}")}, "sk": {"S": "TENANT"}},
        "UpdateExpression": "SET #provisioning.#status = :failed",
        "ExpressionAttributeNames": {"#status": "status", "#provisioning": "provisioning"}, "ExpressionAttributeValues": {":failed": {"S": "FAILED"}},
    });
    world.stack.dynamodb.run("UpdateItem", fail).unwrap();
    let retried = world.post(&admin, &format!("/api/v1/tenants/{tenant}/retry"), &Value::Null).await.expect(202);
    assert_eq!(retried["attempt"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_platform_role_is_given_by_who_has_just_proven_who_they_are() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.advance(SignedDuration::from_secs(601));
    for (path, body) in
        [(USERS, json!({"email": GRACE, "name": "Grace", "role": "super_admin"})), (REMOVE, Value::Null)]
    {
        world.post(&admin, path, &body).await.problem(401, "insufficient_user_authentication");
    }
    assert!(world.items("core").iter().all(|item| !item.to_string().contains(GRACE)));
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_people_with_and_without_a_password_are_given_a_role() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.tenant("lantern").await;
    let ada = owner("lantern");
    let invite = async |email: &str, role: &str| {
        world.post(&admin, USERS, &json!({"email": email, "name": "Grace Hopper", "role": role})).await
    };
    let known = invite(&ada, "support_admin").await.expect(201);
    assert_eq!((&known["activation_sent"], &known["role"]), (&json!(false), &json!("support_admin")));
    assert!(!world.mails_to(&ada)[0].text.contains("token="));
    invite(&ada, "support_admin").await.problem(409, "has_platform_role");
    let on_platform = world.log_in(&ada, PASSWORD).await;
    assert_eq!(world.get(&on_platform, "/api/v1/auth/whoami").await.expect(200)["role"], "support_admin");
    let body = json!({"email": ada, "password": PASSWORD, "tenant": "lantern"});
    let in_tenant = world.post(&world.somebody(), "/api/v1/auth/login", &body).await.expect(200);
    assert!(in_tenant["tenant_id"].as_str().unwrap().starts_with("tenant-lantern-"));

    assert_eq!(invite(GRACE, "super_admin").await.expect(201)["activation_sent"], true);
    let first = world.mailed_token(GRACE).await;
    assert_eq!(invite(GRACE, "super_admin").await.expect(201)["activation_sent"], true, "asked again");
    invite(GRACE, "support_admin").await.problem(409, "has_platform_role");
    assert_ne!(world.mailed_token(GRACE).await, first);
    world.choose_password(GRACE, OTHER_PASSWORD).await.expect(200);
    world.log_in(GRACE, OTHER_PASSWORD).await;

    let refused = invite("eve@platform.example", "owner").await.problem(422, "invalid_fields");
    assert_eq!(refused["errors"][0]["pointer"], "/role");
    assert!(world.mails_to("eve@platform.example").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_tenant_of_the_bootstrap_address_has_nothing_to_do_with_the_bootstrap_admin() {
    let world = World::open().await;
    let (email, password) = world.bootstrap().await;
    let signup = json!({
        "company_name": "Impostor", "subdomain": "impostor", "admin_name": "Eve", "admin_email": email,
        "plan": "starter", "region": "us-east-1",
    });
    world.post(&world.somebody(), "/api/v1/tenants", &signup).await.expect(202);
    world.choose_password(&email, PASSWORD).await.expect(200);
    let eve = world.log_in(&email, PASSWORD).await;
    assert_eq!(world.get(&eve, "/api/v1/auth/whoami").await.expect(200)["role"], "owner");
    let admin = world.log_in(&email, &password).await;
    assert_eq!(world.get(&admin, "/api/v1/auth/whoami").await.expect(200)["role"], "super_admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_removal_is_tried_five_times_a_minute() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    for left in (0..5).rev() {
        let answer = world.post(&admin, REMOVE, &Value::Null).await;
        let standing = format!(r#""removal";r={left};t=60, "caller";r={};t=990"#, 995 + left);
        assert_eq!(answer.header("ratelimit"), Some(standing.as_str()));
        answer.problem(409, "other_admin_required");
    }
    let sixth = world.post(&admin, REMOVE, &Value::Null).await;
    assert_eq!(sixth.header("retry-after"), Some("60"));
    sixth.problem(429, "too_many_tries");
    world.advance(jiff::SignedDuration::from_secs(60));
    world.post(&admin, REMOVE, &Value::Null).await.problem(409, "other_admin_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_whoever_runs_the_local_stack_can_read_the_credentials_until_they_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(local::bootstrap::of_folder(folder.path()).is_err());
    let world =
        World::of(Options { data: Some(folder.path().to_owned()), ..Options::memory("http://127.0.0.1:0") }).await;
    let shown = local::bootstrap::of_folder(folder.path()).unwrap();
    assert_eq!((shown.email.clone(), shown.password.clone()), world.bootstrap().await);
    let admin = world.log_in(&shown.email, &shown.password).await;
    world.platform_user(&admin, GRACE, "super_admin").await;
    let grace = world.log_in(GRACE, PASSWORD).await;
    remove(&world, &grace).await;
    let gone = local::bootstrap::of_folder(folder.path());
    assert!(matches!(gone, Err(local::bootstrap::ShowError::Removed)));
}

/// What is logged while the test runs.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn warnings(&self) -> usize {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().filter(|line| line.contains("WARN") && line.contains("bootstrap credentials are present")).count()
    }
}

/// A process of its own, as every test under nextest; the log is the process's.
#[tokio::test(flavor = "multi_thread")]
async fn r08_every_start_and_every_call_of_an_admin_is_logged_as_a_warning_until_the_removal() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { data: Some(folder.path().to_owned()), ..Options::memory("http://127.0.0.1:0") };
    let world = World::of(options()).await;
    world.stack.functions.start().await.unwrap();
    assert_eq!(log.warnings(), 1, "the first start");
    let admin = world.bootstrap_admin().await;
    world.get(&admin, "/api/v1/auth/whoami").await.expect(200);
    world.get(&admin, "/api/v1/tenants/tenant-none-00000000/status").await.problem(404, "not_found");
    assert_eq!(log.warnings(), 2, "each call");
    world.platform_user(&admin, GRACE, "super_admin").await;
    drop(world);
    let world = World::of(options()).await;
    world.stack.functions.start().await.unwrap();
    assert_eq!(log.warnings(), 2, "the invitation, and the next start");
    let grace = world.log_in(GRACE, PASSWORD).await;
    remove(&world, &grace).await;
    log.warnings();
    drop(world);
    let world = World::of(options()).await;
    world.stack.functions.start().await.unwrap();
    let grace = world.log_in(GRACE, PASSWORD).await;
    world.get(&grace, STATUS).await.expect(200);
    assert_eq!(log.warnings(), 0);
}
