//! R06, R39: tenants are seen, changed, closed, opened, given up and restored; whatever comes at the same moment.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Caller, PASSWORD, World, owner};

const TENANTS: &str = "/api/v1/tenants";
const WHOAMI: &str = "/api/v1/auth/whoami";
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn of(tenant: &str) -> String {
    format!("{TENANTS}/{tenant}")
}

async fn suspend(world: &World, admin: &Caller, tenant: &str) -> u16 {
    world.post(admin, &format!("{}/suspend", of(tenant)), &json!({"reason": "the bill is not paid"})).await.status
}

/// The ids on a page, and where the next one begins.
async fn page(world: &World, admin: &Caller, query: &str) -> (Vec<String>, Option<String>) {
    let page = world.get(admin, &format!("{TENANTS}?{query}")).await.expect(200);
    let ids = page["items"].as_array().unwrap().iter().map(|item| item["tenant_id"].as_str().unwrap().to_owned());
    (ids.collect(), page["next_cursor"].as_str().map(str::to_owned))
}

/// Of the newest entry about it: before, and after.
fn audited(world: &World, action: &str) -> (Value, Value) {
    let entries = world.items("audit");
    let entry = entries.iter().rfind(|entry| entry["action"]["S"] == action).unwrap();
    (entry["before"]["M"].clone(), entry["after"]["M"].clone())
}

fn write(world: &World, tenant: &str, sk: &str, update: &str, values: Value) {
    let key = json!({"pk": {"S": format!("T#{tenant}")}, "sk": {"S": sk}});
    let mut update = json!({
        "TableName": "innkeeper-local-core", "Key": key, "UpdateExpression": update, "ExpressionAttributeValues": values,
    });
    if update["UpdateExpression"].as_str().unwrap().contains("#status") {
        update["ExpressionAttributeNames"] = json!({"#status": "status"});
    }
    world.stack.dynamodb.run("UpdateItem", update).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_tenants_are_listed_page_by_page_and_by_what_they_are() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    let mut ids = Vec::new();
    for name in ["harbour", "harvest", "island"] {
        ids.push(world.tenant(name).await);
    }
    world.put(&admin, &format!("{}/plan", of(&ids[1])), &json!({"plan": "professional"})).await.expect(200);
    assert_eq!(suspend(&world, &admin, &ids[2]).await, 200);

    let (first, next) = page(&world, &admin, "limit=2").await;
    assert_eq!(first, ids[..2]);
    let (second, end) = page(&world, &admin, &format!("limit=2&cursor={}", next.unwrap())).await;
    assert_eq!((second.as_slice(), end), (&ids[2..], None));
    for (query, expected) in [
        ("status=READY", &ids[..2]),
        ("status=SUSPENDED", &ids[2..]),
        ("plan=professional", &ids[1..2]),
        ("region=us-east-1&plan=starter&status=READY", &ids[..1]),
        ("subdomain_prefix=har", &ids[..2]),
        ("subdomain_prefix=harb&status=READY", &ids[..1]),
        ("region=eu-west-1", &[]),
    ] {
        assert_eq!(page(&world, &admin, query).await, (expected.to_vec(), None), "{query}");
    }
    // The beginning of an id, and of no subdomain.
    let beginning = &ids[0].strip_prefix("tenant-").unwrap()["harbour-".len() - 1..][..3];
    assert_eq!(page(&world, &admin, &format!("subdomain_prefix=harbour{beginning}")).await, (vec![], None));
    let elsewhere = URL_SAFE_NO_PAD.encode(&ids[2]);
    let query = format!("{TENANTS}?subdomain_prefix=harb&cursor={elsewhere}");
    world.get(&admin, &query).await.problem(400, "invalid_query");
    for query in
        ["status=ready", "plan=free", "region=here", "subdomain_prefix=", "colour=red", "status=READY&status=READY"]
    {
        world.get(&admin, &format!("{TENANTS}?{query}")).await.problem(400, "invalid_query");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_a_change_names_the_version_that_it_was_decided_on() {
    let world = World::open().await;
    let tenant = world.tenant("harbour").await;
    let owner = world.log_in(&owner("harbour"), PASSWORD).await;
    let seen = world.get(&owner, &of(&tenant)).await.expect(200);
    assert_eq!(
        (&seen["status"], &seen["plan"], &seen["limits"]["admins"]),
        (&json!("READY"), &json!("starter"), &json!(2))
    );

    let rename = |name: &str| json!({"version": seen["version"], "company_name": name});
    let (path, names) = (of(&tenant), [0, 1, 2, 3].map(|n| rename(&format!("Lantern Works {n}"))));
    let answers = join_all(names.iter().map(|body| world.patch(&owner, &path, body))).await;
    let won: Vec<Value> =
        answers.iter().filter(|answer| answer.status == 200).map(|answer| answer.expect(200)).collect();
    assert_eq!(won.len(), 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(|answer| {
        answer.problem(409, "version_conflict");
    });
    let now = world.get(&owner, &of(&tenant)).await.expect(200);
    assert_eq!((&now["company_name"], &now["version"]), (&won[0]["company_name"], &won[0]["version"]));
    let (before, after) = audited(&world, "tenant.updated");
    assert_eq!(before["company_name"]["S"], "Lantern Works");
    assert_eq!(after["company_name"]["S"], now["company_name"]);
    let listed = world.items("core").into_iter().find(|item| item["pk"]["S"] == "PLATFORM#TENANTS").unwrap();
    assert_eq!(listed["company_name"]["S"], now["company_name"]);

    let bad = world.patch(&owner, &of(&tenant), &json!({"company_name": "x", "plan": "enterprise"})).await;
    let bad = bad.problem(422, "invalid_fields");
    for (place, pointer) in ["/plan", "/version", "/company_name"].into_iter().enumerate() {
        assert_eq!(bad["errors"][place]["pointer"], pointer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r39_a_plan_that_allows_less_than_there_is_is_refused_and_says_why() {
    let world = World::open().await;
    let (tenant, admin) = (world.tenant("harbour").await, world.bootstrap_admin().await);
    let plan = async |plan: &str| world.put(&admin, &format!("{}/plan", of(&tenant)), &json!({"plan": plan})).await;
    let bigger = plan("professional").await.expect(200);
    assert_eq!((&bigger["plan"], &bigger["limits"]["admins"]), (&json!("professional"), &json!(10)));
    let (before, after) = audited(&world, "tenant.plan_changed");
    assert_eq!((&before["plan"]["S"], &after["plan"]["S"]), (&json!("starter"), &json!("professional")));

    write(&world, &tenant, "TENANT", "SET admins = :n", json!({":n": {"N": "3"}}));
    let refused = plan("starter").await.problem(409, "plan_limit");
    assert!(refused["detail"].as_str().unwrap().contains("3 owners and admins"), "{refused}");
    write(&world, &tenant, "TENANT", "SET admins = :n", json!({":n": {"N": "2"}}));
    assert_eq!(plan("starter").await.expect(200)["plan"], "starter");
    plan("enterprise").await.problem(409, "isolation_change");
    plan("free").await.problem(422, "invalid_fields");
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_suspended_is_closed_from_the_next_request_and_activated_as_it_was() {
    let world = World::open().await;
    let (tenant, admin) = (world.tenant("harbour").await, world.bootstrap_admin().await);
    let owner_of = owner("harbour");
    let person = world.log_in(&owner_of, PASSWORD).await;
    let reasons = world.post(&admin, &format!("{}/suspend", of(&tenant)), &json!({"reason": "because"})).await;
    reasons.problem(422, "invalid_fields");
    assert_eq!(suspend(&world, &admin, &tenant).await, 200);
    world.get(&person, WHOAMI).await.problem(401, "unauthenticated");
    assert_ne!(world.try_log_in(&world.somebody(), &owner_of, PASSWORD).await.status, 200);
    let seen = world.get(&admin, &of(&tenant)).await.expect(200);
    assert_eq!((&seen["status"], &seen["suspension"]["reason"]), (&json!("SUSPENDED"), &json!("the bill is not paid")));
    let (before, after) = audited(&world, "tenant.suspended");
    assert_eq!((&before["status"]["S"], &after["status"]["S"]), (&json!("READY"), &json!("SUSPENDED")));
    assert_eq!(after["reason"]["S"], "the bill is not paid");
    assert_eq!(suspend(&world, &admin, &tenant).await, 409);

    let member = world.items("core").into_iter().find(|item| item["sk"]["S"].as_str().unwrap().starts_with("MEMBER#"));
    let member = member.unwrap()["sk"]["S"].as_str().unwrap().to_owned();
    write(&world, &tenant, &member, "SET #status = :is", json!({":is": {"S": "disabled"}}));
    world.post(&admin, &format!("{}/activate", of(&tenant)), &Value::Null).await.expect(200);
    world.get(&person, WHOAMI).await.problem(401, "unauthenticated");
    write(&world, &tenant, &member, "SET #status = :is", json!({":is": {"S": "active"}}));
    world.get(&person, WHOAMI).await.expect(200);
    world.post(&admin, &format!("{}/activate", of(&tenant)), &Value::Null).await.problem(409, "wrong_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_nobody_is_in_a_tenant_once_its_suspension_is_answered() {
    let world = World::open().await;
    let (tenant, admin) = (world.tenant("harbour").await, world.bootstrap_admin().await);
    let credentials = json!({"email": owner("harbour"), "password": PASSWORD});
    for _ in 0..4 {
        let signed_in = world.post(&world.somebody(), "/api/v1/auth/login", &credentials).await.expect(200);
        let refresh = json!({"refresh_token": signed_in["refresh_token"]});
        let callers: Vec<Caller> = (0..3).map(|_| world.somebody()).collect();
        let logins = join_all(callers[..2].iter().map(|it| world.post(it, "/api/v1/auth/login", &credentials)));
        let refreshed = world.post(&callers[2], "/api/v1/auth/refresh", &refresh);
        let (status, logins, refreshed) = tokio::join!(suspend(&world, &admin, &tenant), logins, refreshed);
        assert_eq!(status, 200);
        for answer in logins.iter().chain([&refreshed]).filter(|answer| answer.status == 200) {
            let token = answer.expect(200)["access_token"].as_str().unwrap().to_owned();
            world.get(&world.somebody().with(&token), WHOAMI).await.problem(401, "unauthenticated");
        }
        world.post(&admin, &format!("{}/activate", of(&tenant)), &Value::Null).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_a_tenant_on_its_way_is_not_suspended_and_arrives_or_is_suspended_and_gets_its_mail() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    let signup = json!({
        "company_name": "Lantern Works", "subdomain": "harbour", "admin_name": "Ada Admin",
        "admin_email": owner("harbour"), "plan": "starter", "region": "us-east-1",
    });
    let accepted = world.post(&world.somebody(), TENANTS, &signup).await.expect(202);
    let tenant = accepted["tenant_id"].as_str().unwrap();
    let refused = std::cell::Cell::new(0);
    world
        .until("the suspension", async || {
            let status = suspend(&world, &admin, tenant).await;
            assert!([200, 409, 503].contains(&status), "{status}");
            refused.set(refused.get() + u32::from(status == 409));
            (status == 200).then_some(())
        })
        .await;
    assert!(refused.get() > 0, "it was never too early");
    world.mailed_token(&owner("harbour")).await;
    assert_eq!(world.get(&admin, &of(tenant)).await.expect(200)["status"], "SUSPENDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_what_is_given_up_is_closed_and_can_be_restored_for_thirty_days() {
    let world = World::open().await;
    let tenant = world.tenant("harbour").await;
    let person = world.log_in(&owner("harbour"), PASSWORD).await;
    world.advance(SignedDuration::from_mins(11));
    world.delete(&person, &of(&tenant)).await.problem(401, "insufficient_user_authentication");
    let person = world.log_in(&owner("harbour"), PASSWORD).await;
    let given_up = world.delete(&person, &of(&tenant)).await.expect(202);
    assert_eq!(
        (&given_up["status"], &given_up["removal"]["due_at"]),
        (&json!("DEPROVISIONING"), &json!("2026-03-31T09:11:00Z"))
    );
    world.get(&person, WHOAMI).await.problem(401, "unauthenticated");

    let admin = world.bootstrap_admin().await;
    world.delete(&admin, &of(&tenant)).await.problem(409, "wrong_state");
    world.advance(DAY * 29);
    let admin = world.log_in(&world.bootstrap().await.0, &world.bootstrap().await.1).await;
    let path = format!("{}/restore", of(&tenant));
    let restored = join_all((0..3).map(|_| world.post(&admin, &path, &Value::Null))).await;
    assert_eq!(restored.iter().filter(|answer| answer.status == 200).count(), 1);
    let seen = world.get(&admin, &of(&tenant)).await.expect(200);
    assert_eq!((&seen["status"], &seen["removal"]), (&json!("READY"), &Value::Null));
    world.log_in(&owner("harbour"), PASSWORD).await;
    assert!(world.items("core").iter().all(|item| item["pk"]["S"] != "PLATFORM#REMOVALS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_what_was_suspended_and_given_up_is_restored_suspended() {
    let world = World::open().await;
    let (tenant, admin) = (world.tenant("harbour").await, world.bootstrap_admin().await);
    assert_eq!(suspend(&world, &admin, &tenant).await, 200);
    world.delete(&admin, &of(&tenant)).await.expect(202);
    assert_eq!(suspend(&world, &admin, &tenant).await, 409);
    let restored = world.post(&admin, &format!("{}/restore", of(&tenant)), &Value::Null).await.expect(200);
    assert_eq!(
        (&restored["status"], &restored["suspension"]["reason"]),
        (&json!("SUSPENDED"), &json!("the bill is not paid"))
    );
}
