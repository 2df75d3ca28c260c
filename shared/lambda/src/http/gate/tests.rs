//! Honest traffic, by simulated time: how much of it is refused (R15: under 1 %).
//!
//! The mix, for four working hours:
//! - an office of 200 people behind one address, all of one tenant (`professional`): each loads a page of two calls four times
//!   in a quarter of an hour and renews the session in it; 40 of them sign in during the first hour (a session lasts a week),
//!   one try in 25 is mistyped; together they look something up without signing in 20 times an hour, and a server of theirs
//!   fetches the public keys every five minutes;
//! - 100 people at home, each alone in a `starter` tenant, twice as busy;
//! - 20 servers of `enterprise` tenants that call 40 times a minute, evenly;
//! - 3 operators of the platform who call 10 times a minute;
//! - a sign-up a minute from somewhere, whose status is followed as `Retry-After` says for a minute.
//!
//! Each call reaches one of four environments of the function that serves its kind. The keys are the door's own.

use std::collections::{BTreeMap, HashMap};

use domain::{
    IdentityId, Plan, Role, SessionId, StatusToken, TenantId,
    throttle::Rule,
    window::{Asked, Parts, Tally},
};
use testkit::SeededEntropy;

use super::*;
use crate::http::{Member, Scope};

const RATES: &str = "signup=3 status=20 caller=1000 client=100 auth=5 reset=3";
const ENVIRONMENTS: u64 = 4;
const HOUR: u64 = 3_600_000;
const QUARTER: u64 = HOUR / 4;
const OFFICE: &str = "203.0.113.7";

static READ: Policy = Policy::read(
    "test-read",
    "Read",
    "/read",
    Access::Permission(domain::Permission::TenantRead, Scope::Tenant),
    Rate::General,
);
static OPEN: Policy = Policy::read("test-open", "Read", "/open", Access::Anonymous, Rate::General);
static STATUS: Policy = Policy::read(
    "test-status",
    "Read",
    "/status",
    Access::StatusToken { or: domain::Permission::TenantRead },
    Rate::Status,
);

/// Who calls, and from where.
#[derive(Clone)]
enum Who {
    Member(Member, Option<Plan>),
    Nobody,
    Renewing(SessionId),
    Follower(String),
    /// Whether the password is mistyped.
    SigningIn(bool),
}

struct World {
    rates: Rates,
    entropy: SeededEntropy,
    dice: u64,
    /// Whether people count as their address does: what the door would do without knowing them.
    by_address: bool,
    tallies: HashMap<(u64, &'static str, String), Tally>,
    items: HashMap<(&'static str, String), Parts>,
    failures: HashMap<String, Vec<u64>>,
    /// Calls and refusals by address.
    outcome: BTreeMap<String, (u32, u32)>,
    writes: u32,
}

impl World {
    fn new(by_address: bool) -> Self {
        Self {
            rates: RATES.parse().unwrap(),
            entropy: SeededEntropy::new(1),
            dice: 0x9E37_79B9_7F4A_7C15,
            by_address,
            tallies: HashMap::new(),
            items: HashMap::new(),
            failures: HashMap::new(),
            outcome: BTreeMap::new(),
            writes: 0,
        }
    }

    /// A number below `sides` (xorshift64).
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % sides
    }

    fn person(&mut self, tenant: Option<&TenantId>) -> Member {
        let role = if tenant.is_some() { Role::Agent } else { Role::SuperAdmin };
        let (identity, session) = (IdentityId::new(&self.entropy), SessionId::new(&self.entropy));
        Member { identity, session, tenant: tenant.cloned(), role, impersonator: None }
    }

    fn tenant(&mut self, name: &str) -> TenantId {
        TenantId::new(&domain::Subdomain::parse(name).unwrap(), &self.entropy)
    }

    fn call(&mut self, at: u64, who: &Who, ip: &str) {
        let passes = match who {
            Who::SigningIn(mistyped) => self.sign_in(at, ip, *mistyped),
            who => self.counted(at, who, ip),
        };
        let (calls, refused) = self.outcome.entry(ip.to_owned()).or_default();
        *calls += 1;
        *refused += u32::from(!passes);
    }

    /// As the exact rule counts: five failures in any quarter of an hour.
    fn sign_in(&mut self, at: u64, ip: &str, mistyped: bool) -> bool {
        let failures = self.failures.entry(ip.to_owned()).or_default();
        failures.retain(|then| at - then < u64::try_from(Rule::PROOF.within.as_millis()).unwrap());
        let passes = failures.len() < Rule::PROOF.most;
        if passes && mistyped {
            failures.push(at);
        }
        passes
    }

    fn counted(&mut self, at: u64, who: &Who, ip: &str) -> bool {
        let now = Timestamp::from_millisecond(1_772_355_600_000 + i64::try_from(at).unwrap()).unwrap();
        let (policy, caller, plan, tenant) = match who {
            Who::Member(_, _) | Who::Renewing(_) if self.by_address => (&READ, Caller::Internal, None, None),
            Who::Member(member, plan) => (&READ, Caller::Member(member.clone()), *plan, None),
            Who::Follower(tenant) => {
                (&STATUS, Caller::StatusToken(StatusToken::new(&self.entropy).digest()), None, Some(tenant.as_str()))
            }
            _ => (&OPEN, Caller::Anonymous, None, None),
        };
        let mut admitted = Admitted::from(caller);
        admitted.plan = plan;
        let limits = match who {
            Who::Renewing(session) if !self.by_address => {
                vec![(self.rates.caller, format!("session {session}"), &kinds::TOO_MANY_REQUESTS)]
            }
            _ => limits(&self.rates, &Call { policy, admitted: &admitted, tenant, source_ip: ip, now }, ip),
        };
        let environment = self.roll(ENVIRONMENTS) + ENVIRONMENTS * u64::from(policy.rate == Rate::Status);
        limits.iter().all(|(window, who, _)| self.one(environment, window, who, now))
    }

    fn one(&mut self, environment: u64, window: &Window, who: &str, now: Timestamp) -> bool {
        let tally = self.tallies.entry((environment, window.name, who.to_owned())).or_default();
        let mut asked = tally.ask(window, now);
        if let Asked::Settle(made) = asked {
            let item = self.items.entry((window.name, who.to_owned())).or_default();
            made.calls.iter().for_each(|(part, calls)| item.add(part, calls));
            tally.settled(&made, item.clone());
            self.writes += 1;
            asked = tally.ask(window, now);
        }
        matches!(asked, Asked::Pass(_))
    }
}

/// Everybody's calls, in the order of time.
fn honest(world: &mut World) -> Vec<(u64, Who, String)> {
    let mut calls: Vec<(u64, Who, String)> = Vec::new();
    let mut busy = |world: &mut World, who: &Member, plan: Plan, ip: &str, pages: u64| {
        for quarter in 0..16 {
            for _ in 0..pages {
                let at = quarter * QUARTER + world.roll(QUARTER);
                calls.extend([0, 150].map(|later| (at + later, Who::Member(who.clone(), Some(plan)), ip.to_owned())));
            }
            let at = quarter * QUARTER + world.roll(QUARTER);
            calls.push((at, Who::Renewing(who.session.clone()), ip.to_owned()));
        }
    };
    let office = world.tenant("office");
    for _ in 0..200 {
        let who = world.person(Some(&office));
        busy(world, &who, Plan::Professional, OFFICE, 4);
    }
    for home in 0..100 {
        let tenant = world.tenant(&format!("home-{home}"));
        let who = world.person(Some(&tenant));
        busy(world, &who, Plan::Starter, &format!("198.51.100.{home}"), 8);
    }
    for _ in 0..40 {
        let (at, mistyped) = (world.roll(HOUR), world.roll(25) == 0);
        calls.push((at, Who::SigningIn(mistyped), OFFICE.to_owned()));
        if mistyped {
            calls.push((at + 20_000, Who::SigningIn(false), OFFICE.to_owned()));
        }
    }
    for _ in 0..80 {
        calls.push((world.roll(4 * HOUR), Who::Nobody, OFFICE.to_owned()));
    }
    calls.extend((0..48).map(|number| (number * 300_000, Who::Nobody, OFFICE.to_owned())));
    for server in 0..20 {
        let tenant = world.tenant(&format!("server-{server}"));
        let who = Who::Member(world.person(Some(&tenant)), Some(Plan::Enterprise));
        calls.extend((0..4 * HOUR / 1_500).map(|number| (number * 1_500, who.clone(), format!("192.0.2.{server}"))));
    }
    for operator in 0..3 {
        let who = Who::Member(world.person(None), None);
        calls
            .extend((0..4 * HOUR / 6_000).map(|number| (number * 6_000, who.clone(), format!("192.0.2.10{operator}"))));
    }
    for minute in 0..240 {
        let (ip, tenant) = (format!("2001:db8:{minute:x}::/64"), format!("tenant-new-{minute}"));
        let looks = (0..6).map(|second| second * 1_000).chain((2..=12).map(|step| step * 5_000));
        calls.extend(looks.map(|later| (minute * 60_000 + later, Who::Follower(tenant.clone()), ip.clone())));
    }
    calls.sort_by_key(|(at, _, _)| *at);
    calls
}

/// Refused, in per cent: of all calls, and of the office's.
fn refused(by_address: bool) -> (f64, f64) {
    let mut world = World::new(by_address);
    for (at, who, ip) in honest(&mut world) {
        world.call(at, &who, &ip);
    }
    let (calls, refused) = world.outcome.values().fold((0, 0), |(c, r), (calls, refused)| (c + calls, r + refused));
    let (office_calls, office_refused) = world.outcome[OFFICE];
    let percent = |refused: u32, calls: u32| 100.0 * f64::from(refused) / f64::from(calls);
    println!(
        "honest calls by {}: {refused} of {calls} refused ({:.2} %), of the office {office_refused} of {office_calls} ({:.2} %); a write for {:.0} calls",
        if by_address { "address" } else { "person" },
        percent(refused, calls),
        percent(office_refused, office_calls),
        f64::from(calls) / f64::from(world.writes),
    );
    assert!(world.writes * 20 <= calls);
    (percent(refused, calls), percent(office_refused, office_calls))
}

#[test]
fn r15_of_honest_traffic_under_one_per_cent_is_refused() {
    let (all, office) = refused(false);
    assert!(all < 1.0 && office < 1.0, "{all} % of all, {office} % of the office");
}

#[test]
fn r15_by_address_alone_an_office_would_be_refused() {
    let (_, office) = refused(true);
    assert!(office > 10.0, "{office} %: then nobody has to be known");
}

#[test]
fn r15_a_follower_who_waits_as_told_is_never_refused() {
    let mut world = World::new(false);
    for later in (0..6).map(|second| second * 1_000).chain((2..=120).map(|step| step * 5_000)) {
        assert!(world.counted(later, &Who::Follower("tenant-new".to_owned()), "192.0.2.1"), "after {later} ms");
    }
}
