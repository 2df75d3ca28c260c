//! What a key may do: less than any person who can make one.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Permission::{self, *};
use crate::{FieldError, Role, Rule};

/// All that a key can be given. A key is never an admin: it invites nobody, changes nobody's role, makes no keys, and leaves
/// the tenant and its settings as they are; and nothing of the platform's is for it. What is not here is denied, whatever a
/// stored key says.
pub const GRANTABLE: &[Permission] = &[
    TenantRead,
    MemberRead,
    VaultRead,
    VaultManage,
    WebhookRead,
    WebhookManage,
    PluginRead,
    PluginManage,
    PluginUse,
    SettingsRead,
    AuditRead,
    ReportRead,
];

/// The permissions of one key; at least one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiKeyScopes(BTreeSet<Permission>);

impl ApiKeyScopes {
    /// What somebody with that role asks for. Fails with `too_short`, `unknown`, `not_for_keys` or `not_yours`, each at the
    /// place in the field `/scopes`.
    pub fn parse(names: &[String], creator: Role) -> Result<Self, Vec<FieldError>> {
        if names.is_empty() {
            return Err(vec![Rule::new("too_short", "needs at least one permission").at("/scopes")]);
        }
        let (mut scopes, mut errors) = (BTreeSet::new(), Vec::new());
        for (place, name) in names.iter().enumerate() {
            match scope(name, creator) {
                Ok(permission) => drop(scopes.insert(permission)),
                Err(rule) => errors.push(rule.at(format!("/scopes/{place}"))),
            }
        }
        if errors.is_empty() { Ok(Self(scopes)) } else { Err(errors) }
    }

    /// Whether a key with these may do it. Asked with every use: what keys may no longer be given, none has.
    pub fn allow(&self, permission: Permission) -> bool {
        self.0.contains(&permission) && GRANTABLE.contains(&permission)
    }

    /// Whether somebody with that role may do all of it.
    pub fn are_within(&self, role: Role) -> bool {
        self.0.iter().all(|permission| role.allows(*permission))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|permission| permission.as_str())
    }
}

impl fmt::Display for ApiKeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(" "))
    }
}

fn scope(name: &str, creator: Role) -> Result<Permission, Rule> {
    let permission = Permission::parse(name).map_err(|_| Rule::new("unknown", "is not a permission"))?;
    if !GRANTABLE.contains(&permission) {
        return Err(Rule::new("not_for_keys", "is not for API keys"));
    }
    if !creator.allows(permission) {
        return Err(Rule::new("not_yours", "is more than your own role allows"));
    }
    Ok(permission)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(names: &[&str], creator: Role) -> Result<ApiKeyScopes, Vec<(String, &'static str)>> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        ApiKeyScopes::parse(&names, creator)
            .map_err(|errors| errors.into_iter().map(|error| (error.pointer, error.code)).collect())
    }

    #[test]
    fn r18_a_key_is_never_an_admin() {
        for &permission in GRANTABLE {
            assert!(Role::Admin.allows(permission), "{permission}: more than an admin of the tenant");
            let (what, verb) = permission.as_str().split_once('.').unwrap();
            assert!(!["api_key", "platform", "system", "user"].contains(&what), "{permission}");
            assert!(!["tenant", "member", "settings"].contains(&what) || verb == "read", "{permission}");
        }
    }

    #[test]
    fn r18_nobody_gives_a_key_what_they_may_not_do_themselves() {
        for &role in Role::ALL {
            for &permission in Permission::ALL {
                let given = parse(&[permission.as_str()], role);
                let expected = role.allows(permission) && GRANTABLE.contains(&permission);
                assert_eq!(given.is_ok(), expected, "{permission} by {role}");
                assert!(given.is_err() || given.is_ok_and(|it| it.allow(permission) && it.are_within(role)));
            }
        }
    }

    #[test]
    fn every_scope_that_is_refused_is_named() {
        let asked = ["vault.read", "member.invite", "nothing", "vault.manage"];
        let refused = parse(&asked, Role::Manager).unwrap_err();
        let refused: Vec<_> = refused.iter().map(|(pointer, code)| (pointer.as_str(), *code)).collect();
        let expected = [
            ("/scopes/0", "not_yours"),
            ("/scopes/1", "not_for_keys"),
            ("/scopes/2", "unknown"),
            ("/scopes/3", "not_yours"),
        ];
        assert_eq!(refused, expected);
        assert_eq!(parse(&[], Role::Owner).unwrap_err(), [("/scopes".to_owned(), "too_short")]);
        let twice = parse(&["vault.read", "vault.read", "audit.read"], Role::Owner).unwrap();
        assert_eq!(twice.to_string(), "vault.read audit.read");
        assert!(twice.are_within(Role::Admin) && !twice.are_within(Role::SuperAdmin));
    }

    #[test]
    fn r18_what_keys_may_no_longer_be_given_no_stored_key_has() {
        let stored: ApiKeyScopes = serde_json::from_str(r#"["tenant.delete","member.invite","vault.read"]"#).unwrap();
        for &permission in Permission::ALL {
            assert_eq!(stored.allow(permission), permission == VaultRead, "{permission}");
        }
    }
}
