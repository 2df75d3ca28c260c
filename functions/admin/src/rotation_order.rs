//! `POST /api/v1/jobs/rotations`: a rotation that a machine orders, such as the scanner that found a secret where it should
//! not be. It does what `POST /api/v1/admin/secrets/{name}/rotate` does, without a person.
//!
//! A rotation refuses nobody while it runs, but two of them in a row end every value that was in use: so it takes a signature
//! over this one request, and not the internal secret, which whoever reads one call could send again. Costs the same, and a
//! write for the nonce. A function of its own: the one that people call reads no secret at all.

use http::Method;
use lambda::http::{
    Access, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Unknown, kinds,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::secret_rotate::{Answer, Deps, Error};

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = RotationOrder)]
pub struct Request {
    /// The secret's name, in full or from after the stage on.
    #[serde(default)]
    #[schema(value_type = String, required, example = "signing-keys")]
    secret: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// The route.
pub struct OrderRotation;

impl Route for OrderRotation {
    const POLICY: Policy = Policy {
        operation: "admin-order-rotation",
        summary: "Rotate one of the platform's secrets now, by the order of a machine",
        method: Method::POST,
        path: "/api/v1/jobs/rotations",
        access: Access::InternalSigned,
        rate: Rate::Unlimited("who has the secret signs each call, and a signature works once"),
        body_limit: 1024,
        csrf: Csrf::Exempt("uses no cookie: the caller signs the request"),
        idempotency: Idempotency::NotNeeded,
        success: 202,
        problems: &[&kinds::NOT_FOUND, &kinds::NOT_ROTATED, &kinds::ROTATION_UNDER_WAY],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let mut errors = Errors::of(&request.unknown);
        let name = errors.require("secret", request.secret);
        let name =
            errors.finish(name.ok_or_else(Vec::new)).map_err(|problem: Problem| Error::Refused(Box::new(problem)))?;
        deps.order(&cx, &name).await
    }
}
