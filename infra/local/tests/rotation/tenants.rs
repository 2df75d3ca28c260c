//! R21: tenants' own secrets get new values every 90 days, and keep the last ones beside them: a silo's by Secrets Manager,
//! those of the pool by the hourly job.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::TenantId;
use jiff::SignedDuration;
use local::aws::faults::Rule;
use secrets::{DataKey, DataKeys, Sealed, Unsealable, WrappedKey};
use serde_json::{Value, json};

use crate::{
    announced::audited,
    world::{DATA, World},
};

const NAMES: [&str; 4] = ["jwt", "encryption", "cookie", "webhook"];
const LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A tenant's item of that kind, past IAM.
fn item(world: &World, tenant: &str, sk: &str) -> Value {
    let key = json!({"pk": {"S": format!("T#{tenant}")}, "sk": {"S": sk}});
    let get = json!({"TableName": "innkeeper-local-core", "Key": key});
    world.stack.dynamodb.run("GetItem", get).unwrap()["Item"].clone()
}

/// Signs a tenant up; READY.
async fn tenant(world: &World, name: &str, plan: &str) -> String {
    let signup = json!({
        "company_name": "Lantern Works", "subdomain": name, "admin_name": "Ada Admin",
        "admin_email": format!("ada@{name}.example"), "plan": plan, "region": "us-east-1",
    });
    let (status, accepted) = world.post("/api/v1/tenants", "", &signup).await;
    assert_eq!(status, 202, "{accepted}");
    let id = accepted["tenant_id"].as_str().unwrap().to_owned();
    let ready = async || {
        // A silo's table is waited for; each function has its ten seconds meanwhile.
        world.advance(SignedDuration::from_millis(50));
        (item(world, &id, "TENANT")["provisioning"]["M"]["status"]["S"] == "READY").then_some(())
    };
    world.until("READY", ready).await;
    id
}

/// Version, opened values, and those before them.
type Opened = (u64, [Vec<u8>; 4], Option<[Vec<u8>; 4]>);

/// They are read in several reads, between which a re-seal may come.
async fn opened(world: &World, id: &str) -> Opened {
    world.until("the secrets to open", async || opening(world, id).await.ok()).await
}

async fn opening(world: &World, id: &str) -> Result<Opened, Unsealable> {
    let (stored, tenant) = (item(world, id, "SECRETS"), TenantId::parse(id).unwrap());
    let blob = |value: &Value| STANDARD.decode(value["B"].as_str().unwrap()).unwrap();
    let wrapped = WrappedKey(blob(&item(world, id, "DATA-KEY")["wrapped"]));
    let ring = world.ring::<DataKeys>(DATA).await;
    let key = DataKey::unwrap(&wrapped, &ring, &tenant, world.now())?;
    let version = |of: &Value| of["version"]["N"].as_str().unwrap().parse::<u64>().unwrap();
    let values = |of: &Value| -> Result<[Vec<u8>; 4], Unsealable> {
        let open = |name| Ok(key.open(&tenant, name, version(of), &Sealed(blob(&of[name])))?.to_vec());
        let [first, second, third, fourth] = NAMES.map(open);
        Ok([first?, second?, third?, fourth?])
    };
    let previous = stored["previous"]["M"].is_object().then(|| values(&stored["previous"]["M"])).transpose()?;
    Ok((version(&stored), values(&stored)?, previous))
}

/// `secret.rotated` of the tenant, oldest first: which version.
fn heard(world: &World, id: &str) -> Vec<String> {
    let named = format!("innkeeper/local/tenant/{id}");
    let events = world.stack.events.events().into_iter().rev().filter(|event| event.detail["secret"] == named);
    events.map(|event| event.detail["version"].as_str().unwrap().to_owned()).collect()
}

async fn job(world: &World) -> Value {
    world.stack.invoke("rotate-pool-secrets", json!({})).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_the_pools_secrets_are_replaced_when_they_are_due_and_the_last_ones_stay() {
    let world = World::open().await;
    let id = tenant(&world, "lanterns", "starter").await;
    let (version, first, before) = opened(&world, &id).await;
    assert_eq!((version, before), (1, None));
    world.advance(LIFE - HOUR);
    job(&world).await;
    assert_eq!(opened(&world, &id).await.0, 1, "not yet");

    world.advance(SignedDuration::from_hours(25));
    let due = async || (!heard(&world, &id).is_empty()).then_some(());
    world.until("the hourly job", due).await;
    let (version, second, before) = opened(&world, &id).await;
    assert_eq!((version, before.as_ref()), (2, Some(&first)));
    assert!(second.iter().all(|value| value.len() == 32 && !first.contains(value)));

    world.advance(LIFE + HOUR);
    let again = async || heard(&world, &id).iter().any(|version| version == "3").then_some(());
    world.until("the next one", again).await;
    let (version, _, before) = opened(&world, &id).await;
    assert_eq!((version, before.as_ref()), (3, Some(&second)), "and nothing older");
    // At least once: two calls of the job may meet.
    let mut told = heard(&world, &id);
    told.dedup();
    assert_eq!(told, ["2", "3"]);
    let audit = world.stack.dynamodb.run("Scan", json!({"TableName": "innkeeper-local-audit"})).unwrap();
    let entries = audit["Items"].as_array().unwrap().iter().filter(|entry| entry["action"]["S"] == "secret.rotated");
    assert_eq!(entries.filter(|entry| entry["tenant"]["S"] == id).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_what_nobody_was_told_of_is_told_later_and_what_fails_does_not_stop_the_others() {
    let world = World::open().await;
    let (one, two) = (tenant(&world, "lanterns", "starter").await, tenant(&world, "torches", "professional").await);
    world.stack.gateway.faults().add(Rule::error(400, "AccessDeniedException").on("events", "PutEvents"));
    world.advance(LIFE + HOUR);
    let both = async || {
        let (one, two) = (opened(&world, &one).await.0, opened(&world, &two).await.0);
        ((one, two) == (2, 2)).then_some(())
    };
    world.until("both new, by the job of the schedule", both).await;
    assert!(heard(&world, &one).is_empty() && heard(&world, &two).is_empty());
    world.stack.gateway.faults().clear();
    world.advance(SignedDuration::from_hours(25));
    let told = async || (!heard(&world, &one).is_empty() && !heard(&world, &two).is_empty()).then_some(());
    world.until("the event", told).await;
    for id in [&one, &two] {
        assert_eq!(opened(&world, id).await.0, 2, "no new values for it");
        // At least once: two calls of the job may meet.
        assert!(heard(&world, id).iter().all(|version| version == "2"));
        let unmarked = async || item(&world, id, "SECRETS")["unannounced"].is_null().then_some(());
        world.until("the mark to go", unmarked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_the_pools_secrets_stay_readable_through_a_re_seal() {
    let world = World::open().await;
    let id = tenant(&world, "lanterns", "starter").await;
    world.advance(LIFE + HOUR);
    let due = async || (opened(&world, &id).await.0 == 2).then_some(());
    world.until("the hourly job", due).await;
    let (_, second, first) = opened(&world, &id).await;
    // The ring was due long ago, and is rotated by its schedule.
    let due = async || {
        world.advance(SignedDuration::from_secs(2));
        (world.keys(DATA).await == 2 && world.labelled(DATA, "AWSPENDING").await.is_none()).then_some(())
    };
    world.until("the rotation of the ring", due).await;
    let key = item(&world, &id, "DATA-KEY")["wrapped"].clone();
    world.advance(SignedDuration::from_mins(91));
    world.stack.invoke("reseal-watch", json!({})).await.unwrap();
    let moved = async || {
        let now = item(&world, &id, "DATA-KEY");
        (now["wrapped"] != key && now["previous"].is_null()).then_some(())
    };
    world.until("the re-seal", moved).await;
    assert_eq!(opened(&world, &id).await, (2, second, first));
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_a_silos_secret_has_its_schedule_and_keeps_the_last_ones() {
    let world = World::open().await;
    let id = tenant(&world, "palace", "enterprise").await;
    let secret = format!("innkeeper/local/tenant/{id}-1");
    let described = world.describe(&secret).await;
    assert_eq!(described["RotationRules"], json!({"AutomaticallyAfterDays": 90}));
    let value = async || {
        let read = world.stack.secrets.run("GetSecretValue", json!({"SecretId": secret})).await.unwrap();
        serde_json::from_str::<Value>(read["SecretString"].as_str().unwrap()).unwrap()
    };
    let first = value().await;
    world.advance(LIFE);
    let rotated = async || {
        world.advance(SignedDuration::from_millis(500));
        let now = value().await;
        (now != first).then_some(now)
    };
    let second = world.until("the rotation", rotated).await;
    for name in NAMES {
        assert_eq!(second["previous"][name], first[name]);
        assert!(second[name].as_str().unwrap().len() == 43 && second[name] != first[name], "{name}");
    }
    let arn = &described["ARN"];
    let told = async || world.stack.events.events().into_iter().find(|event| event.detail["secret"] == *arn);
    let event = world.until("the event", told).await;
    assert_eq!(event.detail["tenant_id"], id.as_str());
    let entries = audited(&world, &secret);
    assert!(!entries.is_empty() && entries.iter().all(|entry| entry["tenant"]["S"] == *id), "{entries:?}");
}
