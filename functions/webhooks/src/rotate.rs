//! `POST /api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/rotate`: another signing secret, in this answer and nowhere else. For a
//! day messages carry the signatures of both. Two reads and one transaction beside the door's read.

use domain::{Action, Permission, WebhookId};
use http::Method;
use jiff::SignedDuration;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds};
use store::Webhook;

use crate::{
    desk::{Desk, TRIES, facts, tenant_of},
    entry::{Answer, WithSecret},
};

/// For the receiver to change over in. A secret that has leaked is the receiver's to refuse: it checks with the new one.
const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// The route.
pub struct Rotate;

impl Route for Rotate {
    const POLICY: Policy = Policy {
        operation: "webhooks-rotate",
        summary: "Give a webhook another signing secret",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}/rotate",
        access: Access::Permission(Permission::WebhookManage, Scope::Own),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::VERSION_CONFLICT, &kinds::WRONG_STATE],
    };
    type Deps = Desk;
    type Body = ();
    type Answer = Json<WithSecret>;
    type Error = Problem;

    async fn handle(desk: &Desk, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let (tenant, id) = (tenant_of(&cx)?, cx.path::<WebhookId>("webhook_id")?);
        for _ in 0..TRIES {
            let found = desk.store.webhook(&tenant, &id).await?;
            let before = found.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?;
            let former_until = cx.now.saturating_add(GRACE).ok();
            let rotated = Webhook { version: before.version + 1, former_until, ..before.clone() };
            let fresh = desk.fresh(&tenant, &id, rotated.version, cx.now).await?;
            let entry = cx.audit(Action::WebhookRotated, Some(tenant.clone()), facts(&before), facts(&rotated)).into();
            if desk.store.rotate_webhook(&tenant, &rotated, &fresh.secret, &fresh.under, &entry).await? {
                let webhook = Answer::of(rotated, cx.now);
                return Ok(Reply::json(WithSecret { signing_secret: fresh.shown, webhook }));
            }
        }
        Err(Problem::new(&kinds::VERSION_CONFLICT))
    }
}
