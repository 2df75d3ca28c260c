//! `GET /api/v1/tenants/{tenant_id}/members`: who belongs to the tenant. One `Query` and one `BatchGetItem` beside the
//! door's read; one read more where nobody does.

use domain::{EmailAddress, IdentityId, Permission, PersonName, TenantId};
use jiff::Timestamp;
use lambda::http::{Access, Cx, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor, kinds};
use serde::Serialize;
use store::{Identity, Membership, Store};
use utoipa::ToSchema;

/// A page of members.
#[derive(Serialize, ToSchema)]
#[schema(as = Members)]
pub struct Answer {
    /// In the order of their ids.
    items: Vec<Shown>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// One member.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
struct Shown {
    #[schema(value_type = String, example = "usr_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    user_id: IdentityId,
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    #[schema(value_type = String)]
    name: PersonName,
    /// `owner`, `admin`, `manager`, `agent` or `analyst`.
    role: &'static str,
    /// `active`, or `disabled` until somebody enables the member again.
    status: &'static str,
    #[schema(value_type = String, format = "date-time")]
    joined_at: Timestamp,
    /// Name it in a change.
    version: u64,
}

impl From<(Membership, Identity)> for Shown {
    fn from((member, person): (Membership, Identity)) -> Self {
        Self {
            user_id: member.identity_id,
            email: person.email,
            name: person.name,
            role: member.role.as_str(),
            status: member.status.as_str(),
            joined_at: member.created_at,
            version: member.version,
        }
    }
}

/// The route.
pub struct ListMembers;

impl Route for ListMembers {
    const POLICY: Policy = Policy::read(
        "members-list",
        "List the members of a tenant",
        "/api/v1/tenants/{tenant_id}/members",
        Access::Permission(Permission::MemberRead, Scope::Tenant),
        Rate::General,
    );
    const PAGED: bool = true;
    type Deps = Store;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(store: &Store, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let tenant: TenantId = cx.path("tenant_id")?;
        let Listing { limit, after } = cx.listing::<IdentityId>()?;
        let (members, last) = store.member_page(&tenant, after.as_ref(), limit).await?;
        // An operator may ask for a tenant that there is not.
        if members.is_empty() && after.is_none() && store.tenant(&tenant).await?.is_none() {
            return Err(Problem::new(&kinds::NOT_FOUND));
        }
        let items = members.into_iter().map(Into::into).collect();
        Ok(Reply::json(Answer { items, next_cursor: last.as_ref().map(cursor) }))
    }
}
