//! A stack with tenants whose owners are signed in, and a hand in its tables.

use http::{Method, Request};
use local::aws::counters::Usage;
use serde_json::{Value, json};

use crate::api::{Answer, Api, Tenant, authorized, signup};

const CORE: &str = "innkeeper-local-core";

pub(crate) struct World {
    pub(crate) api: Api,
}

/// An owner who is signed in.
pub(crate) struct Owner {
    pub(crate) tenant: Tenant,
    pub(crate) token: String,
}

impl World {
    pub(crate) async fn open() -> Self {
        Self { api: Api::open().await }
    }

    pub(crate) async fn owner(&self, name: &str) -> Owner {
        self.owner_of(name, signup(name)).await
    }

    pub(crate) async fn owner_of(&self, name: &str, signup: Value) -> Owner {
        let tenant = self.api.sign_up_as(name, &signup).await;
        self.api.activate(&tenant).await;
        let token = self.api.log_in(&tenant).await;
        Owner { tenant, token }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, owner: &Owner, body: &Value) -> Answer {
        let request = authorized(Request::builder().method(method).uri(path), &owner.token);
        match body {
            Value::Null => self.api.send(request, "").await,
            body => self.api.send(request.header("content-type", "application/json"), body.to_string()).await,
        }
    }

    pub(crate) async fn put(&self, owner: &Owner, name: &str, body: Value) -> Answer {
        self.call(Method::PUT, &path(name), owner, &body).await
    }

    /// Writes a text, and says which version it is.
    pub(crate) async fn write(&self, owner: &Owner, name: &str, value: &str) -> u64 {
        let written = self.put(owner, name, json!({"value": value})).await;
        written.expect(200)["version"].as_u64().unwrap()
    }

    pub(crate) async fn get(&self, owner: &Owner, name: &str) -> Answer {
        self.api.get(&path(name), &owner.token).await
    }

    /// The value, if there is one.
    pub(crate) async fn value(&self, owner: &Owner, name: &str) -> Option<String> {
        let answer = self.get(owner, name).await;
        (answer.status != 404).then(|| answer.expect(200)["value"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn delete(&self, owner: &Owner, name: &str) -> Answer {
        self.call(Method::DELETE, &path(name), owner, &Value::Null).await
    }

    pub(crate) async fn rollback(&self, owner: &Owner, name: &str, body: Value) -> Answer {
        self.call(Method::POST, &format!("{}/rollback", path(name)), owner, &body).await
    }

    pub(crate) async fn list(&self, owner: &Owner, query: &str) -> Answer {
        self.api.get(&format!("/api/v1/vault{query}"), &owner.token).await
    }

    /// The item of a tenant, past IAM.
    pub(crate) fn item(&self, owner: &Owner, sk: &str) -> Value {
        let found = self.api.items("core").into_iter();
        let pk = format!("T#{}", owner.tenant.id);
        found.filter(|item| item["pk"]["S"] == pk).find(|item| item["sk"]["S"] == sk).unwrap_or_else(|| panic!("{sk}"))
    }

    /// The sort keys of the tenant's vault.
    pub(crate) fn keys(&self, owner: &Owner) -> Vec<String> {
        let pk = format!("T#{}", owner.tenant.id);
        let own = self.api.items("core").into_iter().filter(|item| item["pk"]["S"] == pk);
        own.map(|item| item["sk"]["S"].as_str().unwrap().to_owned()).filter(|sk| sk.starts_with("VAULT")).collect()
    }

    /// Writes an item past every condition.
    pub(crate) fn plant(&self, item: Value) {
        self.api.stack.dynamodb.run("PutItem", json!({"TableName": CORE, "Item": item})).unwrap();
    }

    /// Makes the owner somebody else in the tenant.
    pub(crate) fn demote(&self, owner: &Owner, role: &str) {
        let pk = format!("T#{}", owner.tenant.id);
        let own = self.api.items("core").into_iter().filter(|item| item["pk"]["S"] == pk);
        let member = own.clone().find(|item| item["sk"]["S"].as_str().unwrap().starts_with("MEMBER#")).unwrap();
        let mut member = member;
        member["role"] = json!({"S": role});
        self.plant(member);
    }

    /// What the audit log says of the tenant's vault, oldest first.
    pub(crate) fn audited(&self, owner: &Owner) -> Vec<Value> {
        let pk = format!("T#{}", owner.tenant.id);
        let mut entries: Vec<Value> = self.api.items("audit");
        entries.retain(|e| e["pk"]["S"] == pk && e["action"]["S"].as_str().unwrap().starts_with("vault."));
        entries.sort_by_key(|entry| entry["sk"]["S"].as_str().unwrap().to_owned());
        entries
    }

    pub(crate) fn usage(&self) -> Usage {
        self.api.stack.gateway.counters().snapshot()
    }
}

pub(crate) fn path(name: &str) -> String {
    format!("/api/v1/vault/{name}")
}
