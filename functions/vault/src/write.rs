//! `PUT /api/v1/vault/{name+}`: a value, or its next version. One read and one transaction beside the door's read.

use domain::{Permission, VaultEncoding, VaultName, VaultValue};
use http::Method;
use lambda::http::{
    Access, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, Unknown, kinds,
};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{
    change::{Change, Content, Error},
    entry,
    keeper::{Keeper, tenant_of},
};

/// The largest value, if each of its bytes is written as `\u0000`, and the fields around it.
const LARGEST: usize = 6 * VaultValue::MAX + 1_024;

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = VaultWriteRequest)]
pub struct Request {
    /// 1 byte to 64 KiB, once decoded.
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", min_length = 1)]
    value: Field<String>,
    /// `text` unless said otherwise; `base64` (RFC 4648 section 4, padded) for bytes.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(text|base64)$", example = "text")]
    encoding: Field<String>,
    /// The version that this one is to follow, 0 where there is to be none; 409 if another one is current. Without it the
    /// value is written whatever is there.
    #[serde(default)]
    #[schema(value_type = Option<u64>, example = 3)]
    version: Field<u64>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<(VaultValue, Option<u64>), Problem> {
        let mut errors = Errors::of(&self.unknown);
        let value = errors.require("value", self.value).map(Zeroizing::new);
        let encoding = errors.take("encoding", self.encoding).map_or(Ok(VaultEncoding::Text), |name| name.parse());
        let follows = errors.take("version", self.version);
        let encoding = encoding.map_err(|rule| errors.push(rule.at("/encoding")));
        let value = value.zip(encoding.ok()).map(|(text, encoding)| VaultValue::parse(&text, encoding));
        let parsed = match value {
            Some(Ok(value)) => Ok((value, follows)),
            Some(Err(rule)) => Err(vec![rule.at("/value")]),
            None => Err(Vec::new()),
        };
        errors.finish(parsed)
    }
}

/// The route.
pub struct Write;

impl Route for Write {
    const POLICY: Policy = Policy {
        operation: "vault-write",
        summary: "Write a value, or its next version, into the vault",
        method: Method::PUT,
        path: "/api/v1/vault/{name+}",
        access: Access::Permission(Permission::VaultManage, Scope::Own),
        rate: Rate::General,
        body_limit: LARGEST,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::VERSION_CONFLICT, &kinds::VAULT_FULL],
    };
    type Deps = Keeper;
    type Body = Json<Request>;
    type Answer = Json<entry::Answer>;
    type Error = Error;

    async fn handle(keeper: &Keeper, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let tenant = tenant_of(&cx)?;
        // To a name that cannot be, a 404 would say to look elsewhere.
        let name = VaultName::parse(cx.path_text("name"))
            .map_err(|rule| Problem::new(&kinds::INVALID_FIELDS).detail(format!("the name {rule}")))?;
        let (value, follows) = request.parse()?;
        let change = Change { tenant, name, follows, content: Content::Sent(value) };
        Ok(Reply::json(change.apply(keeper, &cx).await?.into()))
    }
}
