//! R09: every role, in every scope, where its own tenant, another or none is in the path.

use super::*;

const OWN: &str = "tenant-own-00000001";
const OTHER: &str = "tenant-other-00000002";

fn member(role: Role) -> Member {
    let tenant = (!role.is_platform()).then(|| TenantId::parse(OWN).unwrap());
    let identity = IdentityId::parse(&format!("usr_{}", "0".repeat(32))).unwrap();
    let session = SessionId::parse(&format!("ses_{}", "0".repeat(32))).unwrap();
    Member { identity, session, tenant, role, impersonator: None }
}

fn answer(role: Role, permission: Permission, scope: Scope, path: Option<&str>) -> &'static str {
    permitted(&member(role), permission, scope, path).map_or_else(|problem| problem.code(), |()| "ok")
}

#[test]
fn r09_another_tenants_path_is_unknown_to_members_whatever_their_role_allows() {
    for &role in Role::ALL.iter().filter(|role| !role.is_platform()) {
        for &permission in Permission::ALL {
            for scope in [Scope::Own, Scope::Tenant, Scope::Platform] {
                assert_eq!(answer(role, permission, scope, Some(OTHER)), "not_found", "{role} {permission} {scope:?}");
            }
        }
    }
}

#[test]
fn r09_a_permission_counts_in_its_scope_and_what_is_not_granted_is_denied() {
    for &role in Role::ALL {
        for &permission in Permission::ALL {
            for path in [None, Some(OWN)] {
                let own = answer(role, permission, Scope::Own, path);
                let tenant = answer(role, permission, Scope::Tenant, path);
                let platform = answer(role, permission, Scope::Platform, path);
                let granted = |in_scope: bool| if in_scope && role.allows(permission) { "ok" } else { "forbidden" };
                assert_eq!(own, granted(!role.is_platform()), "{role} {permission}");
                assert_eq!(tenant, granted(true), "{role} {permission}");
                assert_eq!(platform, granted(role.is_platform()), "{role} {permission}");
            }
        }
    }
}

#[test]
fn r25_an_impersonator_does_nothing_that_is_personal() {
    let by = IdentityId::parse(&format!("usr_{}", "9".repeat(32))).unwrap();
    let acting = Caller::Member(Member { impersonator: Some(by), ..member(Role::Owner) });
    let own = Caller::Member(member(Role::Owner));
    let stepped = Access::SteppedUp { by: crate::http::StepUp::Factor, permission: None };
    for access in [stepped, Access::SigningIn { by: None }, Access::InPerson] {
        assert!(in_person(access, &own).is_ok() && in_person(access, &acting).is_err(), "{access:?}");
    }
    for &permission in Role::Owner.permissions() {
        let access = Access::Permission(permission, Scope::Own);
        assert_eq!(in_person(access, &acting).is_ok(), !permission.is_personal(), "{permission}");
    }
    assert!(in_person(Access::SignedIn, &acting).is_ok());
}
