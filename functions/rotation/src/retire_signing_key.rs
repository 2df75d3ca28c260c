//! `POST /api/v1/admin/signing-keys/{kid}/retire`: the emergency of a signing key that somebody else knows. From the next
//! request on no door accepts a token of that key; sessions live on, and their next tokens are of another one.
//!
//! A function of its own: besides the rotation, only this one may write the ring. The same order again does what is left of
//! the first; see `RotateSigningKeys::retire_now` for what it costs.

use domain::{KeyId, Permission};
use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds};
use serde::Serialize;
use utoipa::ToSchema;
use workflow::StepError;

use crate::{
    retirement::UNKNOWN,
    signing_keys::{Order, RotateSigningKeys},
};

/// What was done.
#[derive(Serialize, ToSchema)]
#[schema(as = SigningKeyRetired)]
pub struct Answer {
    /// The key whose tokens are refused from now on.
    #[schema(value_type = String, example = "8f14e45f")]
    retired: KeyId,
    /// Whether it was in the ring of private keys, too; false where an earlier order has taken it out.
    ring_changed: bool,
}

/// Why it was not done to the end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key of that id is published.
    #[error("no such key is published")]
    Unknown,
    /// It broke off; the detail says how far it came.
    #[error("the retirement broke off")]
    BrokeOff(#[source] StepError),
}

impl From<StepError> for Error {
    fn from(error: StepError) -> Self {
        if error.code() == UNKNOWN { Self::Unknown } else { Self::BrokeOff(error) }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unknown => Self::new(&kinds::NOT_FOUND),
            Error::BrokeOff(cause) => {
                let detail = cause.to_string();
                Self::unavailable(cause).detail(detail)
            }
        }
    }
}

/// The route.
pub struct RetireSigningKey;

impl Route for RetireSigningKey {
    const POLICY: Policy = Policy {
        operation: "admin-retire-signing-key",
        summary: "Refuse every token of a compromised signing key from now on",
        method: Method::POST,
        path: "/api/v1/admin/signing-keys/{kid}/retire",
        access: Access::Permission(Permission::PlatformAdmin, Scope::Platform),
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[],
    };
    type Deps = RotateSigningKeys;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &RotateSigningKeys, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let kid = KeyId::parse(cx.path_text("kid")).ok_or(Error::Unknown)?;
        let order = Order { actor: cx.caller.actor(), correlation_id: cx.request_id.clone() };
        let ring_changed = deps.retire_now(&kid, order).await?;
        Ok(Reply::json(Answer { retired: kid, ring_changed }))
    }
}
