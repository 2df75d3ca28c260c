//! `GET /api/v1/tenants/{tenant_id}/webhooks`: the tenant's webhooks without their secrets, by id, and how the last message to each
//! fared. One `Query` beside the door's read.

use domain::{Permission, WebhookId};
use lambda::http::{Access, Cx, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    desk::{Desk, tenant_of},
    entry,
};

/// One page.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookList)]
pub struct Answer {
    items: Vec<entry::Answer>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// The route.
pub struct List;

impl Route for List {
    const POLICY: Policy = Policy::read(
        "webhooks-list",
        "List a tenant's webhooks",
        "/api/v1/tenants/{tenant_id}/webhooks",
        Access::Permission(Permission::WebhookRead, Scope::Own),
        Rate::General,
    );
    const PAGED: bool = true;
    type Deps = Desk;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(desk: &Desk, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let (tenant, Listing { limit, after }) = (tenant_of(&cx)?, cx.listing::<WebhookId>()?);
        let (found, last) = desk.store.webhooks(&tenant, after.as_ref(), limit).await?;
        let items = found.into_iter().map(|webhook| entry::Answer::of(webhook, cx.now)).collect();
        Ok(Reply::json(Answer { items, next_cursor: last.as_ref().map(cursor) }))
    }
}
