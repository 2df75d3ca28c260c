//! `statemachines/tenant-deprovisioning.asl.json`, proved: wherever it dies and whatever fails, in the end nothing of the tenant
//! is left in any store but its record without people, the receipt, the tombstone and the audit log; and others keep theirs.

mod proofs;

use std::sync::{Mutex, OnceLock};

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use local::stack::LocalStack;
use serde_json::{Value, json};

use crate::{
    deployer::{Deployer, Manner},
    harness::{Holds, Lab, Ledger, Plan, Process, Scenario, Stage, holds},
    provisioning::{pool, silo, tenant},
};

const CORE: &str = "innkeeper-local-core";
const MACHINE: &str = "tenant-deprovisioning";
/// Somebody who is in this tenant and in another.
const GUEST: &str = "usr_00000000000000000000000000000009";
const ELSEWHERE: &str = "tenant-elsewhere-00000001";

/// A tenant that was given up thirty days ago.
pub struct Removal {
    items: &'static [Value],
    deployer: Option<Deployer>,
}

pub fn of_pool() -> Removal {
    static ITEMS: OnceLock<Vec<Value>> = OnceLock::new();
    Removal { items: ITEMS.get_or_init(|| provisioned(false)), deployer: None }
}

pub fn of_silo() -> Removal {
    static ITEMS: OnceLock<Vec<Value>> = OnceLock::new();
    Removal { items: ITEMS.get_or_init(|| provisioned(true)), deployer: None }
}

/// Deployed by a deployer, which is there still.
pub fn of_deployed() -> Removal {
    Removal { deployer: Some(Deployer::new(Manner::AtOnce)), ..of_pool() }
}

/// Everything that a tenant's provisioning leaves for longer than thirty days.
fn provisioned(is_silo: bool) -> Vec<Value> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap();
    let lab = Lab::memory(if is_silo { silo() } else { pool() });
    lab.process(Plan::default(), async |process| {
        process.run(&lab.scenario).await;
        let mut found = process.stack.dynamodb.run("Scan", json!({"TableName": CORE})).unwrap();
        let items = found["Items"].as_array_mut().unwrap();
        let stays = |item: &Value| item.get("ttl").is_none() && item["pk"]["S"].as_str().unwrap() != "PLATFORM#SIGNING";
        items.iter().filter(|item| stays(item)).cloned().collect()
    })
}

fn text(item: &Value, name: &str) -> String {
    item[name]["S"].as_str().unwrap_or_default().to_owned()
}

fn put(stack: &LocalStack, item: &Value) {
    stack.dynamodb.run("PutItem", json!({"TableName": CORE, "Item": item})).unwrap();
}

fn at(pk: &str, sk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}})
}

impl Removal {
    fn id(&self) -> String {
        let record = self.items.iter().find(|item| text(item, "sk") == "TENANT");
        text(record.unwrap(), "tenant_id")
    }

    fn owner(&self) -> String {
        let owner = self.items.iter().find(|item| text(item, "sk") == "IDENTITY");
        text(owner.unwrap(), "identity_id")
    }

    fn is_silo(&self) -> bool {
        self.items.iter().any(|item| text(item, "sk") == "TENANT" && text(item, "plan") == "enterprise")
    }

    /// As the order leaves it, thirty days before now; with a vault, a guest, and sessions.
    fn plant(&self, stack: &LocalStack) {
        let (id, now) = (self.id(), stack.clock.now());
        for item in self.items {
            let mut item = item.clone();
            if text(&item, "sk") == "TENANT" {
                item["provisioning"]["M"]["status"] = json!({"S": "DEPROVISIONING"});
            }
            if text(&item, "pk") == "PLATFORM#TENANTS" {
                item["status"] = json!({"S": "DEPROVISIONING"});
            }
            if text(&item, "sk") == "STACK" && self.deployer.is_some() {
                item["deployer"] = json!({"S": "webhook"});
            }
            put(stack, &item);
        }
        let due = now - SignedDuration::from_secs(1);
        self.order(stack, due);
        let own = format!("T#{id}");
        for sk in ["VAULT-VALUE#a", "VAULT-USED#b", "MAIL#welcome#2"] {
            put(stack, &at(&own, sk));
        }
        // A re-seal could not move its values.
        let mut left = at("PLATFORM#RESEAL", &format!("LEFT#{id}"));
        let fields = json!({"tenant_id": {"S": id}, "why": {"S": "unsealable"}, "at": {"S": now.to_string()}});
        left.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        put(stack, &left);
        plant_listed(stack, &id, &self.owner());
        self.plant_guest(stack);
        plant_session(stack, &self.owner(), &id, 1);
        if self.is_silo() {
            plant_silo(stack, &id);
        }
    }

    fn order(&self, stack: &LocalStack, due: Timestamp) {
        let id = self.id();
        let mut lifecycle = at(&format!("T#{id}"), "LIFECYCLE");
        lifecycle["removal"] = json!({"M": {
            "by": {"S": self.owner()}, "at": {"S": (due - SignedDuration::from_hours(720)).to_string()},
            "due": {"S": due.to_string()}, "was": {"S": "READY"}, "request": {"S": "req_the-order-00001"},
        }});
        put(stack, &lifecycle);
        put(stack, &at("PLATFORM#REMOVALS", &format!("{:011}#{id}", due.as_second())));
    }

    /// Who keeps their identity, their other membership, and the session in it.
    fn plant_guest(&self, stack: &LocalStack) {
        let id = self.id();
        for item in self.items {
            let mut item = item.clone();
            match text(&item, "sk").as_str() {
                "IDENTITY" => {
                    item["email"] = json!({"S": "guest@elsewhere.com"});
                    item["name"] = json!({"S": "Someone Else"});
                    item["memberships"] = json!({"N": "2"});
                }
                sk if sk.starts_with("MEMBER#") => item["sk"] = json!({"S": format!("MEMBER#{GUEST}")}),
                sk if sk == format!("TENANT#{id}") => {}
                _ => continue,
            }
            if item.get("identity_id").is_some() {
                item["identity_id"] = json!({"S": GUEST});
            }
            if text(&item, "pk").starts_with("ID#") {
                item["pk"] = json!({"S": format!("ID#{GUEST}")});
            }
            put(stack, &item);
        }
        put(stack, &at("EMAIL#guest@elsewhere.com", "CLAIM"));
        put(stack, &at(&format!("ID#{GUEST}"), &format!("TENANT#{ELSEWHERE}")));
        plant_session(stack, GUEST, &id, 2);
        plant_session(stack, GUEST, ELSEWHERE, 3);
    }

    fn expected_keys(&self) -> Vec<String> {
        let id = self.id();
        let mut keys = vec![
            format!("T#{id} / TENANT"),
            format!("T#{id} / RECEIPT"),
            format!("PLATFORM#TENANTS / {id}"),
            "SUBDOMAIN#demo / CLAIM".into(),
            "EMAIL#guest@elsewhere.com / CLAIM".into(),
        ];
        keys.extend(["IDENTITY", &format!("TENANT#{ELSEWHERE}"), &session(3)].map(|sk| format!("ID#{GUEST} / {sk}")));
        keys
    }
}

fn session(nth: u32) -> String {
    format!("~SESSION#ses_{nth:032}")
}

/// What an export lists.
fn plant_listed(stack: &LocalStack, id: &str, owner: &str) {
    let then = json!({"S": "2026-01-01T00:00:00Z"});
    let mut entry = at(&format!("T#{id}"), "VAULT#a");
    let fields = json!({
        "name": {"S": "a"}, "version": {"N": "1"}, "oldest": {"N": "1"}, "created_at": then, "created_by": {"S": owner},
        "updated_at": then, "updated_by": {"S": owner},
    });
    entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    put(stack, &entry);
    let invited = format!("inv_{}", "1".repeat(32));
    let mut invitation = at(&format!("T#{id}"), &format!("INVITATION#{invited}"));
    let fields = json!({
        "invitation_id": {"S": invited}, "tenant_id": {"S": id}, "email": {"S": "mary@demo.com"}, "role": {"S": "agent"},
        "token": {"S": "2".repeat(64)}, "invited_by": {"S": owner}, "created_at": then, "expires_at": then,
    });
    invitation.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    put(stack, &invitation);
    let hook = format!("whk_{}", "3".repeat(16));
    let mut webhook = at(&format!("T#{id}"), &format!("WEBHOOK#{hook}"));
    let fields = json!({
        "webhook_id": {"S": hook}, "url": {"S": "https://hooks.demo.com/in"}, "events": {"L": [{"S": "secret.rotated"}]},
        "version": {"N": "1"}, "created_at": then, "created_by": {"S": owner},
    });
    webhook.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    put(stack, &webhook);
}

fn plant_session(stack: &LocalStack, person: &str, tenant: &str, nth: u32) {
    let mut item = at(&format!("ID#{person}"), &session(nth));
    item["tenant_id"] = json!({"S": tenant});
    put(stack, &item);
}

fn plant_silo(stack: &LocalStack, id: &str) {
    let table = format!("innkeeper-local-silo-{id}-1");
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let create = json!({
        "TableName": table, "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true,
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
    });
    stack.dynamodb.run("CreateTable", create).unwrap();
    let secret = json!({
        "Name": format!("innkeeper/local/tenant/{id}-1"), "SecretString": "{}", "ClientRequestToken": "7".repeat(32),
    });
    stack.secrets.run("CreateSecret", secret).now_or_never().unwrap().unwrap();
}

fn runs(ledger: &Ledger) -> Vec<&str> {
    let ours = ledger.executions.iter().filter(|run| run.arn.contains(MACHINE));
    ours.map(|run| run.status.as_str()).collect()
}

/// The receipt names the one object that there is, which has everything that was removed after it.
fn exported(ledger: &Ledger, id: &str) -> Holds {
    let receipt = &ledger.core[&(format!("T#{id}"), "RECEIPT".to_owned())];
    let parts = receipt["export"].as_array().cloned().unwrap_or_default();
    let [(key, body)] = &ledger.objects[..] else { return Err(format!("{} objects", ledger.objects.len())) };
    holds(parts.len() == 1 && parts[0]["key"] == **key, || receipt.to_string())?;
    holds(key.starts_with(&format!("removed/{id}/")), || key.clone())?;
    let digest = domain::ContentDigest::of(body);
    holds(parts[0]["sha256"] == digest.as_str(), || format!("{receipt} is not {digest}"))?;
    let text = String::from_utf8_lossy(body);
    for of in ["tenant", "member", "invitation", "webhook", "vault_entry"] {
        holds(text.contains(&format!("\"type\":\"{of}\"")), || format!("no {of} in {text}"))?;
    }
    for word in ["admin@demo.com", "guest@elsewhere.com", "mary@demo.com", "Demo ISP"] {
        holds(text.contains(word), || format!("no {word} in {text}"))?;
    }
    holds(!text.contains(&"2".repeat(64)), || "a digest is in it".into())?;
    let told = ledger.audited("tenant.exported");
    holds(told == 1, || format!("tenant.exported is told {told} times"))
}

impl Scenario for Removal {
    const MACHINE: &'static str = MACHINE;

    async fn parameters(&self) -> Vec<(&'static str, String)> {
        match &self.deployer {
            Some(deployer) => vec![("DeployerUrl", deployer.listen().await)],
            None => Vec::new(),
        }
    }

    fn opened(&self, process: &Process) {
        if let Some(deployer) = &self.deployer {
            deployer.works_for(&process.stack);
        }
    }

    fn uses_socket(&self, state: &str) -> bool {
        self.deployer.is_some() && state == "UndoDeployStack"
    }

    async fn start(&self, stack: &LocalStack) {
        self.plant(stack);
        let _ = stack.invoke("provisioning-sweep", json!({})).await;
    }

    /// The day after, by itself.
    async fn retry(&self, stack: &LocalStack) {
        stack.clock.advance(SignedDuration::from_hours(24));
        let _ = stack.invoke("provisioning-sweep", json!({})).await;
    }

    fn stage(&self, ledger: &Ledger) -> Stage {
        let Some(record) = tenant(ledger) else { return Stage::Absent };
        let runs = runs(ledger);
        match record["provisioning"]["status"].as_str().unwrap() {
            "ARCHIVED" => Stage::Ready(runs.len() as u32),
            _ if !runs.is_empty() && runs.iter().all(|status| *status == "FAILED") => Stage::Failed(runs.len() as u32),
            _ => Stage::Running,
        }
    }

    fn failure(&self, ledger: &Ledger) -> Option<(String, String)> {
        runs(ledger).contains(&"FAILED").then(|| ("removal".into(), "failed".into()))
    }

    fn expect_ready(&self, ledger: &Ledger, _: u32) -> Holds {
        let (there, expected) = (ledger.keys(), self.expected_keys());
        let missing: Vec<_> = expected.iter().filter(|key| !there.contains(key)).collect();
        let platform = ["PLATFORM#SIGNING", "PLATFORM#RESEAL / STATE", "PLATFORM#RESEAL#", "PLATFORM#POOL-SECRETS"];
        let ours = |key: &&String| !platform.iter().any(|other| key.starts_with(other));
        let left: Vec<_> = there.iter().filter(ours).filter(|key| !expected.contains(key)).collect();
        holds(missing.is_empty() && left.is_empty(), || format!("missing: {missing:?}, left over: {left:?}"))?;
        holds(ledger.tables.is_empty(), || format!("tables: {:?}", ledger.tables))?;
        holds(ledger.secrets.is_empty(), || format!("secrets: {:?}", ledger.secrets))?;
        let record = tenant(ledger).unwrap();
        let all: String = ledger.core.values().map(Value::to_string).collect();
        for word in ["admin@demo.com", "Demo Admin", "Demo ISP"] {
            holds(!all.contains(word), || format!("{word} is somewhere still"))?;
        }
        let claim = &ledger.core[&("SUBDOMAIN#demo".to_owned(), "CLAIM".to_owned())];
        holds(claim["tombstone"] == true, || "the name can be had again".into())?;
        let listed = &ledger.core[&("PLATFORM#TENANTS".to_owned(), self.id())];
        holds(listed["status"] == "ARCHIVED", || listed.to_string())?;
        let guest = &ledger.core[&(format!("ID#{GUEST}"), "IDENTITY".to_owned())];
        holds(guest["memberships"] == 1, || guest.to_string())?;
        let undone = record["provisioning"]["steps"].as_array().unwrap().iter().filter(|step| step["is"] == "UNDONE");
        holds(undone.count() == 5, || record.to_string())?;
        for action in ["tenant.removal_begun", "tenant.archived", "identity.removed"] {
            let told = ledger.audited(action);
            holds(told == 1, || format!("{action} is told {told} times"))?;
        }
        holds(ledger.audited("membership.removed") == 2, || "not every membership is told of".into())?;
        exported(ledger, &self.id())?;
        self.deployer.as_ref().map_or(Ok(()), |deployer| deployer.has_nothing(&self.id(), 1))
    }

    /// It goes on the day after: the promise is there still.
    fn clean_slate(&self, ledger: &Ledger, _: u32) -> Holds {
        let promised = ledger.keys().iter().any(|key| key.starts_with("PLATFORM#REMOVALS"));
        holds(promised, || "nobody remembers that it has to go".into())
    }
}
