//! Who may give, change and take whose role in a tenant; and what a member counts for.

use super::Role;
use crate::named::named;

named! {
    /// Whether a membership may be used. A tenant's suspension leaves it as it is.
    pub enum MembershipStatus {
        /// It may.
        Active = "active",
        /// It may not, until somebody enables it again.
        Disabled = "disabled",
    }
}

impl Role {
    /// The standing in a tenant, the platform's super admin's above its owners'. Other operators have none: they look.
    const fn rank(self) -> u8 {
        match self {
            Self::SuperAdmin => 5,
            Self::Owner => 4,
            Self::Admin => 3,
            Self::Manager => 2,
            Self::Agent | Self::Analyst => 1,
            Self::PlatformAdmin | Self::SupportAdmin => 0,
        }
    }

    /// Whether who has this role may give that one: one of a tenant, and none above their own.
    pub const fn may_give(self, role: Self) -> bool {
        !role.is_platform() && role.rank() <= self.rank()
    }

    /// Whether who has this role may change a member who has that one, or send them away: nobody above themselves.
    pub const fn may_change(self, of: Self) -> bool {
        self.may_give(of)
    }

    /// Whether the plan's limit of admins counts it.
    pub const fn is_admin(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

/// What a member, or an invitation, adds to what a tenant counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seats {
    /// Against the plan's limit: a disabled admin and an invited one keep their seat.
    pub admins: i8,
    /// Of those who can answer for the tenant: there is always one.
    pub owners: i8,
}

impl Seats {
    /// Of a member.
    pub const fn of(role: Role, status: MembershipStatus) -> Self {
        let owner = matches!((role, status), (Role::Owner, MembershipStatus::Active));
        Self { admins: role.is_admin() as i8, owners: owner as i8 }
    }

    /// Of somebody who has not come yet.
    pub const fn of_invitation(role: Role) -> Self {
        Self::of(role, MembershipStatus::Disabled)
    }

    /// What changes when these become those.
    #[must_use]
    pub const fn until(self, after: Self) -> Self {
        Self { admins: after.admins - self.admins, owners: after.owners - self.owners }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: [Role; 5] = [Role::Owner, Role::Admin, Role::Manager, Role::Agent, Role::Analyst];

    #[test]
    fn r09_nobody_gives_or_changes_what_is_above_them() {
        let table = [
            (Role::SuperAdmin, &TENANT[..]),
            (Role::Owner, &TENANT[..]),
            (Role::Admin, &TENANT[1..]),
            (Role::Manager, &TENANT[2..]),
            (Role::Agent, &TENANT[3..]),
            (Role::Analyst, &TENANT[3..]),
            (Role::PlatformAdmin, &[]),
            (Role::SupportAdmin, &[]),
        ];
        assert_eq!(table.len(), Role::ALL.len());
        for (actor, allowed) in table {
            for &role in Role::ALL {
                assert_eq!(actor.may_give(role), allowed.contains(&role), "{actor} gives {role}");
                assert_eq!(actor.may_change(role), allowed.contains(&role), "{actor} changes {role}");
            }
        }
    }

    /// Whoever may change both ends of a move could also have made it step by step.
    #[test]
    fn r09_no_chain_of_gifts_reaches_above_its_beginning() {
        for &first in Role::ALL.iter().filter(|role| !role.is_platform()) {
            for &second in Role::ALL.iter().filter(|role| first.may_give(**role)) {
                for &third in Role::ALL.iter().filter(|role| second.may_give(**role)) {
                    assert!(first.may_give(third), "{first} by {second} to {third}");
                }
            }
        }
    }

    /// The ranks do not contradict the permissions: who may give a role has all that it allows. An analyst and an agent
    /// stand side by side.
    #[test]
    fn r09_nobody_gives_a_permission_that_they_lack() {
        let beside = |role| matches!(role, Role::Agent | Role::Analyst);
        for &actor in TENANT.iter().filter(|role| !beside(**role)) {
            for &role in TENANT.iter().filter(|role| actor.may_give(**role)) {
                assert!(role.permissions().iter().all(|permission| actor.allows(*permission)), "{actor} gives {role}");
            }
        }
    }

    #[test]
    fn r39_a_disabled_owner_keeps_the_seat_and_answers_for_nothing() {
        use MembershipStatus::{Active, Disabled};
        assert_eq!(Seats::of(Role::Owner, Active), Seats { admins: 1, owners: 1 });
        assert_eq!(Seats::of(Role::Owner, Disabled), Seats { admins: 1, owners: 0 });
        assert_eq!(Seats::of(Role::Admin, Active), Seats { admins: 1, owners: 0 });
        assert_eq!(Seats::of_invitation(Role::Owner), Seats { admins: 1, owners: 0 });
        assert_eq!(Seats::of(Role::Manager, Active), Seats::default());
    }

    #[test]
    fn r39_moves_add_up() {
        let states: Vec<Seats> = Role::ALL
            .iter()
            .flat_map(|role| MembershipStatus::ALL.iter().map(|status| Seats::of(*role, *status)))
            .collect();
        for &from in &states {
            for &to in &states {
                let moved = from.until(to);
                assert_eq!((from.admins + moved.admins, from.owners + moved.owners), (to.admins, to.owners));
                assert_eq!(moved.until(Seats::default()), to.until(from));
            }
        }
    }
}
