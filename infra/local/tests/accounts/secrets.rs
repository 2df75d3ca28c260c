//! R21: an operator sees how old every secret is and has one rotated, and never sees a value.

use jiff::SignedDuration;
use local::aws::faults::Rule;
use serde_json::{Value, json};

use crate::world::{Caller, PASSWORD, World, owner};

/// Of the limits' table, which tests/limits shows to be needed.
const COUNTS: &str = "may dynamodb:UpdateItem";
const SECRETS: &str = "/api/v1/admin/secrets";
const SIGNING: &str = "innkeeper/local/signing-keys";

fn path(name: &str) -> String {
    format!("{SECRETS}/{name}")
}

async fn rotate(world: &World, caller: &Caller, name: &str) -> crate::world::Answer {
    world.post(caller, &path(&format!("{name}/rotate")), &Value::Null).await
}

async fn read(world: &World, caller: &Caller, name: &str) -> Value {
    world.get(caller, &path(name)).await.expect(200)
}

/// The id of the version that has the label.
fn labelled<'s>(secret: &'s Value, stage: &str) -> Option<&'s str> {
    let mut versions = secret["versions"].as_array().unwrap().iter();
    let found = versions.find(|version| version["stages"].as_array().unwrap().iter().any(|has| has == stage));
    found.map(|version| version["id"].as_str().unwrap())
}

/// The strings of a value that are worth hiding.
async fn material(world: &World, name: &str) -> Vec<String> {
    let value = world.stack.secrets.run("GetSecretValue", json!({"SecretId": name})).await.unwrap();
    let text = value["SecretString"].as_str().unwrap();
    text.split('"').filter(|piece| piece.len() >= 32).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_the_secrets_are_shown_without_their_values() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.advance(SignedDuration::from_mins(10));
    let listed = world.get(&admin, SECRETS).await.expect(200);
    let items = listed["items"].as_array().unwrap();
    let names: Vec<&str> = items.iter().map(|item| item["name"].as_str().unwrap()).collect();
    let declared: Vec<&str> = world.stack.template.secrets.iter().map(|secret| secret.name.as_str()).collect();
    for name in &declared {
        assert!(names.contains(name), "{name}");
        for secret in material(&world, name).await {
            assert!(!listed.to_string().contains(&secret), "{name}");
        }
    }
    let rotated = |name: &str| world.stack.template.rotations.iter().any(|it| it.secret_arn.contains(name));
    for item in items {
        let name = item["name"].as_str().unwrap();
        assert_eq!(*item, read(&world, &admin, name).await, "by its full name");
        assert_eq!(*item, read(&world, &admin, name.strip_prefix("innkeeper/local/").unwrap()).await);
        assert_eq!((&item["age_seconds"], &item["overdue"]), (&json!(600), &json!(false)));
        assert_eq!(item["rotates"], rotated(name), "{name}");
        assert_eq!(item["next_rotation_at"].is_string(), rotated(name));
        assert!(labelled(item, "AWSCURRENT").is_some());
    }
    let first = world.get(&admin, &format!("{SECRETS}?limit=1")).await.expect(200);
    assert_eq!(first["items"], json!([items[0]]));
    let query = format!("{SECRETS}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(world.get(&admin, &query).await.expect(200)["items"], json!([items[1]]));
    for name in ["nothing", "innkeeper/dev/signing-keys", "..%2Flocal", "a%20b"] {
        world.get(&admin, &path(name)).await.problem(404, "not_found");
        rotate(&world, &admin, name).await.problem(404, "not_found");
    }
    world.post(&admin, &path("signing-keys"), &Value::Null).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_a_rotation_is_ordered_once_and_written_down() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    let before = read(&world, &admin, "signing-keys").await;
    // It begins and does not end.
    let fault = Rule::error(400, "AccessDeniedException").on("secretsmanager", "UpdateSecretVersionStage");
    world.stack.gateway.faults().add(fault);
    let ordered = rotate(&world, &admin, "signing-keys").await;
    let request_id = ordered.header("x-request-id").unwrap().to_owned();
    let ordered = ordered.expect(202);
    assert_eq!(ordered["name"], SIGNING);
    rotate(&world, &admin, SIGNING).await.problem(409, "rotation_under_way");
    let status = ordered["status_url"].as_str().unwrap();
    let now = world.get(&admin, status).await.expect(200);
    assert_eq!(labelled(&now, "AWSPENDING"), ordered["version"].as_str());
    assert_eq!((&now["rotation_under_way"], &now["last_rotated_at"]), (&json!(true), &Value::Null));

    // Secrets Manager tries again by itself.
    let tried = async || (world.stack.gateway.faults().fired() > 0).then_some(());
    world.until("the first try", tried).await;
    world.stack.gateway.faults().clear();
    world.advance(SignedDuration::from_mins(61));
    let ended = async || {
        // Slower than a function may be: its time is the stack's.
        world.advance(SignedDuration::from_millis(200));
        let now = world.stack.secrets.run("DescribeSecret", json!({"SecretId": SIGNING})).await.unwrap();
        now["LastRotatedDate"].is_number().then_some(())
    };
    world.until("the end of the rotation", ended).await;
    let admin = world.bootstrap_admin().await;
    let after = read(&world, &admin, "signing-keys").await;
    assert_eq!(labelled(&after, "AWSCURRENT"), ordered["version"].as_str());
    assert_eq!(labelled(&after, "AWSPREVIOUS"), labelled(&before, "AWSCURRENT"));
    assert_eq!((&after["rotation_under_way"], labelled(&after, "AWSPENDING")), (&json!(false), None));

    let entries = world.items("audit");
    let entry: Vec<&Value> = entries.iter().filter(|e| e["action"]["S"] == "secret.rotation_ordered").collect();
    assert_eq!(entry.len(), 1, "a refusal is no order");
    assert_eq!(entry[0]["correlation_id"]["S"], request_id);
    assert_eq!(entry[0]["after"]["M"]["secret"]["S"], SIGNING);
    rotate(&world, &admin, "bootstrap-admin").await.problem(409, "not_rotated");

    let unused = world.stack.principals.unused();
    let unused: Vec<&String> =
        unused.iter().filter(|line| line.contains("AdminRotateSecret") && !line.ends_with(COUNTS)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_the_data_keys_show_how_far_their_re_seal_is() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    assert!(read(&world, &admin, "data-keys").await["reseal"].is_null(), "none yet");
    world.stack.secrets.rotate("innkeeper/local/data-keys").await.unwrap();
    // By then the new key is in use.
    world.advance(SignedDuration::from_mins(91));
    // Unless its schedule was faster.
    world.stack.invoke("reseal-watch", json!({})).await.unwrap();
    let admin = world.bootstrap_admin().await;
    let done = async || {
        let reseal = read(&world, &admin, "data-keys").await["reseal"].take();
        (reseal["state"] == "done").then_some(reseal)
    };
    let reseal = world.until("the end of the re-seal", done).await;
    assert_eq!((&reseal["tenants_found"], &reseal["tenants_done"]), (&json!(0), &json!(0)));
    assert_eq!(reseal["tenants_left"], json!([]));
    assert!(read(&world, &admin, "signing-keys").await["reseal"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn r32_what_was_not_rotated_in_time_is_overdue() {
    let world = World::open().await;
    let fault = Rule::error(400, "AccessDeniedException").from("rotate-refresh-keys");
    world.stack.gateway.faults().add(fault);
    for _ in 0..3 {
        world.advance(SignedDuration::from_hours(24 * 31 / 3));
    }
    let admin = world.bootstrap_admin().await;
    assert_eq!(read(&world, &admin, "refresh-keys").await["overdue"], false, "it has a day");
    world.advance(SignedDuration::from_hours(1));
    let admin = world.bootstrap_admin().await;
    assert_eq!(read(&world, &admin, "refresh-keys").await["overdue"], true);
    let said = world.stack.invoke("admin-overdue-secrets", json!({})).await.unwrap();
    let said = said["overdue"].as_array().unwrap();
    assert!(said.contains(&json!("innkeeper/local/refresh-keys")), "{said:?}");
    assert!(!said.contains(&json!("innkeeper/local/bootstrap-admin")), "nobody is to rotate it");
}

#[tokio::test(flavor = "multi_thread")]
async fn r37_a_compromised_signing_key_is_retired_by_an_operator() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.tenant("lantern").await;
    world.platform_user(&admin, "sam@platform.example", "support_admin").await;
    let sam = world.log_in("sam@platform.example", PASSWORD).await;
    let ada = world.log_in(&owner("lantern"), PASSWORD).await;
    let kid = ada.kid();
    assert_eq!(admin.kid(), kid);
    let route = |kid: &str| format!("/api/v1/admin/signing-keys/{kid}/retire");
    for caller in [&sam, &ada] {
        world.post(caller, &route(&kid), &Value::Null).await.problem(403, "forbidden");
    }
    for unknown in ["ffffffff", "a%20b"] {
        world.post(&admin, &route(unknown), &Value::Null).await.problem(404, "not_found");
    }
    world.get(&ada, "/api/v1/auth/whoami").await.expect(200);
    let retired = world.post(&admin, &route(&kid), &Value::Null).await;
    let request_id = retired.header("x-request-id").unwrap().to_owned();
    assert_eq!(retired.expect(200), json!({"retired": kid, "ring_changed": true}));
    for caller in [&ada, &admin, &sam] {
        world.get(caller, "/api/v1/auth/whoami").await.problem(401, "unauthenticated");
    }
    let admin = world.bootstrap_admin().await;
    assert_ne!(admin.kid(), kid);
    world.get(&admin, "/api/v1/auth/whoami").await.expect(200);
    let again = world.post(&admin, &route(&kid), &Value::Null).await.expect(200);
    assert_eq!(again["ring_changed"], false);

    let entries = world.items("audit");
    let entries: Vec<&Value> = entries.iter().filter(|e| e["action"]["S"] == "signing_key.retired").collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["correlation_id"]["S"], request_id);
    assert!(entries[0]["actor"]["S"].as_str().unwrap().starts_with("usr_"));
    let unused = world.stack.principals.unused();
    let unused: Vec<&String> =
        unused.iter().filter(|line| line.contains("RotateRetireSigningKey") && !line.ends_with(COUNTS)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_support_looks_and_only_the_platforms_admins_rotate() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.tenant("lantern").await;
    world.platform_user(&admin, "sam@platform.example", "support_admin").await;
    let sam = world.log_in("sam@platform.example", PASSWORD).await;
    let ada = world.log_in(&owner("lantern"), PASSWORD).await;
    world.get(&sam, SECRETS).await.expect(200);
    read(&world, &sam, "data-keys").await;
    rotate(&world, &sam, "data-keys").await.problem(403, "forbidden");
    for caller in [&ada] {
        world.get(caller, SECRETS).await.problem(403, "forbidden");
        world.get(caller, &path("data-keys")).await.problem(403, "forbidden");
        rotate(&world, caller, "data-keys").await.problem(403, "forbidden");
    }
    let unused = world.stack.principals.unused();
    let unused: Vec<&String> =
        unused.iter().filter(|line| line.contains("AdminSecrets") && !line.ends_with(COUNTS)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
