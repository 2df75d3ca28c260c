//! What a customer does: sign up, wait, activate, sign in.

#![allow(dead_code, reason = "shared by tests that each use a part")]

use std::hash::{BuildHasher, Hasher, RandomState};

use serde_json::{Value, json};

use crate::client::{Api, until};

/// Fifteen characters or more, in no list, and without the names of anybody here.
pub(crate) const PASSWORD: &str = "seven purple lanterns, drifting";

/// A tenant that was asked for.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) subdomain: String,
    pub(crate) email: String,
    pub(crate) status_url: String,
    pub(crate) status_token: String,
    pub(crate) request_id: String,
}

/// A name that no other test and no earlier run has.
pub(crate) fn free_name() -> String {
    format!("e2e-{:016x}", RandomState::new().build_hasher().finish())
}

/// The body of a signup.
pub(crate) fn signup(subdomain: &str) -> Value {
    json!({
        "company_name": "Lantern Works", "subdomain": subdomain, "admin_name": "Ada Admin",
        "admin_email": format!("ada@{subdomain}.example"), "plan": "starter",
    })
}

impl Api {
    pub(crate) async fn sign_up(&self) -> Tenant {
        let subdomain = free_name();
        let body = signup(&subdomain);
        let answer = self.post("/api/v1/tenants", &body).send().await;
        let accepted = answer.expect(202);
        let text = |name: &str| accepted[name].as_str().unwrap().to_owned();
        Tenant {
            id: text("tenant_id"),
            status_url: text("status_url"),
            status_token: text("status_token"),
            email: body["admin_email"].as_str().unwrap().to_owned(),
            request_id: answer.header("x-request-id").to_owned(),
            subdomain,
        }
    }

    /// The status once the tenant is READY.
    pub(crate) async fn ready(&self, tenant: &Tenant) -> Value {
        until("READY", async || {
            let status = self.get(&tenant.status_url).bearer(&tenant.status_token).send().await.expect(200);
            assert_ne!(status["status"], "FAILED", "{status:#}");
            (status["status"] == "READY").then_some(status)
        })
        .await
    }

    /// The mails to an address, newest first; none where this server has no mailbox to look into.
    pub(crate) async fn mails(&self, email: &str) -> Option<Vec<Value>> {
        let answer = self.get("/_local/mail").send().await;
        let mails = (answer.status == 200).then(|| answer.expect(200))?;
        let to = |mail: &&Value| mail["to"].as_str().is_some_and(|to| to.contains(email));
        Some(mails.as_array().unwrap().iter().filter(to).cloned().collect())
    }

    /// The token of the newest mail's link; none where there is no mailbox.
    pub(crate) async fn activation_token(&self, email: &str) -> Option<String> {
        self.mails(email).await?;
        let token = until("the welcome mail", async || {
            let mails = self.mails(email).await?;
            let text = mails.first()?["text"].as_str()?.to_owned();
            Some(text.split("token=").nth(1)?.split_whitespace().next()?.to_owned())
        });
        Some(token.await)
    }

    /// A READY tenant with its owner's access token; none where there is no mailbox.
    pub(crate) async fn owner(&self) -> Option<(Tenant, String)> {
        let tenant = self.sign_up().await;
        self.ready(&tenant).await;
        let token = self.activation_token(&tenant.email).await?;
        let activation = json!({"token": token, "password": PASSWORD});
        self.post("/api/v1/auth/activate", &activation).send().await.expect(200);
        let login = self.login(&tenant.email, PASSWORD).await.expect(200);
        Some((tenant, login["access_token"].as_str().unwrap().to_owned()))
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> crate::client::Answer {
        self.post("/api/v1/auth/login", &json!({"email": email, "password": password})).send().await
    }
}
