//! A stack whose time stands still, tenants whose owners are signed in, and keys.

use http::{Method, Request};
use jiff::SignedDuration;
use local::aws::counters::Usage;
use serde_json::{Value, json};

use crate::api::{Answer, Api, Tenant, authorized};

const CORE: &str = "innkeeper-local-core";
/// What a key can be given, all of it.
pub(crate) const ALL: [&str; 12] = [
    "tenant.read",
    "member.read",
    "vault.read",
    "vault.manage",
    "webhook.read",
    "webhook.manage",
    "plugin.read",
    "plugin.manage",
    "plugin.use",
    "settings.read",
    "audit.read",
    "report.read",
];

pub(crate) struct World {
    pub(crate) api: Api,
}

/// An owner who is signed in.
pub(crate) struct Owner {
    pub(crate) tenant: Tenant,
    pub(crate) token: String,
}

/// A key as its owner sees it, and its text.
pub(crate) struct Minted {
    pub(crate) text: String,
    pub(crate) shown: Value,
}

impl Minted {
    pub(crate) fn of(mut answer: Value) -> Self {
        let text = answer.as_object_mut().unwrap().remove("api_key").unwrap();
        Self { text: text.as_str().unwrap().to_owned(), shown: answer }
    }

    pub(crate) fn id(&self) -> &str {
        self.shown["key_id"].as_str().unwrap()
    }
}

impl World {
    pub(crate) async fn open() -> Self {
        let api = Api::open().await;
        api.stack.clock.freeze();
        Self { api }
    }

    pub(crate) async fn owner(&self, name: &str) -> Owner {
        let tenant = self.api.sign_up(name).await;
        self.api.activate(&tenant).await;
        let token = self.api.log_in(&tenant).await;
        Owner { tenant, token }
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.api.stack.clock.advance(by);
    }

    /// The owner signs in again: their token lives for a quarter of an hour, and their proof for ten minutes.
    pub(crate) async fn again(&self, owner: &mut Owner) {
        owner.token = self.api.log_in(&owner.tenant).await;
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: &Value) -> Answer {
        let request = authorized(Request::builder().method(method).uri(path), token);
        match body {
            Value::Null => self.api.send(request, "").await,
            body => self.api.send(request.header("content-type", "application/json"), body.to_string()).await,
        }
    }

    pub(crate) async fn try_mint(&self, owner: &Owner, body: &Value) -> Answer {
        self.call(Method::POST, &keys(&owner.tenant.id), &owner.token, body).await
    }

    pub(crate) async fn mint(&self, owner: &Owner, scopes: &[&str]) -> Minted {
        Minted::of(self.try_mint(owner, &json!({"name": "a service", "scopes": scopes})).await.expect(201))
    }

    pub(crate) async fn rotate(&self, owner: &Owner, key: &str, body: &Value) -> Answer {
        let path = format!("{}/{key}/rotate", keys(&owner.tenant.id));
        self.call(Method::POST, &path, &owner.token, body).await
    }

    pub(crate) async fn revoke(&self, owner: &Owner, key: &str) -> Answer {
        let path = format!("{}/{key}", keys(&owner.tenant.id));
        self.call(Method::DELETE, &path, &owner.token, &Value::Null).await
    }

    pub(crate) async fn shown(&self, owner: &Owner, key: &str) -> Answer {
        self.api.get(&format!("{}/{key}", keys(&owner.tenant.id)), &owner.token).await
    }

    pub(crate) async fn list(&self, owner: &Owner, query: &str) -> Answer {
        self.api.get(&format!("{}{query}", keys(&owner.tenant.id)), &owner.token).await
    }

    /// What the key is told where it asks for the vault's list, which `vault.manage` opens.
    pub(crate) async fn knock(&self, text: &str) -> u16 {
        self.api.get("/api/v1/vault", text).await.status
    }

    pub(crate) fn run(&self, operation: &str, mut input: Value) -> Value {
        input["TableName"] = json!(CORE);
        self.api.stack.dynamodb.run(operation, input).unwrap()
    }

    /// As a suspension and an activation do.
    pub(crate) fn set_status(&self, tenant: &Tenant, status: &str) {
        self.run(
            "UpdateItem",
            json!({
                "Key": {"pk": {"S": format!("T#{}", tenant.id)}, "sk": {"S": "TENANT"}},
                "UpdateExpression": "SET #provisioning.#status = :status",
                "ExpressionAttributeNames": {"#provisioning": "provisioning", "#status": "status"},
                "ExpressionAttributeValues": {":status": {"S": status}},
            }),
        );
    }

    /// The bootstrap admin, signed in.
    pub(crate) async fn operator(&self) -> String {
        let secret = json!({"SecretId": "innkeeper/local/bootstrap-admin"});
        let secret = self.api.stack.secrets.run("GetSecretValue", secret).await.unwrap();
        let secret: Value = serde_json::from_str(secret["SecretString"].as_str().unwrap()).unwrap();
        let credentials = json!({"email": secret["email"], "password": secret["password"]});
        let login = self.api.post("/api/v1/auth/login", &credentials).await.expect(200);
        login["access_token"].as_str().unwrap().to_owned()
    }

    /// As an upgrade does.
    pub(crate) fn set_plan(&self, tenant: &Tenant, plan: &str) {
        self.run(
            "UpdateItem",
            json!({
                "Key": {"pk": {"S": format!("T#{}", tenant.id)}, "sk": {"S": "TENANT"}},
                "UpdateExpression": "SET #plan = :plan",
                "ExpressionAttributeNames": {"#plan": "plan"},
                "ExpressionAttributeValues": {":plan": {"S": plan}},
            }),
        );
    }

    /// The tenant's own count of its keys, after a count of what is there.
    #[track_caller]
    pub(crate) fn counted(&self, owner: &Owner) -> usize {
        let there = self.items(owner, "API-KEY#").len();
        let count = self.items(owner, "TENANT")[0]["api_keys"]["N"].as_str().map_or(0, |count| count.parse().unwrap());
        assert_eq!(count, there, "as counted, and as there are");
        count
    }

    /// As [`World::try_mint`], once for a key of the caller's.
    pub(crate) async fn mint_once(&self, owner: &Owner, key: &str, body: &Value) -> Answer {
        let request = authorized(Request::post(keys(&owner.tenant.id)), &owner.token);
        let request = request.header("content-type", "application/json").header("idempotency-key", key);
        self.api.send(request, body.to_string()).await
    }

    /// The items of the tenant whose sort key begins so.
    pub(crate) fn items(&self, owner: &Owner, beginning: &str) -> Vec<Value> {
        let pk = format!("T#{}", owner.tenant.id);
        let mut items = self.api.items("core");
        items.retain(|it| it["pk"]["S"] == pk && it["sk"]["S"].as_str().unwrap().starts_with(beginning));
        items
    }

    /// Makes the owner somebody else in the tenant.
    pub(crate) fn demote(&self, owner: &Owner, role: &str) {
        let mut member = self.items(owner, "MEMBER#").remove(0);
        member["role"] = json!({"S": role});
        self.run("PutItem", json!({"Item": member}));
    }

    /// What the audit log says of the tenant's keys, and of what they did: oldest first.
    pub(crate) fn audited(&self, owner: &Owner, action: &str) -> Vec<Value> {
        let pk = format!("T#{}", owner.tenant.id);
        let mut entries = self.api.items("audit");
        entries.retain(|e| e["pk"]["S"] == pk && e["action"]["S"].as_str().unwrap().starts_with(action));
        entries.sort_by_key(|entry| entry["sk"]["S"].as_str().unwrap().to_owned());
        entries
    }

    pub(crate) fn usage(&self) -> Usage {
        self.api.stack.gateway.counters().snapshot()
    }
}

pub(crate) fn keys(tenant: &str) -> String {
    format!("/api/v1/tenants/{tenant}/api-keys")
}
