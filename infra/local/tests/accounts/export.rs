//! R06, R24: a tenant takes with it what there is of it, and nothing secret.

use std::collections::BTreeSet;

use bytes::Bytes;
use domain::{ContentDigest, TenantId};
use exports::{BucketError, Exports, Place};
use http::Request;
use jiff::SignedDuration;
use local::aws::faults::Rule;
use serde_json::{Value, json};

use crate::world::{Caller, PASSWORD, World, owner};

const CANARY: &str = "canary-7f3a1e5b9d-in-the-vault";
const FUNCTION: &str = "tenants-export";

fn of(tenant: &str) -> String {
    format!("/api/v1/tenants/{tenant}/exports")
}

/// What the link leads to: status, and the object.
async fn fetch(world: &World, url: &str) -> (u16, String) {
    let path = url.strip_prefix("http://127.0.0.1:0").unwrap();
    let request = Request::get(path).header("host", "127.0.0.1:0").body(Bytes::new()).unwrap();
    let found = world.stack.gateway.call(request).await.unwrap();
    (found.status().as_u16(), String::from_utf8(found.body().to_vec()).unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn objects(world: &World) -> Vec<(String, Bytes)> {
    world.stack.s3.objects(&world.stack.template.buckets[0].name).unwrap()
}

/// A tenant with one of everything; its id, its owner, and every secret that somebody was told.
async fn furnished(world: &World) -> (String, Caller, Vec<String>) {
    let tenant = world.tenant("harbour").await;
    let person = world.log_in(&owner("harbour"), PASSWORD).await;
    let below = |rest: &str| format!("/api/v1/tenants/{tenant}/{rest}");
    world.put(&person, "/api/v1/vault/harbour/pilot-3", &json!({"value": CANARY})).await.expect(200);
    let key = json!({"name": "pilots", "scopes": ["member.read"]});
    let key = world.post(&person, &below("api-keys"), &key).await.expect(201);
    let invited = json!({"email": "mary@harbour.example", "role": "agent"});
    world.post(&person, &below("invitations"), &invited).await.expect(201);
    let operator = world.bootstrap_admin().await;
    world.put(&operator, &below("plan"), &json!({"plan": "professional"})).await.expect(200);
    let webhook = json!({"url": "https://hooks.harbour.example/in", "events": ["secret.rotated"]});
    let webhook = world.post(&person, &below("webhooks"), &webhook).await.expect(201);
    let [secret, signing] =
        [&key["api_key"], &webhook["signing_secret"]].map(|shown| shown.as_str().unwrap().to_owned());
    // An export has what was before it, and time stands still.
    world.advance(SignedDuration::from_secs(1));
    let secrets = [CANARY.to_owned(), PASSWORD.into(), secret, signing, person.token().into()];
    let mailed = [world.mailed_token("mary@harbour.example").await, world.mailed_token(&owner("harbour")).await];
    (tenant, person, secrets.into_iter().chain(mailed).collect())
}

/// Everything in the table that is sealed, hashed or a digest, wherever it stands: what an export must not have, of whomever.
fn guarded(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("B").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| guarded(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| guarded(item, found)),
        Value::String(text) => {
            let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_digest || text.starts_with("$argon2") || text.starts_with("ink_") {
                found.insert(text.clone());
            }
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_r24_an_export_has_what_there_is_of_the_tenant_and_nothing_secret() {
    let world = World::open().await;
    world.tenant("elsewhere").await;
    let (tenant, person, mut secrets) = furnished(&world).await;
    let answer = world.post(&person, &of(&tenant), &json!({})).await;
    assert!(answer.header("ratelimit").unwrap().contains(r#""export";r=59"#), "{:?}", answer.header("ratelimit"));
    let export = answer.expect(201);
    let (status, text) = fetch(&world, export["url"].as_str().unwrap()).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(export["bytes"], text.len());
    assert_eq!(export["sha256"], ContentDigest::of(text.as_bytes()).as_str());
    assert_eq!((&export["expires_at"], &export["next_cursor"]), (&json!("2026-03-01T09:15:01Z"), &Value::Null));

    let lines = lines(&text);
    assert_eq!(export["lines"], lines.len());
    assert!(lines.iter().all(|line| line["schema"] == 1));
    let of_type = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    assert_eq!(of_type("tenant")[0]["tenant_id"], *tenant);
    assert_eq!(of_type("member")[0]["email"], *owner("harbour"));
    assert_eq!(of_type("invitation")[0]["email"], "mary@harbour.example");
    assert_eq!(of_type("api_key")[0]["name"], "pilots");
    assert_eq!(of_type("webhook")[0]["url"], "https://hooks.harbour.example/in");
    assert_eq!(of_type("vault_entry")[0]["name"], "harbour/pilot-3");
    let kinds = ["tenant", "member", "invitation", "api_key", "webhook", "vault_entry"];
    assert_eq!(kinds.map(|kind| of_type(kind).len()), [1; 6]);
    let actions: BTreeSet<&str> = of_type("audit_entry").iter().map(|line| line["action"].as_str().unwrap()).collect();
    for action in ["tenant.requested", "tenant.activated", "vault.written", "api_key.created", "invitation.sent"] {
        assert!(actions.contains(action), "{actions:?}");
    }
    assert!(!text.contains("elsewhere"), "another tenant is in it");

    let mut stored = BTreeSet::new();
    world.items("core").iter().for_each(|item| guarded(item, &mut stored));
    assert!(stored.len() > 12, "the scan found {stored:?}");
    secrets.extend(stored);
    for secret in &secrets {
        assert!(!text.contains(secret), "the export has {secret}");
    }
    assert!(secrets.iter().any(|secret| secret.starts_with("$argon2")) && secrets.contains(&CANARY.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_an_export_is_told_of_and_who_cannot_tell_gets_none() {
    let world = World::open().await;
    let (tenant, person, _) = furnished(&world).await;
    let export = world.post(&person, &of(&tenant), &Value::Null).await.expect(201);
    let told = |world: &World| -> Vec<Value> {
        world.items("audit").into_iter().filter(|entry| entry["action"]["S"] == "tenant.exported").collect()
    };
    let entries = told(&world);
    let after = &entries[0]["after"]["M"];
    assert_eq!((entries.len(), &after["export_id"]["S"]), (1, &export["export_id"]));
    assert_eq!((&after["sha256"]["S"], &entries[0]["tenant"]["S"]), (&export["sha256"], &json!(tenant)));
    assert!(entries[0]["actor"]["S"].as_str().unwrap().starts_with("usr_"));

    world
        .stack
        .gateway
        .faults()
        .add(Rule::error(400, "AccessDeniedException").on("dynamodb", "PutItem").from(FUNCTION));
    let refused = world.post(&person, &of(&tenant), &Value::Null).await;
    assert!(refused.status >= 500 && refused.expect(refused.status)["url"].is_null());
    world.stack.gateway.faults().clear();
    world.stack.gateway.faults().add(Rule::error(503, "SlowDown").on("s3", "PutObject").nth(1));
    world.post(&person, &of(&tenant), &Value::Null).await.expect(201);
    assert_eq!(world.stack.gateway.faults().fired(), 1, "a busy bucket is asked again");
    world.stack.gateway.faults().clear();
    assert_eq!(told(&world).len(), 2);

    for body in [json!({"cursor": "members"}), json!({"cursor": 1}), json!({"from": "x"})] {
        world.post(&person, &of(&tenant), &body).await.problem(422, "invalid_fields");
    }
    // Half an hour later nobody knows any more who sits there; seven days later the files are gone.
    world.advance(SignedDuration::from_mins(11));
    world.post(&person, &of(&tenant), &Value::Null).await.problem(401, "insufficient_user_authentication");
    world.advance(SignedDuration::from_mins(4));
    assert_eq!(fetch(&world, export["url"].as_str().unwrap()).await.0, 403);
    assert_eq!(objects(&world).len(), 3);
    world.advance(SignedDuration::from_hours(7 * 24));
    assert!(objects(&world).is_empty());
}

/// Of the function's own rights, in parts of so many bytes.
fn exports(world: &World, bytes: usize) -> Exports {
    world.stack.functions.env(FUNCTION).unwrap().exports().unwrap().in_parts_of(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_an_export_in_many_parts_is_the_same_and_no_part_is_longer_than_a_page_more() {
    let world = World::open().await;
    let (tenant, person, _) = furnished(&world).await;
    let id = TenantId::parse(&tenant).unwrap();
    let (until, name) = (world.stack.clock.now(), |part: &str| format!("exports/{part}"));
    let whole = exports(&world, usize::MAX).put(&id, Place::default(), until, |_| name("whole")).await.unwrap();
    let (mut next, mut parts) = (Some(Place::default()), 0);
    while let Some(place) = next {
        let part = exports(&world, 100).put(&id, place, until, |_| name(&format!("part-{parts}"))).await.unwrap();
        (next, parts) = (part.next, parts + 1);
    }
    let objects = objects(&world);
    let text = |key: &str| objects.iter().find(|(name, _)| name.ends_with(key)).unwrap().1.clone();
    let joined: Vec<u8> = (0..parts).flat_map(|part| text(&format!("/part-{part}"))).collect();
    assert_eq!((parts, whole.next), (7, None), "a part for each section");
    assert!(joined == text("/whole"));

    // Over the API the same goes by cursors, which lead nowhere but into the tenant that one is let into.
    let cursor = lambda::http::cursor(&"vault".parse::<Place>().unwrap());
    let rest = world.post(&person, &of(&tenant), &json!({"cursor": cursor})).await.expect(201);
    let (_, rest) = fetch(&world, rest["url"].as_str().unwrap()).await;
    assert_eq!(lines(&rest)[0]["type"], "vault_entry");
    let admin = world.bootstrap_admin().await;
    let nobody = of("tenant-harbour-00000000");
    for body in [json!({}), json!({"cursor": cursor})] {
        world.post(&admin, &nobody, &body).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_who_exports_on_demand_cannot_reach_what_removed_tenants_left() {
    let world = World::open().await;
    let exports = exports(&world, usize::MAX);
    let refused = exports.bucket().put("removed/tenant-demo-00000000/x", "x").await;
    assert!(matches!(refused, Err(BucketError::Refused(403))));
    let link = exports.bucket().link("removed/x", SignedDuration::from_mins(1)).await.unwrap();
    assert_eq!(fetch(&world, link.expose()).await.0, 403);
}
