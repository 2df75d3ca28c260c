//! What the API says of a webhook.

use domain::{WebhookDelivery, WebhookEvent, WebhookId};
use jiff::Timestamp;
use serde::Serialize;
use store::Webhook;
use utoipa::ToSchema;

/// A webhook without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct Answer {
    #[schema(value_type = String, example = "whk_0d4cfa1c2b3a4f5e")]
    webhook_id: WebhookId,
    #[schema(example = "https://hooks.example.com/innkeeper")]
    url: String,
    /// What it hears of.
    #[schema(example = json!(["secret.rotated"]))]
    events: Vec<&'static str>,
    /// Until then messages carry the signature of the secret before the current one, too.
    #[schema(value_type = Option<String>, format = "date-time")]
    former_until: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// A person's id, or a key's.
    created_by: String,
    /// How the last message fared.
    last_delivery: Option<Delivery>,
}

/// How the last message fared.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct Delivery {
    /// `webhook-id` of the message.
    message: String,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// What the webhook answered; nothing where it could not be called.
    status: Option<u16>,
    succeeded: bool,
}

/// A webhook and its signing secret, which is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub struct WithSecret {
    /// `whsec_` and the key in base 64, as the libraries of Standard Webhooks take it.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    pub(crate) signing_secret: String,
    #[serde(flatten)]
    pub(crate) webhook: Answer,
}

impl Answer {
    pub(crate) fn of(webhook: Webhook, now: Timestamp) -> Self {
        let delivery = |it: WebhookDelivery| {
            let WebhookDelivery { message, at, status, succeeded } = it;
            Delivery { message, at, status, succeeded }
        };
        Self {
            webhook_id: webhook.webhook_id,
            url: webhook.url.as_str().to_owned(),
            events: webhook.events.into_iter().map(WebhookEvent::as_str).collect(),
            former_until: webhook.former_until.filter(|until| now < *until),
            created_at: webhook.created_at,
            created_by: webhook.created_by.to_string(),
            last_delivery: webhook.delivered.map(delivery),
        }
    }
}
