//! Those who call: each signed in, or not, as their name says.

use std::collections::BTreeMap;

use http::Request;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    api::{Api, PASSWORD, Tenant, authorized, signup},
    stored::Stored,
};

/// The callers of the table, in its order.
pub(super) const NAMES: [&str; 24] = [
    "anon", "junk", "stat", "fsta", "ownr", "admn", "mngr", "agnt", "anls", "frgn", "susp", "revo", "expd", "supr",
    "plat", "supp", "impr", "intn", "kall", "kvrd", "krpt", "kfrn", "kend", "ksus",
];
const MEMBERS: [(&str, &str); 4] = [("admn", "admin"), ("mngr", "manager"), ("agnt", "agent"), ("anls", "analyst")];
const OPERATORS: [(&str, &str); 2] = [("plat", "platform_admin"), ("supp", "support_admin")];

/// What a caller sends.
pub(super) enum Credentials {
    /// A bearer token; nothing where it is empty.
    Bearer(String),
    Internal(String),
}

pub(super) struct Player {
    pub(super) credentials: Credentials,
    /// The tenant in the paths that the caller calls.
    pub(super) tenant: String,
}

/// Everybody, and the store as it was before anybody called.
pub(super) struct Cast {
    players: BTreeMap<&'static str, Player>,
    stored: Stored,
}

impl Cast {
    pub(super) async fn gather(api: &Api) -> Self {
        let (own, other, late) = tokio::join!(sign_up(api, "own"), sign_up(api, "other"), sign_up(api, "late"));
        for tenant in [&own, &other, &late] {
            api.activate(tenant).await;
        }
        let expired = api.log_in(&own).await;
        // Just past the fifteen minutes that it lives.
        api.stack.clock.advance(SignedDuration::from_secs(15 * 60 + 1));
        let revoked = api.log_in(&own).await;
        api.send(authorized(Request::post("/api/v1/auth/logout"), &revoked), "").await.expect(204);
        let suspended = api.log_in(&late).await;
        let every: Vec<&str> = domain::api_key::GRANTABLE.iter().map(|scope| scope.as_str()).collect();
        let sleeping = key(api, &suspended, &late, &every).await;
        suspend(api, &late);

        let mut cast = Self { players: BTreeMap::new(), stored: Stored::default() };
        let mut bearer = |name, token: String, tenant: &Tenant| cast.enter(name, Credentials::Bearer(token), tenant);
        bearer("anon", String::new(), &own);
        bearer("junk", "garbage".to_owned(), &own);
        bearer("stat", own.status_token.clone(), &own);
        bearer("fsta", other.status_token.clone(), &own);
        let (owner, stranger) = (api.log_in(&own).await, api.log_in(&other).await);
        bearer("kall", key(api, &owner, &own, &every).await, &own);
        bearer("kvrd", key(api, &owner, &own, &["vault.read"]).await, &own);
        bearer("krpt", key(api, &owner, &own, &["report.read"]).await, &own);
        bearer("kfrn", key(api, &stranger, &other, &every).await, &own);
        bearer("kend", ended_key(api, &owner, &own, &every).await, &own);
        bearer("ksus", sleeping, &late);
        bearer("ownr", owner.clone(), &own);
        bearer("frgn", stranger, &own);
        bearer("susp", suspended, &late);
        bearer("revo", revoked, &own);
        bearer("expd", expired, &own);
        let (email, password) = bootstrap(api).await;
        let operator = log_in(api, &json!({"email": email, "password": password})).await;
        for (name, role) in MEMBERS {
            bearer(name, member(api, &operator, role, &own).await, &own);
        }
        for (name, role) in OPERATORS {
            let operator = operator_with(api, &operator, role).await;
            if name == "supp" {
                bearer("impr", in_place_of(api, &operator, &owner, &own).await, &own);
            }
            bearer(name, operator, &own);
        }
        bearer("supr", operator, &own);
        let secret = secret(api, "internal-secret").await["current"].as_str().unwrap().to_owned();
        cast.enter("intn", Credentials::Internal(secret), &own);
        cast.stored = Stored::of(api);
        cast
    }

    fn enter(&mut self, name: &'static str, credentials: Credentials, tenant: &Tenant) {
        self.players.insert(name, Player { credentials, tenant: tenant.id.clone() });
    }

    pub(super) fn player(&self, name: &str) -> &Player {
        &self.players[name]
    }

    /// Undoes what a call did to the store, so that each cell of the table is about the same world.
    pub(super) fn set_back(&self, api: &Api) {
        self.stored.set_back(api);
    }
}

/// The way into a member's place.
async fn in_place_of(api: &Api, by: &str, member: &str, tenant: &Tenant) -> String {
    let whoami = api.send(authorized(Request::get("/api/v1/auth/whoami"), member), "").await.expect(200);
    let body = json!({"user_id": whoami["user_id"], "tenant_id": tenant.id, "reason": "a matter of the table"});
    let request = Request::post("/api/v1/impersonations").header("content-type", "application/json");
    let started = api.send(authorized(request, by), body.to_string()).await.expect(201);
    started["access_token"].as_str().unwrap().to_owned()
}

/// A new API key; what it shows, its text among it.
async fn mint(api: &Api, by: &str, tenant: &Tenant, scopes: &[&str]) -> Value {
    let request = Request::post(format!("/api/v1/tenants/{}/api-keys", tenant.id));
    let request = authorized(request.header("content-type", "application/json"), by);
    api.send(request, json!({"name": "a service", "scopes": scopes}).to_string()).await.expect(201)
}

async fn key(api: &Api, by: &str, tenant: &Tenant, scopes: &[&str]) -> String {
    mint(api, by, tenant, scopes).await["api_key"].as_str().unwrap().to_owned()
}

async fn ended_key(api: &Api, by: &str, tenant: &Tenant, scopes: &[&str]) -> String {
    let minted = mint(api, by, tenant, scopes).await;
    let path = format!("/api/v1/tenants/{}/api-keys/{}", tenant.id, minted["key_id"].as_str().unwrap());
    api.send(authorized(Request::delete(path), by), "").await.expect(204);
    minted["api_key"].as_str().unwrap().to_owned()
}

/// All of the table is called in one hour, which is more than `starter` allows.
async fn sign_up(api: &Api, name: &str) -> Tenant {
    let mut body = signup(name);
    body["plan"] = json!("professional");
    api.sign_up_as(name, &body).await
}

async fn log_in(api: &Api, credentials: &Value) -> String {
    let login = api.post("/api/v1/auth/login", credentials).await.expect(200);
    login["access_token"].as_str().unwrap().to_owned()
}

async fn secret(api: &Api, name: &str) -> Value {
    let id = format!("innkeeper/local/{name}");
    let value = api.stack.secrets.run("GetSecretValue", json!({"SecretId": id})).await.unwrap();
    serde_json::from_str(value["SecretString"].as_str().unwrap()).unwrap()
}

async fn bootstrap(api: &Api) -> (Value, Value) {
    let mut secret = secret(api, "bootstrap-admin").await;
    (secret["email"].take(), secret["password"].take())
}

/// A new person with a platform role and a password: who they are, and their address.
async fn invite(api: &Api, by: &str, role: &str, email: &str) -> (String, String) {
    let request = Request::post("/api/v1/admin/platform-users").header("content-type", "application/json");
    let body = json!({"email": email, "name": "Grace Hopper", "role": role});
    let invited = api.send(authorized(request, by), body.to_string()).await.expect(201);
    let tenant = Tenant { id: String::new(), email: email.to_owned(), status_token: String::new() };
    api.activate(&tenant).await;
    (invited["user_id"].as_str().unwrap().to_owned(), tenant.email)
}

async fn operator_with(api: &Api, by: &str, role: &str) -> String {
    let (_, email) = invite(api, by, role, &format!("{role}@people.example")).await;
    log_in(api, &json!({"email": email, "password": PASSWORD})).await
}

/// Somebody who has the owner's membership but for the role.
async fn member(api: &Api, by: &str, role: &str, tenant: &Tenant) -> String {
    let (user, email) = invite(api, by, "support_admin", &format!("{role}@people.example")).await;
    let run = |operation, input: Value| api.stack.dynamodb.run(operation, input).unwrap();
    let platform = json!({"pk": {"S": format!("ID#{user}")}, "sk": {"S": "PLATFORM"}});
    run("DeleteItem", json!({"TableName": "innkeeper-local-core", "Key": platform}));
    let place = |item: &Value, what: &str| item["sk"]["S"].as_str().unwrap().starts_with(what);
    let of_tenant = |item: &Value| item["tenant_id"]["S"] == tenant.id.as_str();
    for mut item in api.items("core").into_iter().filter(of_tenant) {
        item["role"] = json!({"S": role});
        if place(&item, "MEMBER#") {
            item["sk"] = json!({"S": format!("MEMBER#{user}")});
            item["identity_id"] = json!({"S": user});
        } else if place(&item, "TENANT#") {
            item["pk"] = json!({"S": format!("ID#{user}")});
        } else {
            continue;
        }
        run("PutItem", json!({"TableName": "innkeeper-local-core", "Item": item}));
    }
    log_in(api, &json!({"email": email, "password": PASSWORD, "tenant": "own"})).await
}

/// As a suspension will.
fn suspend(api: &Api, tenant: &Tenant) {
    let update = json!({
        "TableName": "innkeeper-local-core",
        "Key": {"pk": {"S": format!("T#{}", tenant.id)}, "sk": {"S": "TENANT"}},
        "UpdateExpression": "SET #provisioning.#status = :status",
        "ConditionExpression": "#provisioning.#status = :ready",
        "ExpressionAttributeNames": {"#provisioning": "provisioning", "#status": "status"},
        "ExpressionAttributeValues": {":status": {"S": "SUSPENDED"}, ":ready": {"S": "READY"}},
    });
    api.stack.dynamodb.run("UpdateItem", update).unwrap();
}
