//! The deployer: whoever deploys the application plane of a tenant, behind a signed webhook.
//!
//! It is asked with `POST {url}` and a JSON body, and may see the same `webhook-id` again. It answers the request with a
//! 2xx at once, and the work with its callback (see [`crate::deployment_callback`]).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::Clock;
use http::{Request, Uri, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use lambda::{Env, StartError, standard_webhooks::sign};
use secrecy::{ExposeSecret, SecretString};
use secrets::{Cached, SecretError, Secrets};
use serde::Serialize;
use store::Tenant;
use workflow::StepError;

/// The webhook is only the asking; the work has ten minutes of its own.
const ANSWER: Duration = Duration::from_secs(10);

/// Asks the deployer.
pub(crate) struct Deployer {
    url: Uri,
    secret: Cached<SecretString>,
    public_url: String,
    clock: Arc<dyn Clock>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// What the deployer is asked.
#[derive(Serialize)]
struct Message<'a> {
    action: Action,
    tenant_id: String,
    subdomain: String,
    plan: String,
    region: String,
    attempt: u32,
    /// Where to answer, and with what; absent where nothing waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_token: Option<&'a str>,
}

/// What the deployer is to do.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// Deploy the tenant's stack.
    Deploy,
    /// Remove it; a 2xx says that it is gone or going, and a stack that never was is gone.
    Remove,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Remove => "remove",
        }
    }
}

/// Why the deployer could not be asked.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("the request did not get through")]
    Transport(#[from] hyper_util::client::legacy::Error),
    #[error("no answer within {ANSWER:?}")]
    Timeout,
    #[error("it answered {0}")]
    Status(http::StatusCode),
    #[error("the request could not be built")]
    Malformed(#[from] http::Error),
    #[error("there is nothing to sign with")]
    Secret(#[from] SecretError),
}

impl Deployer {
    /// The deployer that `DEPLOYER_URL` names; none where it is unset.
    pub(crate) async fn from_env(env: &Env) -> Result<Option<Self>, StartError> {
        let Some(url) = env.optional("DEPLOYER_URL") else { return Ok(None) };
        let invalid = |reason: String| StartError::Invalid { name: "DEPLOYER_URL", reason };
        let url: Uri = url.parse().map_err(|e: http::uri::InvalidUri| invalid(e.to_string()))?;
        let local = url.host() == Some("127.0.0.1");
        if url.scheme_str() != Some("https") && !local {
            return Err(invalid("it is not an https URL".into()));
        }
        let secret = shared_secret(env, env.required("DEPLOYER_SECRET")?).await?;
        let connector =
            hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Some(Self {
            url,
            secret,
            public_url: env.required("PUBLIC_URL")?.to_owned(),
            clock: env.clock.clone(),
            client,
        }))
    }

    /// Asks; a repeated request has the same `webhook-id`, so a deployer that keeps to it does the work once.
    pub(crate) async fn ask(&self, action: Action, tenant: &Tenant, task_token: Option<&str>) -> Result<(), StepError> {
        let attempt = tenant.provisioning.attempt();
        let message = Message {
            action,
            tenant_id: tenant.tenant_id.to_string(),
            subdomain: tenant.subdomain.to_string(),
            plan: tenant.plan.to_string(),
            region: tenant.region.to_string(),
            attempt,
            callback_url: task_token
                .map(|_| format!("{}/api/v1/tenants/{}/deployment", self.public_url, tenant.tenant_id)),
            task_token,
        };
        let id = format!("{}-{}-{attempt}", action.name(), tenant.tenant_id);
        let body =
            serde_json::to_vec(&message).map_err(|e| StepError::retry("the deployer's message was not built", e))?;
        match self.signed(&id, &body).await {
            Ok(()) => Ok(()),
            Err(AskError::Status(status))
                if status.is_client_error() && status != http::StatusCode::TOO_MANY_REQUESTS =>
            {
                Err(StepError::fail("deployer_refused", format!("the deployer refused with {status}")))
            }
            Err(error) => Err(StepError::retry("the deployer does not answer", error)),
        }
    }

    /// Signed with the secret as we know it; where that is refused, once more with the secret as it is now.
    async fn signed(&self, id: &str, body: &[u8]) -> Result<(), AskError> {
        match self.post(id, body, &*self.secret.get().await?).await {
            Err(AskError::Status(http::StatusCode::UNAUTHORIZED)) => {
                self.post(id, body, &*self.secret.refresh_now().await?).await
            }
            answered => answered,
        }
    }

    async fn post(&self, id: &str, body: &[u8], secret: &SecretString) -> Result<(), AskError> {
        let now = self.clock.now();
        let request = Request::post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", sign(secret.expose_secret().as_bytes(), id, now, body));
        let request = request.body(Full::from(body.to_vec()))?;
        // Redirects are not followed: the signature was made for this address.
        let answer = tokio::time::timeout(ANSWER, self.client.request(request)).await.map_err(|_| AskError::Timeout)?;
        let status = answer?.status();
        if status.is_success() { Ok(()) } else { Err(AskError::Status(status)) }
    }
}

/// The key that is shared with the deployer, whoever signs by it. It is replaced by hand, so it is read again where it does
/// not hold.
pub(crate) async fn shared_secret(env: &Env, id: &str) -> Result<Cached<SecretString>, StartError> {
    let cached = Cached::new(Secrets::new(&env.sdk), id, env.clock.clone(), |_, value| Ok(value.clone()));
    cached.get().await?;
    Ok(cached)
}
