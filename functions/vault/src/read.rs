//! `GET /api/v1/vault/{name+}`: the current version of a value. Beside the door's read one `BatchGetItem` of the value and
//! the data key, and one audit entry, without which nobody gets the value.

use domain::{Action, AuditEntry, Facts, Permission, TenantId, VaultEncoding, VaultName, VaultValue};
use jiff::Timestamp;
use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route, Scope, kinds};
use serde::{Serialize, Serializer};
use store::{StoreError, VaultVersion};
use utoipa::ToSchema;

use crate::keeper::{Keeper, KeyError, Opener, tenant_of};

/// How often a value is read again that a re-seal moves at that moment.
const TRIES: usize = 5;

/// A value.
#[derive(Serialize, ToSchema)]
#[schema(as = VaultValue)]
pub struct Answer {
    #[schema(value_type = String, example = "billing/stripe.key")]
    name: VaultName,
    version: u64,
    /// In the encoding in which it was written.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String, format = "password")]
    value: VaultValue,
    #[schema(value_type = String, pattern = "^(text|base64)$", example = "text")]
    encoding: VaultEncoding,
    /// RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
    /// The id of a person, or of an API key.
    updated_by: String,
}

fn exposed<S: Serializer>(value: &VaultValue, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.expose())
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller has no tenant, or the name is none.
    #[error("there is no such name")]
    Refused(Box<Problem>),
    /// The tenant has no such name.
    #[error("there is no such value")]
    NotFound,
    /// It does not open.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was sealed anew each time.
    #[error("the value changes all the time")]
    Busy,
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(problem) => *problem,
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::Key(error) => error.into(),
            Error::Store(error) => error.into(),
            Error::Busy => Self::unavailable(error),
        }
    }
}

/// The route.
pub struct Read;

impl Route for Read {
    const POLICY: Policy = Policy::read(
        "vault-read",
        "Read a value from the vault",
        "/api/v1/vault/{name+}",
        Access::Permission(Permission::VaultRead, Scope::Own),
        Rate::General,
    );
    type Deps = Keeper;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(keeper: &Keeper, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Error> {
        let (tenant, name) = (tenant_of(&cx)?, cx.path::<VaultName>("name")?);
        let (opener, stored) = found(keeper, &tenant, &name, cx.now).await?;
        let (version, updated_at, updated_by) = (stored.version, stored.written_at, stored.written_by.to_string());
        let value = opener.open(stored)?;
        keeper.store.note(&seen(&cx, tenant, &name, version).into(), name.as_str()).await?;
        Ok(Reply::json(Answer { encoding: value.encoding(), name, version, value, updated_at, updated_by }))
    }
}

/// The value, and what opens it. A re-seal may have come between the two: then they are read once more.
async fn found<'a>(
    keeper: &'a Keeper,
    tenant: &'a TenantId,
    name: &VaultName,
    now: Timestamp,
) -> Result<(Opener<'a>, VaultVersion), Error> {
    let mut last = None;
    for _ in 0..TRIES {
        let (data_key, stored) = keeper.store.vault_value(tenant, name).await?;
        let stored = stored.ok_or(Error::NotFound)?;
        let opener = keeper.opener(tenant, name, data_key.clone(), now).await?;
        if opener.knows(&stored) || last == Some((data_key.clone(), stored.sealed.clone())) {
            return Ok((opener, stored));
        }
        last = Some((data_key, stored.sealed.clone()));
    }
    Err(Error::Busy)
}

fn seen(cx: &Cx, tenant: TenantId, name: &VaultName, version: u64) -> AuditEntry {
    cx.audit(Action::VaultRead, Some(tenant), Facts::new(), Facts::new().with("name", name).with("version", &version))
}
