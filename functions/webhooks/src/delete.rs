//! `DELETE /api/v1/tenants/{tenant_id}/webhooks/{webhook_id}`: it hears of nothing any more. A read and one transaction beside the
//! door's read.

use domain::{Action, Facts, Permission, WebhookId};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, Scope, kinds};

use crate::desk::{Desk, TRIES, facts, tenant_of};

/// The route.
pub struct Delete;

impl Route for Delete {
    const POLICY: Policy = Policy {
        operation: "webhooks-delete",
        summary: "Delete a webhook",
        method: Method::DELETE,
        path: "/api/v1/tenants/{tenant_id}/webhooks/{webhook_id}",
        access: Access::Permission(Permission::WebhookManage, Scope::Own),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::VERSION_CONFLICT],
    };
    type Deps = Desk;
    type Body = ();
    type Answer = ();
    type Error = Problem;

    async fn handle(desk: &Desk, cx: Cx, (): ()) -> Result<Reply<()>, Problem> {
        let (tenant, id) = (tenant_of(&cx)?, cx.path::<WebhookId>("webhook_id")?);
        for _ in 0..TRIES {
            let found = desk.store.webhook(&tenant, &id).await?;
            let webhook = found.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?;
            let entry = cx.audit(Action::WebhookDeleted, Some(tenant.clone()), facts(&webhook), Facts::new());
            if desk.store.delete_webhook(&tenant, &webhook, &entry.into()).await? {
                return Ok(Reply::new(()));
            }
        }
        Err(Problem::new(&kinds::VERSION_CONFLICT))
    }
}
