//! `GET /healthz`: that a request gets through. It says nothing else, to anybody who asks.

use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route};
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
    const POLICY: Policy = Policy::read(
        "platform-health",
        "See whether the API is up",
        "/healthz",
        Access::Anonymous,
        Rate::Unlimited("a monitor that is refused reports an outage, and the answer costs nothing"),
    );
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(_: &Deps, _: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        Ok(Reply::json(Answer { status: "ok" }))
    }
}
