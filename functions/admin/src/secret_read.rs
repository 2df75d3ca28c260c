//! `GET /api/v1/admin/secrets/{name+}`: one secret from outside, as it is now. One DescribeSecret; of the data keys also how far
//! the re-seal is, one `GetItem` and one `Query`.

use domain::Permission;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds},
};

use serde::Serialize;
use store::Store;
use utoipa::ToSchema;

use crate::{
    reseal::Progress,
    secret::{self, Deps},
};

/// The secret whose old keys go out of use by a re-seal.
const DATA_KEYS: &str = "data-keys";

/// One secret.
#[derive(Serialize, ToSchema)]
#[schema(as = SecretInDetail)]
pub struct Answer {
    #[serde(flatten)]
    secret: secret::Answer,
    /// Only of the data keys, and once they have been rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    reseal: Option<Progress>,
}

/// Secrets Manager, and the store where the re-seal keeps its record.
pub struct Reading {
    pub(crate) of: Deps,
    store: Store,
}

impl FromEnv for Reading {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { of: Deps::from_env(env).await?, store: env.store()? })
    }
}

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
    type Deps = Reading;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Reading, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let name = deps.of.name(cx.path_text("name"))?;
        let found = deps.of.secrets.overview(name.as_str()).await?.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?;
        let reseal = match name.as_str().ends_with(&format!("/{DATA_KEYS}")) {
            true => deps.store.reseal_progress().await?.map(Progress::from),
            false => None,
        };
        Ok(Reply::json(Answer { secret: secret::Answer::of(found, cx.now), reseal }))
    }
}
