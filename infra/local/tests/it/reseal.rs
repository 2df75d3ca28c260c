//! `statemachines/data-keys-reseal.asl.json`, proved: wherever it dies and whatever fails, every sealed value opens, none
//! is lost, and a key goes out of use only when nothing is under it.

mod proofs;

use std::{cell::RefCell, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{TenantId, VaultName};
use futures::FutureExt;
use jiff::SignedDuration;
use local::stack::LocalStack;
use secrecy::{ExposeSecret, SecretString};
use secrets::{DataKey, DataKeys, KeyRing, Sealed, WrappedKey};
use serde_json::{Value, json};
use testkit::SeededEntropy;

use crate::harness::{Holds, Ledger, Process, Scenario, Stage, holds};

const SECRET: &str = "innkeeper/local/data-keys";
/// One with a past of its own, and one that an earlier re-seal left half-way.
const TENANTS: [&str; 2] = ["tenant-calm-00000001", "tenant-torn-00000002"];
/// What the vault of each holds: name and version; the highest is the current one.
const VALUES: [(&str, u64); 4] = [("billing/stripe.key", 1), ("billing/stripe.key", 2), ("mail", 7), ("zulip", 1)];
const SECRETS: [&str; 4] = ["jwt", "encryption", "cookie", "webhook"];

/// The data keys have been rotated, and the new one is in use.
#[derive(Default)]
pub struct Rotated {
    stack: RefCell<Option<Arc<LocalStack>>>,
}

pub fn rotated() -> Rotated {
    Rotated::default()
}

impl Scenario for Rotated {
    const MACHINE: &'static str = "data-keys-reseal";

    fn opened(&self, process: &Process) {
        self.stack.replace(Some(process.stack.clone()));
    }

    async fn start(&self, stack: &LocalStack) {
        if ring(stack).all().len() == 1 {
            plant(stack);
        }
        // As its schedule does.
        let _ = stack.invoke("reseal-watch", json!({})).await;
    }

    /// It is begun again by itself, once people have had their hour.
    async fn retry(&self, stack: &LocalStack) {
        stack.clock.wait_until(stack.clock.now() + SignedDuration::from_mins(66)).await;
    }

    fn stage(&self, ledger: &Ledger) -> Stage {
        let Some(record) = record(ledger) else { return Stage::Absent };
        let run = record["run"].as_u64().unwrap() as u32;
        match record["state"].as_str().unwrap() {
            "done" => Stage::Ready(run),
            "failed" => Stage::Failed(run),
            _ => Stage::Running,
        }
    }

    fn failure(&self, ledger: &Ledger) -> Option<(String, String)> {
        let left = ledger.core.iter().filter(|((_, sk), _)| sk.starts_with("LEFT#")).map(|(_, item)| item.to_string());
        let why = record(ledger)?["why"].as_str()?;
        Some(("reseal".into(), format!("{why} {}", left.collect::<String>())))
    }

    fn expect_ready(&self, ledger: &Ledger, _: u32) -> Holds {
        let ring = self.ring();
        let now = self.now();
        let old = &ring.all()[0];
        holds(old.retire_at().is_some_and(|end| end <= now), || "the old key is in use".into())?;
        let new = ring.active(now).unwrap().id().to_string();
        for tenant in TENANTS {
            let key = item(ledger, tenant, "DATA-KEY");
            holds(key["key_id"] == new.as_str(), || format!("{tenant} is under {}", key["key_id"]))?;
            holds(key.get("previous").is_none(), || format!("{tenant} keeps a former key"))?;
        }
        let record = record(ledger).unwrap();
        let figures = (&record["total"], &record["done"]);
        holds(figures == (&json!(2), &json!(2)), || format!("total and done: {figures:?}"))?;
        holds(ledger.keys().iter().all(|key| !key.contains("LEFT#")), || "a failure is still on record".into())?;
        self.all_open(ledger)
    }

    /// A failure loses nothing and ends no key.
    fn clean_slate(&self, ledger: &Ledger, _: u32) -> Holds {
        let in_use = self.ring().all().iter().all(|key| key.retire_at().is_none());
        holds(in_use, || "a key was taken out of use".into())?;
        self.all_open(ledger)
    }
}

impl Rotated {
    fn stack(&self) -> Arc<LocalStack> {
        self.stack.borrow().clone().unwrap()
    }

    fn ring(&self) -> KeyRing<DataKeys> {
        ring(&self.stack())
    }

    fn now(&self) -> jiff::Timestamp {
        self.stack().clock.now()
    }

    /// Every value of every tenant, under the tenant's data key or the one before it.
    fn all_open(&self, ledger: &Ledger) -> Holds {
        for tenant in TENANTS {
            let stored = item(ledger, tenant, "DATA-KEY");
            let mut keys = vec![self.open(tenant, &stored)?];
            if let Some(former) = stored.get("previous") {
                keys.push(self.open(tenant, former)?);
            }
            let id = TenantId::parse(tenant).unwrap();
            for (name, version) in VALUES {
                let name = VaultName::parse(name).unwrap();
                let sealed = bytes(&item(ledger, tenant, &value_key(&name, version))["sealed"]);
                opens(&keys, &id, &name.sealed_as(), version, sealed)?;
            }
            for name in SECRETS {
                let secrets = item(ledger, tenant, "SECRETS");
                opens(&keys, &id, name, 2, bytes(&secrets[name]))?;
                opens(&keys, &id, name, 1, bytes(&secrets["previous"][name]))?;
            }
        }
        Ok(())
    }

    fn open(&self, tenant: &str, stored: &Value) -> Result<DataKey, String> {
        let wrapped = WrappedKey(bytes(&stored["wrapped"]));
        // As it would be read by a function whose ring is not the newest: what is out of use stays in the ring.
        let (ring, then) = (self.ring(), jiff::Timestamp::UNIX_EPOCH);
        let key = DataKey::unwrap(&wrapped, &ring, &TenantId::parse(tenant).unwrap(), then);
        key.map_err(|_| format!("the data key of {tenant} does not open"))
    }
}

fn opens(keys: &[DataKey], tenant: &TenantId, name: &str, version: u64, sealed: Vec<u8>) -> Holds {
    let sealed = Sealed(sealed);
    let key = keys.iter().find(|key| key.sealed(&sealed)).ok_or_else(|| format!("{name} is under an unknown key"))?;
    let plain = key.open(tenant, name, version, &sealed).map_err(|_| format!("{name} does not open"))?;
    holds(*plain == plain_of(tenant, name, version), || format!("{name} is another value"))
}

fn plain_of(tenant: &TenantId, name: &str, version: u64) -> Vec<u8> {
    format!("{name} {version} of {tenant}").into_bytes()
}

/// The re-seal's record.
pub fn record(ledger: &Ledger) -> Option<&Value> {
    ledger.core.get(&("PLATFORM#RESEAL".to_owned(), "STATE".to_owned()))
}

fn item(ledger: &Ledger, tenant: &str, sk: &str) -> Value {
    ledger.core.get(&(format!("T#{tenant}"), sk.to_owned())).cloned().unwrap_or_default()
}

/// Binary, as the ledger has it: plain at the top, in DynamoDB's JSON within a map.
fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap()
}

fn value_key(name: &VaultName, version: u64) -> String {
    let current = VALUES.iter().filter(|(other, _)| *other == name.to_string()).map(|(_, version)| *version).max();
    if current == Some(version) { format!("VAULT-VALUE#{name}") } else { format!("VAULT-VALUE#{name}#{version:010}") }
}

fn ring(stack: &LocalStack) -> KeyRing<DataKeys> {
    let value = stack.secrets.run("GetSecretValue", json!({"SecretId": SECRET})).now_or_never().unwrap().unwrap();
    KeyRing::parse(SECRET, &SecretString::from(value["SecretString"].as_str().unwrap())).unwrap()
}

/// A ring with a second key in use, and tenants whose data keys are under the first.
fn plant(stack: &LocalStack) {
    let (old, now, entropy) = (ring(stack), stack.clock.now(), SeededEntropy::new(99));
    for tenant in TENANTS {
        plant_tenant(stack, &old, tenant, &entropy);
    }
    let begun = now - SignedDuration::from_mins(1);
    let value = old.succeeded_by_a_new_key(begun, None, begun, &entropy).to_secret();
    let put = json!({"SecretId": SECRET, "SecretString": value.expose_secret(), "ClientRequestToken": "9".repeat(32)});
    stack.secrets.run("PutSecretValue", put).now_or_never().unwrap().unwrap();
}

fn plant_tenant(stack: &LocalStack, ring: &KeyRing<DataKeys>, tenant: &str, entropy: &SeededEntropy) {
    let (id, now) = (TenantId::parse(tenant).unwrap(), stack.clock.now());
    let (key, former) = (DataKey::generate(entropy), DataKey::generate(entropy));
    let wrapped = |key: &DataKey| {
        let wrapped = key.wrap(ring, &id, now, entropy).unwrap();
        json!({"key_id": {"S": wrapped.key_id().unwrap().to_string()}, "wrapped": blob(&wrapped.0)})
    };
    let torn = tenant.contains("torn");
    let seal = |name: &str, version, nth: usize| {
        let by = if torn && nth.is_multiple_of(2) { &former } else { &key };
        blob(&by.seal(&id, name, version, &plain_of(&id, name, version), entropy).unwrap().0)
    };
    let put = |sk: &str, mut item: Value| {
        item["pk"] = json!({"S": format!("T#{tenant}")});
        item["sk"] = json!({"S": sk});
        item["attempt"] = json!({"N": "1"});
        stack.dynamodb.run("PutItem", json!({"TableName": "innkeeper-local-core", "Item": item})).unwrap();
    };
    let mut data_key = wrapped(&key);
    if torn {
        data_key["previous"] = json!({"M": wrapped(&former)});
    }
    put("DATA-KEY", data_key);
    let mut secrets = json!({
        "kind": {"S": "pool"}, "made_at": {"S": "2026-01-01T00:00:00Z"}, "version": {"N": "2"},
        "previous": {"M": {"version": {"N": "1"}}},
    });
    for (nth, name) in SECRETS.into_iter().enumerate() {
        secrets[name] = seal(name, 2, nth);
        secrets["previous"]["M"][name] = seal(name, 1, nth + 1);
    }
    put("SECRETS", secrets);
    for (nth, (name, version)) in VALUES.into_iter().enumerate() {
        let name = VaultName::parse(name).unwrap();
        let (sealed, number) = (seal(&name.sealed_as(), version, nth), json!({"N": version.to_string()}));
        put(&value_key(&name, version), json!({"sealed": sealed, "version": number}));
    }
}

fn blob(bytes: &[u8]) -> Value {
    json!({"B": STANDARD.encode(bytes)})
}
