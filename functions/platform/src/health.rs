//! `GET /healthz`: that a request gets through. It says nothing else, to anybody who asks.

use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Deps;

/// That it is up.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub struct Answer {
    #[schema(example = "ok")]
    status: &'static str,
}

/// The route.
pub struct Health;

impl Route for Health {
    const POLICY: Policy = Policy {
        operation: "platform-health",
        summary: "See whether the API is up",
        method: Method::GET,
        path: "/healthz",
        access: Access::Anonymous,
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("changes nothing"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(_: &Deps, _: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        Ok(Reply::json(Answer { status: "ok" }))
    }
}
