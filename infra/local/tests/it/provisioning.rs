//! `statemachines/tenant-provisioning.asl.json`, proved: in the pool, as a silo, and with a deployer.

mod calls;
mod crashes;
mod deployments;
mod failures;
mod repeats;

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use domain::{Action, Actor, AuditEntry, CorrelationId, Facts, TenantId};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use local::stack::LocalStack;
use serde_json::{Value, json};
use store::{Retried, Store, Tables};
use workflow::{Executions, StepInput};

use crate::{
    deployer::{Deployer, Manner},
    harness::{Holds, Ledger, Process, Scenario, Stage, holds},
};

/// The host of everybody in these tests.
pub const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// A tenant signs up.
pub struct Provisioning {
    plan: &'static str,
    deployer: Option<Deployer>,
}

/// In the pool.
pub fn pool() -> Provisioning {
    Provisioning { plan: "starter", deployer: None }
}

/// With its own table and its own secret.
pub fn silo() -> Provisioning {
    Provisioning { plan: "enterprise", deployer: None }
}

/// In the pool, with a deployer that answers in this manner.
pub fn deployed(manner: Manner) -> Provisioning {
    Provisioning { plan: "starter", deployer: Some(Deployer::new(manner)) }
}

impl Provisioning {
    /// The deployer.
    pub fn deployer(&self) -> &Deployer {
        self.deployer.as_ref().unwrap()
    }

    fn is_silo(&self) -> bool {
        self.plan == "enterprise"
    }
}

/// The tenant's record.
pub fn tenant(ledger: &Ledger) -> Option<&Value> {
    ledger.core.iter().find(|((_, sk), _)| sk == "TENANT").map(|(_, item)| item)
}

/// A step's status in the tenant's record.
pub fn step<'a>(ledger: &'a Ledger, name: &str) -> Option<&'a str> {
    let steps = tenant(ledger)?["provisioning"]["steps"].as_array()?;
    steps.iter().find(|step| step["s"] == name)?["is"].as_str()
}

impl Scenario for Provisioning {
    const MACHINE: &'static str = "tenant-provisioning";

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
        self.deployer.is_some() && ["DeployStack", "UndoDeployStack"].contains(&state)
    }

    /// As a customer does: again under the same key while the answer is that it may help.
    async fn start(&self, stack: &LocalStack) {
        for _ in 0..3 {
            let (status, _) = sign_up(stack, "demo", self.plan, Some("the-demo-signup-0001")).await;
            if status == StatusCode::ACCEPTED {
                return;
            }
        }
    }

    /// What the route does; nobody can be signed in to a tenant that has failed, and there is no platform role yet.
    async fn retry(&self, stack: &LocalStack) {
        let id = tenant(&Ledger::of(stack).await).unwrap()["tenant_id"].as_str().unwrap().to_owned();
        retry(stack, &TenantId::parse(&id).unwrap()).await;
    }

    fn stage(&self, ledger: &Ledger) -> Stage {
        let Some(tenant) = tenant(ledger) else { return Stage::Absent };
        let attempt = tenant["provisioning"]["attempt"].as_u64().unwrap() as u32;
        match tenant["provisioning"]["status"].as_str().unwrap() {
            "READY" => Stage::Ready(attempt),
            "FAILED" => Stage::Failed(attempt),
            _ => Stage::Running,
        }
    }

    fn failure(&self, ledger: &Ledger) -> Option<(String, String)> {
        let error = tenant(ledger)?["provisioning"].get("error")?;
        Some((error["step"].as_str()?.to_owned(), error["code"].as_str()?.to_owned()))
    }

    fn expect_ready(&self, ledger: &Ledger, attempt: u32) -> Holds {
        let tenant = tenant(ledger).unwrap();
        let id = tenant["tenant_id"].as_str().unwrap();
        exactly(ledger, &self.expected_keys(ledger, id, attempt))?;
        for kind in ["DATABASE", "SECRETS", "STACK", "DOMAIN", "SCHEMA"] {
            let made = &ledger.core[&(format!("T#{id}"), kind.to_owned())]["attempt"];
            holds(made == attempt, || format!("{kind} is of attempt {made}"))?;
        }
        let mine = |name: &str| if self.is_silo() { vec![name.to_owned()] } else { Vec::new() };
        let table = mine(&format!("innkeeper-local-silo-{id}-{attempt}"));
        holds(ledger.tables == table, || format!("tables: {:?}", ledger.tables))?;
        let secret = mine(&format!("innkeeper/local/tenant/{id}-{attempt}"));
        holds(ledger.secrets == secret, || format!("secrets: {:?}", ledger.secrets))?;
        holds(ledger.executions.len() == attempt as usize, || format!("{:?}", ledger.executions))?;
        holds(ledger.audited("tenant.requested") == 1, || "it was requested more than once".into())?;
        holds(ledger.audited("tenant.activated") == 1, || "it was activated more than once".into())?;
        let mails = ledger.mails.len();
        match step(ledger, "SendWelcome") {
            Some("SUCCEEDED") => holds(mails == 1, || format!("{mails} mails"))?,
            Some("WARNING") => holds(mails <= 1, || format!("{mails} mails"))?,
            other => return Err(format!("SendWelcome is {other:?}")),
        }
        self.deployer.as_ref().map_or(Ok(()), |deployer| deployer.has_deployed(id, attempt))
    }

    fn clean_slate(&self, ledger: &Ledger, attempt: u32) -> Holds {
        let id = tenant(ledger).unwrap()["tenant_id"].as_str().unwrap();
        exactly(ledger, &Self::kept(ledger, id))?;
        holds(ledger.tables.is_empty(), || format!("tables: {:?}", ledger.tables))?;
        holds(ledger.secrets.is_empty(), || format!("secrets: {:?}", ledger.secrets))?;
        holds(ledger.mails.is_empty(), || "a mail was sent".into())?;
        self.deployer.as_ref().map_or(Ok(()), |deployer| deployer.has_nothing(id, attempt))
    }
}

impl Provisioning {
    /// What a tenant has from its signup on.
    fn kept(ledger: &Ledger, id: &str) -> Vec<String> {
        let mut kept: Vec<String> = ["TENANT", "SIGNUP"].iter().map(|sk| format!("T#{id} / {sk}")).collect();
        kept.push("SUBDOMAIN#demo / CLAIM".into());
        kept.push(format!("PLATFORM#TENANTS / {id}"));
        kept.extend(ledger.keys().into_iter().find(|key| key.starts_with("IDEMPOTENCY#")));
        kept
    }

    /// One database, one set of secrets, one owner, one host, at most one mail.
    fn expected_keys(&self, ledger: &Ledger, id: &str, attempt: u32) -> Vec<String> {
        let mut keys = Self::kept(ledger, id);
        let owner = ledger.core.keys().find(|(pk, sk)| pk.starts_with("ID#") && sk == "IDENTITY");
        let owner = owner.map_or("nobody", |(pk, _)| pk.trim_start_matches("ID#"));
        let own = ["DATABASE", "SECRETS", "DATA-KEY", "STACK", "DOMAIN", "SCHEMA", "LEASE"];
        keys.extend(own.iter().map(|sk| format!("T#{id} / {sk}")));
        keys.push(format!("T#{id} / MEMBER#{owner}"));
        keys.push(format!("ID#{owner} / IDENTITY"));
        keys.push(format!("ID#{owner} / TENANT#{id}"));
        keys.push("EMAIL#admin@demo.com / CLAIM".into());
        keys.push("HOST#demo.innkeeper.test / CLAIM".into());
        let claim = format!("T#{id} / MAIL#welcome#{attempt}");
        if ledger.keys().contains(&claim) {
            keys.push(claim);
            keys.extend(ledger.keys().into_iter().find(|key| key.starts_with("TOKEN#")));
        }
        keys
    }
}

fn exactly(ledger: &Ledger, expected: &[String]) -> Holds {
    let there = ledger.keys();
    let missing: Vec<_> = expected.iter().filter(|key| !there.contains(key)).collect();
    let extra: Vec<_> = there.iter().filter(|key| !expected.contains(key)).collect();
    holds(missing.is_empty() && extra.is_empty(), || format!("missing: {missing:?}, left over: {extra:?}"))
}

/// A signup as it comes from the network.
pub async fn sign_up(stack: &LocalStack, subdomain: &str, plan: &str, key: Option<&str>) -> (StatusCode, Value) {
    let body = json!({
        "company_name": "Demo ISP", "subdomain": subdomain, "admin_name": "Demo Admin", "admin_email": format!("admin@{subdomain}.com"),
        "plan": plan, "region": "us-east-1", "accept_terms": true,
    });
    let mut headers = vec![];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    call(stack, "POST", "/api/v1/tenants", &headers, Some(&body)).await
}

/// One request through the API Gateway of the stack; the status and the body.
pub async fn call(
    stack: &LocalStack,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let answer = stack.front().handle(request.body(body).unwrap(), PEER).await;
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// Another attempt, with the rights of the function that serves the route.
pub async fn retry(stack: &LocalStack, id: &TenantId) {
    let env = stack.functions.env("signup-retry").unwrap();
    let tables = Tables { core: env.vars["CORE_TABLE"].clone(), audit: env.vars["AUDIT_TABLE"].clone() };
    let request = CorrelationId::parse("req_the-retry-00001").unwrap();
    let audit = AuditEntry {
        actor: Actor::Anonymous,
        action: Action::TenantRetried,
        tenant: Some(id.clone()),
        correlation_id: request.clone(),
        before: Facts::new(),
        after: Facts::new(),
        at: stack.clock.now(),
    };
    let retried = Store::new(&env.sdk, tables).retry(id, &request, audit.into()).await.unwrap();
    let Retried::Requested { attempt } = retried else { panic!("{retried:?}") };
    let machine = env.vars["PROVISIONING_MACHINE"].clone();
    let _ =
        Executions::new(&env.sdk, machine).start(id, attempt, &StepInput::first(id.clone(), attempt, request)).await;
}
