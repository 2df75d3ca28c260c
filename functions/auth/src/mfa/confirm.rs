//! `POST /api/v1/auth/mfa/totp/confirm`: the first code of a new authenticator. It counts from now on, and its recovery codes
//! are shown this once. The code signs in, too, who was asked for a second factor at the sign-in. What it costs is
//! written at the [`desk`](super::desk).

use domain::second_factor::TotpCode;
use http::Method;
use lambda::http::{
    Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Unknown, kinds,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    desk::{Desk, Typed},
    new_recovery_codes, shown,
};
use crate::login;

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = ConfirmRequest)]
pub struct Request {
    /// What the authenticator shows.
    #[serde(default)]
    #[schema(value_type = String, required, pattern = "^[0-9]{6}$", example = "123456")]
    code: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<TotpCode, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let code = errors.require("code", self.code).map(Zeroizing::new);
        let code = code.and_then(|text| TotpCode::parse(&text).map_err(|rule| errors.push(rule.at("/code"))).ok());
        errors.finish(code.ok_or_else(Vec::new))
    }
}

/// The recovery codes, and the session that the code has opened or was shown in.
#[derive(Serialize, ToSchema)]
#[schema(as = ConfirmAnswer)]
pub struct Answer {
    /// Each is good for one sign-in without the authenticator.
    #[schema(example = json!(["k7m2qp-3fz6xa-b5wlne-7tq4hd"]))]
    recovery_codes: Vec<String>,
    #[serde(flatten)]
    session: login::Answer,
}

/// The route.
pub struct Confirm;

impl Route for Confirm {
    const POLICY: Policy = Policy {
        operation: "auth-mfa-confirm",
        summary: "Confirm an authenticator by its first code",
        method: Method::POST,
        path: "/api/v1/auth/mfa/totp/confirm",
        access: Access::SigningIn { by: None },
        rate: Rate::Auth,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::INVALID_SECOND_FACTOR, &kinds::NO_SECOND_FACTOR, &kinds::TOO_MANY_TRIES],
    };
    type Deps = Desk;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(desk: &Desk, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Problem> {
        let code = request.parse()?;
        let (codes, digests) = new_recovery_codes(desk.entropy());
        let reply = desk.show(&cx, Typed::First(code, digests)).await?;
        Ok(reply.map(|Json(session)| Json(Answer { recovery_codes: shown(&codes), session })))
    }
}
