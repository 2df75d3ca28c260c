//! A tenant in the plan `professional`, its owner, and what is told on the bus.

use domain::CorrelationId;
use http::Request;
use lambda::Announcer;
use serde_json::{Value, json};

use crate::world::{Answer, Caller, PASSWORD, World, owner};

const INSIDE: [(&str, &str); 1] = [("WebhooksInside", "127.0.0.1")];

pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) tenant: String,
    pub(crate) ada: Caller,
}

/// A webhook as it was made.
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Made {
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self { id: text("webhook_id"), secret: text("signing_secret") }
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(&INSIDE).await
    }

    pub(crate) async fn with(parameters: &[(&str, &str)]) -> Self {
        let world = World::with(parameters).await;
        let tenant = world.tenant("lantern").await;
        let ada = world.log_in(&owner("lantern"), PASSWORD).await;
        let house = Self { world, tenant, ada };
        house.plan("professional").await.expect(200);
        house
    }

    pub(crate) async fn plan(&self, plan: &str) -> Answer {
        let operator = self.world.bootstrap_admin().await;
        self.world.put(&operator, &format!("/api/v1/tenants/{}/plan", self.tenant), &json!({"plan": plan})).await
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/v1/tenants/{}/webhooks{rest}", self.tenant)
    }

    pub(crate) async fn make(&self, url: &str) -> Answer {
        self.world.post(&self.ada, &self.path(""), &json!({"url": url, "events": ["secret.rotated"]})).await
    }

    pub(crate) async fn made(&self, url: &str) -> Made {
        Made::of(&self.make(url).await.expect(201))
    }

    pub(crate) async fn make_once(&self, key: &str, url: &str) -> Answer {
        let request = Request::post(self.path("")).header("content-type", "application/json");
        let body = json!({"url": url, "events": ["secret.rotated"]});
        self.world.send(&self.ada, request.header("idempotency-key", key), body.to_string().into()).await
    }

    pub(crate) async fn rotate(&self, webhook: &str) -> Answer {
        self.world.post(&self.ada, &self.path(&format!("/{webhook}/rotate")), &Value::Null).await
    }

    pub(crate) async fn delete(&self, webhook: &str) -> Answer {
        self.world.delete(&self.ada, &self.path(&format!("/{webhook}"))).await
    }

    pub(crate) async fn listed(&self) -> Vec<Value> {
        self.world.get(&self.ada, &self.path("")).await.expect(200)["items"].as_array().unwrap().clone()
    }

    /// Of a webhook, how the last message fared.
    pub(crate) async fn last(&self, webhook: &str) -> Value {
        let listed = self.listed().await;
        listed.iter().find(|one| one["webhook_id"] == webhook).unwrap()["last_delivery"].clone()
    }

    /// As the rotation of the pool's secrets tells it.
    pub(crate) async fn tell(&self, version: &str) {
        let announcer = Announcer::from_env(self.world.stack.functions.env("rotate-pool-secrets").unwrap()).unwrap();
        let secret = format!("innkeeper/local/tenant/{}", self.tenant);
        let correlation = CorrelationId::parse("a-rotation").unwrap();
        announcer.announce(secret, version.to_owned(), correlation).await.unwrap();
    }

    /// The items of the tenant whose sort key has this in it.
    pub(crate) fn items(&self, part: &str) -> Vec<Value> {
        let pk = format!("T#{}", self.tenant);
        let mut items = self.world.items("core");
        items.retain(|item| item["pk"]["S"] == pk && item["sk"]["S"].as_str().unwrap().contains(part));
        items
    }

    /// The tenant's own count, after a count of what is there.
    #[track_caller]
    pub(crate) fn counted(&self) -> usize {
        let there = self.items("WEBHOOK#whk_").iter().filter(|item| item.get("url").is_some()).count();
        let tenant = self.items("TENANT").into_iter().find(|item| item["sk"]["S"] == "TENANT").unwrap();
        let count = tenant["webhooks"]["N"].as_str().map_or(0, |count| count.parse().unwrap());
        assert_eq!(count, there, "as counted, and as there are");
        count
    }
}
