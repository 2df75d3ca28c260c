//! `POST /api/v1/tenants/{tenant_id}/webhooks`: a new webhook, whose signing secret is in this answer and nowhere else. A read and
//! one transaction beside the door's read, and a read more with an `Idempotency-Key`.
//!
//! Of a repeat with the same `Idempotency-Key` the caller is told the id of the first, as with an API key.

use std::collections::BTreeSet;

use domain::{Action, Facts, Permission, Quota, WebhookEvent, WebhookId, WebhookUrl};
use http::{Method, header::LOCATION};
use lambda::http::{
    Access, Csrf, Cx, Errors, Field, Idempotency, IdempotencyKey, Json, Policy, Problem, Rate, Reply, Route, Scope,
    Unknown, kinds,
};
use serde::{Deserialize, Serialize};
use store::{Kept, StoreError, Webhook};
use utoipa::ToSchema;

use crate::{
    desk::{Desk, TRIES, facts, tenant_of},
    entry::{Answer, WithSecret},
};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = WebhookRequest)]
pub struct Request {
    /// `https`, with the full name of a host that is on the public internet.
    #[serde(default)]
    #[schema(value_type = String, required, max_length = 2048, example = "https://hooks.example.com/innkeeper")]
    url: Field<String>,
    /// What it hears of: `secret.rotated`.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required, example = json!(["secret.rotated"]))]
    events: Field<Vec<String>>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// Two requests are the same where this is.
#[derive(Serialize)]
struct Wanted {
    url: WebhookUrl,
    events: BTreeSet<WebhookEvent>,
}

impl Request {
    fn parse(self, inside: Option<&str>) -> Result<Wanted, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let url = errors.require("url", self.url);
        let names = errors.require("events", self.events);
        let url = url.and_then(|url| errors.check("/url", WebhookUrl::parse_or_inside(&url, inside)));
        let mut events = BTreeSet::new();
        if names.as_ref().is_some_and(Vec::is_empty) {
            errors.push(domain::Rule::new("too_short", "needs at least one event").at("/events"));
        }
        for (place, name) in names.into_iter().flatten().enumerate() {
            events.extend(errors.check(&format!("/events/{place}"), WebhookEvent::parse(&name)));
        }
        errors.finish(url.map(|url| Wanted { url, events }).ok_or_else(Vec::new))
    }
}

/// The route.
pub struct Create;

impl Route for Create {
    const POLICY: Policy = Policy {
        operation: "webhooks-create",
        summary: "Make a webhook",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/webhooks",
        access: Access::Permission(Permission::WebhookManage, Scope::Own),
        rate: Rate::General,
        body_limit: 8 * 1024,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::Optional,
        success: 201,
        problems: &[
            &kinds::PLAN_LIMIT,
            &kinds::WRONG_STATE,
            &kinds::ALREADY_MADE,
            &kinds::IDEMPOTENCY_MISMATCH,
            &kinds::INVALID_HEADER,
        ],
    };
    type Deps = Desk;
    type Body = Json<Request>;
    type Answer = Json<WithSecret>;
    type Error = Problem;

    async fn handle(desk: &Desk, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Problem> {
        let tenant = tenant_of(&cx)?;
        let once = IdempotencyKey::sent(&cx, "webhook.create")?;
        let wanted = request.parse(desk.inside.as_deref())?;
        let webhook_id = WebhookId::new(&*desk.entropy);
        let saved = once.as_ref().map(|once| once.record(&wanted, &webhook_id, cx.now, &*desk.entropy)).transpose()?;
        if let (Some(once), Some(saved)) = (&once, &saved)
            && let Some(earlier) = desk.store.earlier(saved).await?
        {
            return Err(once.made_before::<WebhookId>("webhook", earlier));
        }
        let webhook = Webhook {
            webhook_id,
            url: wanted.url,
            events: wanted.events,
            version: 1,
            former_until: None,
            created_at: cx.now,
            created_by: cx.caller.actor(),
            delivered: None,
        };
        let entry = cx.audit(Action::WebhookCreated, Some(tenant.clone()), Facts::new(), facts(&webhook)).into();
        for tries in 1.. {
            let fresh = desk.fresh(&tenant, &webhook.webhook_id, 1, cx.now).await?;
            let kept =
                desk.store.create_webhook(&tenant, &webhook, &fresh.secret, &fresh.under, saved.as_ref(), &entry);
            match (kept.await, &once) {
                (Ok(Kept::Done), _) => {
                    let location = format!("/api/v1/tenants/{tenant}/webhooks/{}", webhook.webhook_id);
                    let answer = WithSecret { signing_secret: fresh.shown, webhook: Answer::of(webhook, cx.now) };
                    return Ok(Reply::json(answer).header(LOCATION, &location));
                }
                (Ok(Kept::Full(plan)), _) => return Err(Problem::plan_full(plan, Quota::Webhooks)),
                (Ok(Kept::NoTenant), _) => return Err(Problem::new(&kinds::NOT_FOUND)),
                (Ok(Kept::NotReady), _) => {
                    return Err(Problem::new(&kinds::WRONG_STATE).detail("webhooks are of a READY tenant"));
                }
                (Ok(Kept::Before(earlier)), Some(once)) => {
                    return Err(once.made_before::<WebhookId>("webhook", earlier));
                }
                (Ok(Kept::Before(_)), None) => return Err(Problem::new(&kinds::INTERNAL)),
                // The data key was renewed meanwhile.
                (Err(StoreError::Conflict(_)), _) if tries < TRIES => {}
                (Err(error), _) => return Err(error.into()),
            }
        }
        Err(Problem::new(&kinds::INTERNAL))
    }
}
