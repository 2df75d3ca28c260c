//! Tells a tenant's webhooks that its secrets have new values, as the rule on the bus passes it on.
//!
//! Standard Webhooks 1.0. The id of a message follows from what it is about, so whoever gets it again, because the bus or
//! Lambda repeats it, knows it by that. Each webhook is asked once for each try; who has the message is not sent it again. Where
//! one has not, the function fails, Lambda tries twice more, and then it is a dead letter. One `Query`, and for each webhook
//! one read, one call and one write; where it was changed since the `Query`, two reads more.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use domain::{CorrelationId, TenantId, WebhookDelivery, WebhookEvent, WebhookUrl};
use futures::future::join_all;
use http::{Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use jiff::Timestamp;
use lambda::{Env, FromEnv, StartError, Task, standard_webhooks::sign};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::Webhook;
use workflow::StepError;

use crate::{
    desk::{Desk, KeyError},
    outside::{CallError, Outside},
};

/// More than any plan allows.
const MOST: u16 = 100;

/// What every delivery works with.
pub struct Deps {
    desk: Desk,
    outside: Outside,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let desk = Desk::from_env(env).await?;
        let outside = Outside::new(desk.inside.is_some());
        Ok(Self { desk, outside })
    }
}

/// The event, as EventBridge wraps it.
#[derive(Deserialize)]
pub struct Input {
    detail: Rotated,
}

/// What the rule lets through: `secret.rotated`, of a tenant.
#[derive(Deserialize)]
struct Rotated {
    tenant_id: TenantId,
    version: String,
    rotated_at: Timestamp,
    correlation_id: CorrelationId,
}

/// How it went, for the log.
#[derive(Serialize)]
pub struct Output {
    delivered: usize,
}

/// What a webhook is sent; no value is in it.
#[derive(Serialize)]
struct Message<'a> {
    r#type: WebhookEvent,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    tenant_id: &'a TenantId,
    /// Of the tenant's secrets.
    version: &'a str,
    correlation_id: &'a CorrelationId,
}

/// Why a webhook does not have the message.
#[derive(Debug, thiserror::Error)]
enum NotDelivered {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the webhook answered {0}")]
    Status(StatusCode),
    #[error("the webhook's address is none that may be called")]
    Address,
    #[error("the request cannot be written")]
    Request(#[from] http::Error),
}

/// The function.
pub struct Deliver;

impl Task for Deliver {
    type Deps = Deps;
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "deliver-webhooks";

    async fn run(deps: &Deps, Input { detail: event }: Input) -> Result<Output, StepError> {
        let (webhooks, _) = deps
            .desk
            .store
            .webhooks(&event.tenant_id, None, MOST)
            .await
            .map_err(|error| StepError::retry("the webhooks cannot be read", error))?;
        let id = message_id(&event);
        let body = body(&event)?;
        let wanted = webhooks.iter().filter(|webhook| webhook.events.contains(&WebhookEvent::SecretRotated));
        let due =
            wanted.filter(|webhook| !webhook.delivered.as_ref().is_some_and(|it| it.succeeded && it.message == id));
        let told = join_all(due.map(|webhook| deps.tell(&event, webhook, &id, &body))).await;
        let told: Vec<bool> = told.into_iter().flatten().collect();
        let delivered = told.iter().filter(|told| **told).count();
        if delivered < told.len() {
            let detail = format!("{} of {} webhooks have not taken it", told.len() - delivered, told.len());
            return Err(StepError::fail("webhook_failed", detail));
        }
        Ok(Output { delivered })
    }
}

impl Deps {
    /// Whether the webhook has the message now; none where there is no such webhook any more.
    async fn tell(&self, event: &Rotated, webhook: &Webhook, id: &str, body: &Bytes) -> Option<bool> {
        let outcome = self.send(event, webhook, id, body).await.transpose()?;
        let status = match &outcome {
            Ok(status) | Err(NotDelivered::Status(status)) => Some(status.as_u16()),
            Err(_) => None,
        };
        let (tenant, correlation_id) = (&event.tenant_id, &event.correlation_id);
        if let Err(error) = &outcome {
            tracing::warn!(%tenant, request_id = %correlation_id, webhook = %webhook.webhook_id, %error, cause = ?std::error::Error::source(error), "a webhook has not taken a message");
        }
        let at = self.desk.clock.now();
        let delivery = WebhookDelivery { message: id.to_owned(), at, status, succeeded: outcome.is_ok() };
        if let Err(error) = self.desk.store.note_delivery(tenant, &webhook.webhook_id, &delivery).await {
            tracing::warn!(%tenant, request_id = %correlation_id, %error, "a delivery was not noted");
        }
        Some(outcome.is_ok())
    }

    /// None where the webhook was deleted: nothing is sent that is not signed.
    async fn send(
        &self,
        event: &Rotated,
        webhook: &Webhook,
        id: &str,
        body: &Bytes,
    ) -> Result<Option<StatusCode>, NotDelivered> {
        // The rule for addresses may have become stricter since it was stored.
        let url = WebhookUrl::parse_or_inside(webhook.url.as_str(), self.desk.inside.as_deref());
        let url = url.map_err(|_| NotDelivered::Address)?;
        let now = self.desk.clock.now();
        let Some(secrets) = self.desk.signing(&event.tenant_id, webhook, now).await? else { return Ok(None) };
        let signatures: Vec<String> = secrets.iter().map(|secret| sign(secret.key(), id, now, body)).collect();
        let request = Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("user-agent", "innkeeper-webhooks/1")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signatures.join(" "))
            .body(Full::from(body.clone()))?;
        let status = self.outside.call(request).await?;
        if status.is_success() { Ok(Some(status)) } else { Err(NotDelivered::Status(status)) }
    }
}

/// The same for the same version, however often it is told.
fn message_id(event: &Rotated) -> String {
    let digest = Sha256::digest(format!("{}\n{}\n{}", WebhookEvent::SecretRotated, event.tenant_id, event.version));
    format!("msg_{}", HEXLOWER.encode(&digest[..16]))
}

fn body(event: &Rotated) -> Result<Bytes, StepError> {
    let Rotated { tenant_id, version, rotated_at, correlation_id } = event;
    let data = Data { tenant_id, version, correlation_id };
    let message = Message { r#type: WebhookEvent::SecretRotated, timestamp: *rotated_at, data };
    let body = serde_json::to_vec(&message).map_err(|e| StepError::fail("malformed_output", e.to_string()))?;
    Ok(body.into())
}
