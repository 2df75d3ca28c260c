//! `GET /api/v1/admin/secrets/{name+}`: one secret from outside, as it is now. One DescribeSecret.

use domain::Permission;
use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds};

use crate::secret::{Answer, Deps};

/// The route.
pub struct ReadSecret;

impl Route for ReadSecret {
    const POLICY: Policy = Policy::read(
        "admin-secret",
        "See one of the platform's secrets: age, rotations and versions, no values",
        "/api/v1/admin/secrets/{name+}",
        Access::Permission(Permission::PlatformMonitoring, Scope::Platform),
        Rate::General,
    );
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let name = deps.name(cx.path_text("name"))?;
        let found = deps.secrets.overview(name.as_str()).await?.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?;
        Ok(Reply::json(Answer::of(found, cx.now)))
    }
}
