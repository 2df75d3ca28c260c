//! How often something may be tried (REQUIREMENTS.md R14, R15), and by whom: what counts as one client.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

/// As many tries are each kept with their moment; of a rule for more, in so many groups.
pub const ROW: usize = 20;

/// At most so many in any span of that length; windows slide, they do not start over. Counted with every try, and exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name in the `RateLimit` headers.
    pub name: &'static str,
    /// How many: at most [`ROW`], or a multiple of it, and then nothing can be taken back and nobody is blocked.
    pub most: usize,
    /// Within how long.
    pub within: SignedDuration,
    /// What happens to whoever goes on regardless.
    pub block: Option<Block>,
}

/// Whoever tries more often than this, refusals included, is refused everything for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// As many tries are borne.
    pub after: usize,
    /// Within how long.
    pub within: SignedDuration,
    /// For how long.
    pub lasts: SignedDuration,
}

impl Rule {
    /// Failures to prove who one is, per client: sign-in, password change, second factor. A client's failures with one
    /// account are among its failures, so that the same rule per account and client needs no count of its own; and there
    /// is none per account, by which an attacker could lock the owner out.
    pub const PROOF: Self = Self {
        name: "auth",
        most: 5,
        within: SignedDuration::from_mins(15),
        block: Some(Block { after: 10, within: SignedDuration::from_mins(5), lasts: SignedDuration::from_mins(15) }),
    };
    /// Wrong one-time passwords, per person, beside [`Rule::PROOF`]: who knows the password and has many addresses needs
    /// two years for one on average. Recovery codes are not counted here, so that the owner is never locked out.
    pub const ONE_TIME_PASSWORD: Self =
        Self { name: "one-time-password", most: 20, within: SignedDuration::from_hours(1), block: None };
    /// Mails with a link to a new password, per address. Three of them lie in the owner's mailbox then.
    pub const RESET: Self = Self { name: "reset", most: 3, within: SignedDuration::from_hours(1), block: None };
    /// Mails with an invitation, per tenant and address: nobody's mailbox is filled by pressing a button.
    pub const INVITATION: Self =
        Self { name: "invitation", most: 5, within: SignedDuration::from_hours(1), block: None };
    /// Mails with an invitation, per tenant: whoever signs a tenant up may write to strangers in the platform's name.
    pub const INVITATIONS: Self =
        Self { name: "invitations", most: 5 * ROW, within: SignedDuration::from_hours(1), block: None };
    /// Refreshes of sessions that have ended, per client. Whose session goes on is never refused by it.
    pub const REFRESH: Self = Self { name: "refresh", ..Self::PROOF };
    /// Parts of exports, per tenant: 480 MB, a million entries of its audit log, at some 2 000 read units each.
    pub const EXPORT: Self = Self { name: "export", most: 3 * ROW, within: SignedDuration::from_hours(1), block: None };
    /// Calls that remove the bootstrap credentials, per caller.
    pub const REMOVAL: Self = Self { name: "removal", most: 5, within: SignedDuration::from_mins(1), block: None };
}

/// What trying once more came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// It was counted, and may go on.
    Within {
        /// How many more may follow at once.
        left: usize,
        /// When there is room for one more.
        more_at: Timestamp,
    },
    /// It may not.
    Beyond {
        /// When it may again.
        until: Timestamp,
        /// Whether nothing changes that until then, so that nobody has to be asked again.
        blocked: bool,
    },
}

/// The network that counts as one client: an IPv4 address, or the /64 that an IPv6 subscriber has to themselves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientNetwork(Option<IpAddr>);

impl ClientNetwork {
    /// The network of an address as API Gateway saw it. Whatever is no address counts as one client.
    #[must_use]
    pub fn of(address: &str) -> Self {
        Self(address.parse::<IpAddr>().ok().map(|address| match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
            v4 => v4,
        }))
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(IpAddr::V6(v6)) => write!(f, "{v6}/64"),
            Some(v4) => v4.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subscriber_is_one_client() {
        for (address, network) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("", "unknown"),
            ("203.0.113.7, 10.0.0.1", "unknown"),
        ] {
            assert_eq!(ClientNetwork::of(address).to_string(), network, "{address}");
        }
    }
}
