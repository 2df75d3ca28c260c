//! `POST /api/v1/tenants/{tenant_id}/exports`: what there is of a tenant, without its secrets, as a file behind a link that is good
//! for 15 minutes. Asks for a recent proof of who calls.
//!
//! Part by part: a call makes one of at most 8 MiB, which takes seconds where an answer may take 30, and says where the next
//! begins. So there is no tenant that is too large, no call that waits for one, and nothing that runs on its own; most tenants are
//! one part. The file goes after seven days. A call costs a read unit for each 4 KB (2 000 at most), one `PutObject`, the audit entry
//! and two counts; 60 in an hour for a tenant.
//!
//! The entry in the audit log is what records an export, so nothing else is written, and without it nobody gets the link.

use std::sync::Arc;

use domain::{Action, Entropy, ExportId, Permission, throttle::Rule};
use exports::{ExportError, Exports, Place};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope, StepUp,
        Throttle, Unknown, cursor, kinds, uncursor,
    },
};
use serde::{Deserialize, Serialize};
use store::Store;
use utoipa::ToSchema;

use crate::change::{Error, audit, tenant_of};

/// Long enough to begin a download, and too short to be worth keeping.
const LINK: SignedDuration = SignedDuration::from_mins(15);

/// What to send: nothing, for the beginning.
#[derive(Deserialize, Default, ToSchema)]
#[schema(as = ExportRequest)]
pub struct Request {
    /// `next_cursor` of the part before.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    cursor: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<Place, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let cursor = errors.take("cursor", self.cursor);
        let place = errors.check("/cursor", cursor.map_or(Ok(Place::default()), |cursor| uncursor(&cursor)));
        errors.finish(place.ok_or_else(Vec::new))
    }
}

/// A part of an export: NDJSON, one thing a line with its `type` and `schema`, in UTF-8.
#[derive(Serialize, ToSchema)]
#[schema(as = Export)]
pub struct Answer {
    /// As the audit log has it.
    #[schema(value_type = String, example = "exp_0123456789abcdef0123456789abcdef")]
    export_id: ExportId,
    /// Where the file is, for whoever has this link. Not to be kept or logged.
    #[schema(format = "uri")]
    url: String,
    /// From then on the link opens nothing. The file goes after seven days.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    bytes: u64,
    /// How many things are in it.
    lines: u64,
    /// SHA-256 of the file, in hexadecimal.
    sha256: String,
    /// For `cursor`, to get the next part; none where this was the last.
    next_cursor: Option<String>,
}

/// What exports, what counts, and randomness.
pub struct Deps {
    exports: Exports,
    store: Store,
    throttle: Throttle,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let (exports, throttle) = (env.exports()?, Throttle::from_env(env)?);
        Ok(Self { exports, store: env.store()?, throttle, entropy: env.entropy.clone() })
    }
}

/// The route.
pub struct Export;

impl Route for Export {
    const POLICY: Policy = Policy {
        operation: "tenants-export",
        summary: "Export a tenant, or the next part of it",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/exports",
        access: Access::SteppedUp {
            by: StepUp::FactorOrPassword,
            permission: Some((Permission::TenantExport, Scope::Tenant)),
        },
        rate: Rate::General,
        body_limit: 1024,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 201,
        problems: &[&kinds::TOO_MANY_TRIES],
    };
    type Deps = Deps;
    type Body = Option<Json<Request>>;
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, body: Self::Body) -> Result<Reply<Self::Answer>, Problem> {
        let place = body.map(|Json(request)| request).unwrap_or_default().parse()?;
        let tenant = tenant_of(&cx)?;
        // Before it is known whether there is such a tenant: who asks for many is held back either way.
        let pass = deps.throttle.count(&Rule::EXPORT, tenant.as_str(), cx.now).await?;
        pass.stamp(deps.export(&cx, place).await)
    }
}

impl Deps {
    async fn export(&self, cx: &Cx, from: Place) -> Result<Reply<Json<Answer>>, Problem> {
        let (tenant, export_id) = (tenant_of(cx)?, ExportId::new(&*self.entropy));
        if from != Place::default() && self.store.tenant(&tenant).await?.is_none() {
            return Err(Error::NotFound.into());
        }
        let part = self.exports.put(&tenant, from, cx.now, |_| format!("exports/{tenant}/{export_id}.ndjson")).await;
        let part = part.map_err(refusal)?;
        let mut audit = audit(cx, &tenant, Action::TenantExported);
        let facts = audit.entry.after.with("export_id", &export_id).with("sha256", &part.sha256);
        audit.entry.after = facts.with("bytes", &part.bytes).with("lines", &part.lines);
        self.store.note(&audit, export_id.as_str()).await?;
        let link = self.exports.bucket().link(&part.key, LINK).await.map_err(Problem::unavailable)?;
        Ok(Reply::json(Answer {
            export_id,
            url: link.expose().to_owned(),
            expires_at: link.expires_at,
            bytes: part.bytes,
            lines: part.lines,
            sha256: part.sha256.to_string(),
            next_cursor: part.next.as_ref().map(cursor),
        }))
    }
}

fn refusal(error: ExportError) -> Problem {
    match error {
        ExportError::NoTenant => Error::NotFound.into(),
        ExportError::Store(error) => error.into(),
        other => Problem::unavailable(other),
    }
}
