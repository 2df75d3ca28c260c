//! `GET /api/v1/admin/platform-users`: who runs the platform. One `Query` and one `BatchGetItem` beside the door's read.

use domain::{EmailAddress, IdentityId, Permission, PersonName};
use jiff::Timestamp;
use lambda::http::{Access, Cx, Json, Listing, Policy, Problem, Rate, Reply, Route, Scope, cursor};
use serde::Serialize;
use store::{Identity, PlatformUser};
use utoipa::ToSchema;

use crate::platform_users::Deps;

/// A page of them.
#[derive(Serialize, ToSchema)]
#[schema(as = PlatformUsers)]
pub struct Answer {
    /// In the order of their ids.
    items: Vec<Shown>,
    /// For `cursor`, to get the next page; none on the last one.
    next_cursor: Option<String>,
}

/// One person with a platform role.
#[derive(Serialize, ToSchema)]
#[schema(as = PlatformUserEntry)]
struct Shown {
    #[schema(value_type = String, example = "usr_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    user_id: IdentityId,
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    #[schema(value_type = String)]
    name: PersonName,
    /// `super_admin`, `platform_admin` or `support_admin`.
    role: &'static str,
    /// Whether it is the identity of the bootstrap credentials, whose role goes with them.
    bootstrap: bool,
    #[schema(value_type = String, format = "date-time")]
    granted_at: Timestamp,
    /// When they first signed in with the role; not there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    signed_in_at: Option<Timestamp>,
}

impl From<(PlatformUser, Identity)> for Shown {
    fn from((user, person): (PlatformUser, Identity)) -> Self {
        Self {
            user_id: user.identity_id,
            email: person.email,
            name: person.name,
            role: user.role.as_str(),
            bootstrap: user.bootstrap,
            granted_at: user.created_at,
            signed_in_at: user.signed_in_at,
        }
    }
}

/// The route.
pub struct ListPlatformUsers;

impl Route for ListPlatformUsers {
    const POLICY: Policy = Policy::read(
        "admin-platform-user-list",
        "List the people with a platform role",
        "/api/v1/admin/platform-users",
        Access::Permission(Permission::PlatformAdmin, Scope::Platform),
        Rate::General,
    );
    const PAGED: bool = true;
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let Listing { limit, after } = cx.listing::<IdentityId>()?;
        let (users, last) = deps.store.platform_user_page(after.as_ref(), limit).await?;
        let items = users.into_iter().map(Into::into).collect();
        Ok(Reply::json(Answer { items, next_cursor: last.as_ref().map(cursor) }))
    }
}
