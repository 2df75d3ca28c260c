//! A stack with a tenant whose owner has a password, and the devices that people sign in from.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use local::{
    aws::counters::Usage,
    front::Front,
    stack::{LocalStack, Options},
};
use serde_json::{Value, json};

pub(crate) const EMAIL: &str = "ada@lanterns.example";
pub(crate) const PASSWORD: &str = "seven purple lanterns, drifting";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct House {
    pub(crate) stack: LocalStack,
    front: Front,
    /// The owner's first tenant.
    pub(crate) tenant: String,
}

pub(crate) struct Answer {
    call: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.call, String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) {
        assert_eq!(self.expect(status)["code"], code, "{}", self.call);
    }
}

/// One sign-in from one device. It keeps the newest tokens that it was answered.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) user_agent: &'static str,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With values for some of the template's parameters.
    pub(crate) async fn with(parameters: &[(&str, &str)]) -> Self {
        let mut options = Options::memory("http://127.0.0.1:0");
        options.parameters.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let stack = LocalStack::open(options).await.unwrap();
        let front = stack.front();
        let mut house = Self { stack, front, tenant: String::new() };
        house.tenant = house.sign_up("lanterns").await;
        house.activate().await;
        house.stack.clock.freeze();
        house
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body.map(|body| body.to_string()).unwrap_or_default())).unwrap();
        let call = format!("{} {}", request.method(), request.uri().path());
        let (parts, body) = self.front.handle(request, PEER).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { call, status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    /// A tenant whose owner is the person at [`EMAIL`]; ready.
    pub(crate) async fn sign_up(&self, name: &str) -> String {
        let signup = json!({
            "company_name": "Lantern Works", "subdomain": name, "admin_name": "Ada Admin", "admin_email": EMAIL,
            "plan": "starter", "region": "us-east-1",
        });
        let accepted = self.post("/api/v1/tenants", signup).await.expect(202);
        let id = text(&accepted["tenant_id"]);
        self.until("READY", async || self.stack.is_ready(&id).then_some(())).await;
        id
    }

    async fn activate(&self) {
        let mail = async || self.stack.mailbox.mails().into_iter().find(|mail| mail.text.contains("token="));
        let mail = self.until("the welcome mail", mail).await;
        let token = mail.text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        self.post("/api/v1/auth/activate", json!({"token": token, "password": PASSWORD})).await.expect(200);
    }

    /// Signs in at the first tenant, for the API.
    pub(crate) async fn log_in(&self, user_agent: &'static str) -> Device {
        let body = json!({"email": EMAIL, "password": PASSWORD, "tenant": self.tenant});
        let answer = self.send(Method::POST, "/api/v1/auth/login", &[("user-agent", user_agent)], Some(body)).await;
        let answer = answer.expect(200);
        Device { user_agent, access: text(&answer["access_token"]), refresh: text(&answer["refresh_token"]) }
    }

    /// Presents a refresh token under a device's name.
    pub(crate) async fn present(&self, user_agent: &str, token: &str) -> Answer {
        let body = json!({"refresh_token": token});
        self.send(Method::POST, "/api/v1/auth/refresh", &[("user-agent", user_agent)], Some(body)).await
    }

    /// Refreshes a device that nothing stands in the way of.
    pub(crate) async fn refresh(&self, device: &Device) -> Device {
        let answer = self.present(device.user_agent, &device.refresh).await.expect(200);
        Device {
            access: text(&answer["access_token"]),
            refresh: text(&answer["refresh_token"]),
            user_agent: device.user_agent,
        }
    }

    /// Calls with a device's access token.
    pub(crate) async fn call(&self, device: &Device, method: Method, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {}", device.access);
        let headers = [("authorization", bearer.as_str()), ("user-agent", device.user_agent)];
        self.send(method, path, &headers, body).await
    }

    pub(crate) async fn whoami(&self, device: &Device) -> Answer {
        self.call(device, Method::GET, "/api/v1/auth/whoami", None).await
    }

    pub(crate) fn pass(&self, time: SignedDuration) {
        self.stack.clock.advance(time);
    }

    /// Changes an item of the core table, past IAM.
    pub(crate) fn set(&self, pk: &str, sk: &str, path: &str, value: &str) {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let mut names = json!({"#a": first});
        let mut target = "#a".to_owned();
        if let Some(rest) = rest {
            names["#b"] = json!(rest);
            target.push_str(".#b");
        }
        let update = json!({
            "TableName": "innkeeper-local-core", "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
            "UpdateExpression": format!("SET {target} = :value"), "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": names, "ExpressionAttributeValues": {":value": {"S": value}},
        });
        self.stack.dynamodb.run("UpdateItem", update).unwrap();
    }

    /// The tenant's standing, as a suspension will change it.
    pub(crate) fn set_status(&self, tenant: &str, status: &str) {
        self.set(&format!("T#{tenant}"), "TENANT", "provisioning.status", status);
    }

    /// Everything in a table.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        let found = self.stack.dynamodb.run("Scan", json!({"TableName": format!("innkeeper-local-{table}")})).unwrap();
        found["Items"].as_array().unwrap().clone()
    }

    /// How often the audit log says that this was done.
    pub(crate) fn audited(&self, action: &str) -> usize {
        self.items("audit").iter().filter(|entry| entry["action"]["S"] == action).count()
    }

    /// What one function called while `work` ran.
    pub(crate) async fn spent<T>(&self, work: impl Future<Output = T>) -> (T, Usage) {
        let before = self.stack.gateway.counters().snapshot();
        let done = work.await;
        (done, self.stack.gateway.counters().snapshot().since(&before))
    }

    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let looking = async {
            let mut pace = tokio::time::interval(Duration::from_millis(5));
            loop {
                pace.tick().await;
                if let Some(seen) = look().await {
                    return seen;
                }
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

pub(crate) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}
