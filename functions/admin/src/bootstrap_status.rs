//! `GET /api/v1/admin/bootstrap-status`: whether the bootstrap credentials are there. Asks Secrets Manager itself, once; the
//! function may not read their value.

use domain::Permission;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Cx, Json, Policy, Rate, Reply, Route, Scope},
};
use secrets::{SecretError, Secrets};
use serde::Serialize;
use utoipa::ToSchema;

const WARNING: &str = "The bootstrap credentials can still sign in as super admin.";
const REMOVE: &str = "Invite another super admin with POST /api/v1/admin/platform-users, have them sign in, then call POST /api/v1/admin/remove-bootstrap-credentials.";
const NOTHING: &str = "Nothing is to be done.";

/// What is so, and what to do.
#[derive(Serialize, ToSchema)]
#[schema(as = BootstrapStatus)]
pub struct Answer {
    bootstrap_credentials_present: bool,
    /// As long as they are present.
    security_risk: bool,
    action_required: bool,
    /// None where there is nothing to warn of.
    warning: Option<&'static str>,
    recommendation: &'static str,
}

impl Answer {
    fn of(present: bool) -> Self {
        Self {
            bootstrap_credentials_present: present,
            security_risk: present,
            action_required: present,
            warning: present.then_some(WARNING),
            recommendation: if present { REMOVE } else { NOTHING },
        }
    }
}

/// Secrets Manager, and which secret.
pub struct Deps {
    secrets: Secrets,
    secret: String,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { secrets: Secrets::new(&env.sdk), secret: env.required("BOOTSTRAP_SECRET")?.to_owned() })
    }
}

/// The route.
pub struct BootstrapStatus;

impl Route for BootstrapStatus {
    const POLICY: Policy = Policy::read(
        "admin-bootstrap-status",
        "See whether the bootstrap credentials are still there",
        "/api/v1/admin/bootstrap-status",
        Access::Permission(Permission::PlatformAdmin, Scope::Platform),
        Rate::General,
    );
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = SecretError;

    async fn handle(deps: &Deps, _: Cx, (): ()) -> Result<Reply<Self::Answer>, SecretError> {
        Ok(Reply::json(Answer::of(deps.secrets.exists(&deps.secret).await?)))
    }
}
