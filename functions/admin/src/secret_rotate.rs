//! `POST /api/v1/admin/secrets/{name+}`, of which the last segment is `rotate`: orders a rotation. Secrets Manager carries it
//! out by itself, and tries again what fails; where it stands is told by `GET …/{name}`.
//!
//! Written down before it is ordered, so that no rotation is nobody's. Costs a DescribeSecret, a put and a RotateSecret. The
//! function may neither read a secret nor change one, except by having it rotated.

use std::sync::Arc;

use domain::{Action, AuditEntry, CorrelationId, Entropy, Facts, Permission, SecretName, bytes};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds},
};
use secrets::{Ordered, SecretError};
use serde::Serialize;
use store::{Store, StoreError};
use utoipa::ToSchema;

use crate::secret;

/// What was ordered.
#[derive(Serialize, ToSchema)]
#[schema(as = SecretRotation)]
pub struct Answer {
    #[schema(value_type = String, example = "innkeeper/production/signing-keys")]
    name: SecretName,
    /// The id of the version that will be current; its stages tell how far it is.
    version: String,
    /// Where to look: a path of this API.
    status_url: String,
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a name of this stage.
    #[error("the request is refused")]
    Refused(Box<Problem>),
    /// There is no such secret.
    #[error("there is no such secret")]
    NotFound,
    /// No function rotates it.
    #[error("no function rotates the secret")]
    NotRotated,
    /// One has begun before and not ended.
    #[error("a rotation is under way")]
    UnderWay,
    /// Secrets Manager did not do it.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It could not be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(problem) => *problem,
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::NotRotated => Self::new(&kinds::NOT_ROTATED),
            Error::UnderWay => Self::new(&kinds::ROTATION_UNDER_WAY),
            Error::Secret(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// Secrets Manager, the audit log, and randomness for version ids.
pub struct Deps {
    of: secret::Deps,
    store: Store,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { of: secret::Deps::from_env(env).await?, store: env.store()?, entropy: env.entropy.clone() })
    }
}

/// The route.
pub struct RotateSecret;

impl Route for RotateSecret {
    const POLICY: Policy = Policy {
        operation: "admin-rotate-secret",
        summary: "Rotate one of the platform's secrets now",
        method: Method::POST,
        path: "/api/v1/admin/secrets/{name+}",
        access: Access::Permission(Permission::PlatformAdmin, Scope::Platform),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 202,
        problems: &[&kinds::NOT_ROTATED, &kinds::ROTATION_UNDER_WAY],
    };
    const ENDING: &'static str = "/rotate";
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let name = cx.path_text("name").strip_suffix(Self::ENDING).ok_or(Error::NotFound)?;
        deps.order(&cx, name).await
    }
}

impl Deps {
    /// Writes the order down and gives it.
    pub(crate) async fn order(&self, cx: &Cx, name: &str) -> Result<Reply<Json<Answer>>, Error> {
        let name = self.of.name(name).map_err(|problem| Error::Refused(Box::new(problem)))?;
        let found = self.of.secrets.overview(name.as_str()).await?.ok_or(Error::NotFound)?;
        if !found.rotates {
            return Err(Error::NotRotated);
        }
        if found.is_rotating() {
            return Err(Error::UnderWay);
        }
        let version = format!("{:032x}", u128::from_be_bytes(bytes(&*self.entropy)));
        self.store.note(&ordered(cx, &name, &version).into(), &version).await?;
        match self.of.secrets.order_rotation(name.as_str(), &version).await? {
            Ordered::Begun => {
                let status_url = format!("/api/v1/admin/secrets/{name}");
                Ok(Reply::json(Answer { name, version, status_url }))
            }
            // Since we looked.
            Ordered::Refused => Err(Error::UnderWay),
        }
    }
}

fn ordered(cx: &Cx, name: &SecretName, version: &str) -> AuditEntry {
    let after = Facts::new().with("secret", name);
    // The rotation's own log lines and its event are correlated by its version.
    let after = match CorrelationId::parse(version) {
        Ok(version) => after.with("version", &version),
        Err(_) => after,
    };
    cx.audit(Action::SecretRotationOrdered, None, Facts::new(), after)
}
