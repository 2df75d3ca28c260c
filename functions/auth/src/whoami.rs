//! `GET /api/v1/auth/whoami`: who the access token stands for, now. One read beside the door's own, for the address: so
//! no other authenticated route pays for it.

use domain::EmailAddress;
use lambda::{
    Env, FromEnv, StartError,
    http::{Access, Cx, Json, Member, Policy, Problem, Rate, Reply, Route, kinds},
};
use serde::Serialize;
use store::Store;
use utoipa::ToSchema;

/// The caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Whoami)]
pub struct Answer {
    /// The person, in all tenants.
    #[schema(example = "usr_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    user_id: String,
    /// As the person wrote it.
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    /// The active tenant; a platform role has none.
    #[schema(example = "tenant-demo-1f2e3d4c")]
    tenant_id: Option<String>,
    /// The role as it is now, not as of the token's issue.
    #[schema(example = "owner")]
    role: &'static str,
    /// What the role allows; everything else is denied.
    permissions: Vec<&'static str>,
    session_id: String,
    /// Who of the platform acts, where it is not the person (RFC 8693).
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Acting>,
}

/// Who acts in somebody's place.
#[derive(Serialize, ToSchema)]
#[schema(as = Act)]
struct Acting {
    #[schema(example = "usr_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    sub: String,
}

impl Answer {
    fn of(member: &Member, email: EmailAddress) -> Self {
        let allowed = member.role.permissions().iter().filter(|permission| member.allows(**permission));
        Self {
            user_id: member.identity.to_string(),
            email,
            tenant_id: member.tenant.as_ref().map(ToString::to_string),
            role: member.role.as_str(),
            permissions: allowed.map(|permission| permission.as_str()).collect(),
            session_id: member.session.to_string(),
            act: member.impersonator.as_ref().map(|by| Acting { sub: by.to_string() }),
        }
    }
}

/// The store.
pub struct Deps {
    store: Store,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { store: env.store()? })
    }
}

/// The route.
pub struct Whoami;

impl Route for Whoami {
    const POLICY: Policy = Policy::read(
        "auth-whoami",
        "See who the access token stands for",
        "/api/v1/auth/whoami",
        Access::SignedIn,
        Rate::General,
    );
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        let member = cx.caller.member()?;
        let person = deps.store.identity(&member.identity).await?;
        let person = person.ok_or_else(|| Problem::new(&kinds::UNAUTHENTICATED))?;
        Ok(Reply::json(Answer::of(member, person.email)))
    }
}

#[cfg(test)]
mod tests {
    use domain::{IdentityId, Role, SessionId, Subdomain, TenantId};
    use serde_json::json;
    use testkit::SeededEntropy;

    use super::*;

    #[test]
    fn an_agent_sees_the_agents_permissions() {
        let entropy = SeededEntropy::new(1);
        let tenant = TenantId::new(&Subdomain::parse("demo").unwrap(), &entropy);
        let member = Member {
            identity: IdentityId::new(&entropy),
            session: SessionId::new(&entropy),
            tenant: Some(tenant.clone()),
            role: Role::Agent,
            impersonator: None,
        };
        let email = EmailAddress::parse("Ada@demo.com").unwrap();
        let answer = serde_json::to_value(Answer::of(&member, email)).unwrap();
        let expected = json!({
            "user_id": member.identity, "email": "Ada@demo.com", "tenant_id": tenant, "role": "agent",
            "permissions": ["tenant.read", "member.read", "plugin.use"], "session_id": member.session,
        });
        assert_eq!(answer, expected);
    }
}
