//! The refresh protocol against every order of events: an honest client with two tabs, lost answers and repeats, and a
//! thief who uses a stolen token before the client or after it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test each is an answer")]

use std::collections::HashMap;

use domain::refresh::{Channel, Client, Family, GRACE, Limits, Verdict};
use jiff::{SignedDuration, Timestamp};

/// The issue asks for 6; each one more costs five times as much.
const DEPTH: usize = 8;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn limits() -> Limits {
    Limits { idle: SignedDuration::from_hours(24), expires_at: at(7 * 86_400) }
}

fn client(channel: Channel) -> Client {
    Client::new(channel, "Honest/1.0")
}

/// What one tab (or process) waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Tab {
    Idle,
    /// Its request is on the way.
    Sent {
        generation: u32,
        since: i64,
    },
    /// The answer got lost.
    Unanswered {
        generation: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: i64,
    /// None once the session is revoked.
    family: Option<Family>,
    /// The honest client's newest token, which its tabs share, and when it came.
    jar: (u32, i64),
    tabs: [Tab; 2],
    /// What the thief holds.
    loot: Vec<u32>,
    /// First uses that were answered, or that were found out: generation and second.
    honest: Vec<(u32, i64)>,
    thief: Vec<(u32, i64)>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Tick(i64),
    /// A tab sends the newest token.
    Send(usize),
    /// A tab sends again what got no answer.
    Resend(usize),
    /// A tab gives up; the next one to send begins anew.
    GiveUp(usize),
    /// A request arrives; its answer does too, or is lost.
    Arrive(usize, bool),
    Steal,
    Use(u32),
}

/// Who takes part.
#[derive(Clone, Copy, Debug)]
enum Thief {
    None,
    /// Has the token, and another user agent.
    Plain,
    /// Has copied the user agent too.
    Copycat,
}

struct Model {
    channel: Channel,
    thief: Thief,
}

impl Model {
    fn start(&self) -> World {
        World {
            // Long after the sign-in, when the first access token ends.
            now: 840,
            family: Some(Family::start(&client(self.channel), at(0), limits())),
            jar: (0, 0),
            tabs: [Tab::Idle, Tab::Idle],
            loot: vec![],
            honest: vec![],
            thief: vec![],
        }
    }

    fn thief(&self) -> Client {
        match self.thief {
            Thief::Copycat => client(self.channel),
            _ => Client::new(self.channel, "curl/8"),
        }
    }

    fn events(&self, world: &World) -> Vec<Event> {
        let mut events: Vec<Event> = [5, 11].into_iter().filter(|by| may_pass(world, *by)).map(Event::Tick).collect();
        for (tab, state) in world.tabs.iter().enumerate() {
            match state {
                Tab::Idle if self.may_send(world) => events.push(Event::Send(tab)),
                Tab::Idle => {}
                Tab::Sent { .. } => events.extend([Event::Arrive(tab, true), Event::Arrive(tab, false)]),
                Tab::Unanswered { .. } => events.extend([Event::Resend(tab), Event::GiveUp(tab)]),
            }
        }
        if !matches!(self.thief, Thief::None) {
            if !world.loot.contains(&world.jar.0) {
                events.push(Event::Steal);
            }
            events.extend(world.loot.iter().map(|generation| Event::Use(*generation)));
        }
        events
    }

    /// What an API client owes: no refresh with a token that is not ten seconds old. Tabs owe nothing.
    fn may_send(&self, world: &World) -> bool {
        self.channel == Channel::Cookie || world.now - world.jar.1 > GRACE.as_secs()
    }

    fn after(&self, world: &World, event: Event) -> World {
        let mut next = world.clone();
        match event {
            Event::Tick(by) => next.now += by,
            Event::Send(tab) => next.tabs[tab] = Tab::Sent { generation: world.jar.0, since: world.now },
            Event::Resend(tab) => {
                if let Tab::Unanswered { generation } = world.tabs[tab] {
                    next.tabs[tab] = Tab::Sent { generation, since: world.now };
                }
            }
            Event::GiveUp(tab) => next.tabs[tab] = Tab::Idle,
            Event::Arrive(tab, answered) => {
                let Tab::Sent { generation, .. } = world.tabs[tab] else { unreachable!() };
                let newest = present(&mut next, generation, &client(self.channel));
                note(&mut next.honest, generation, world.now);
                next.tabs[tab] = if answered { Tab::Idle } else { Tab::Unanswered { generation } };
                if let (Some(newest), true) = (newest, answered) {
                    next.jar = (newest, world.now);
                }
            }
            Event::Steal => next.loot.push(world.jar.0),
            Event::Use(generation) => {
                let newest = present(&mut next, generation, &self.thief());
                note(&mut next.thief, generation, world.now);
                if let Some(newest) = newest.filter(|newest| !world.loot.contains(newest)) {
                    next.loot.push(newest);
                }
            }
        }
        next
    }

    fn check(&self, world: &World, path: &dyn Fn() -> String) {
        if world.thief.is_empty() {
            assert!(world.family.is_some(), "an honest client was logged out\n{}", path());
        }
        let apart = match self.thief {
            Thief::Copycat => GRACE.as_secs(),
            _ => -1,
        };
        let shared = world.honest.iter().flat_map(|honest| world.thief.iter().map(move |thief| (honest, thief)));
        for ((generation, theirs), (stolen, his)) in shared {
            let both = generation == stolen && (theirs - his).abs() > apart;
            assert!(!both || world.family.is_none(), "generation {generation} was used twice\n{}", path());
        }
    }
}

/// The server: the newest generation, if there is an answer.
fn present(world: &mut World, generation: u32, client: &Client) -> Option<u32> {
    let family = world.family.clone()?;
    match family.present(generation, client, at(world.now), limits()) {
        Verdict::Rotate(next) => {
            assert_eq!(next.generation, generation + 1);
            world.family = Some(next);
        }
        Verdict::Repeat => {}
        Verdict::Reused => world.family = None,
        Verdict::Over => unreachable!("days are not modelled"),
    }
    world.family.as_ref().map(|family| family.generation)
}

fn note(uses: &mut Vec<(u32, i64)>, generation: u32, now: i64) {
    if uses.iter().all(|(used, _)| *used != generation) {
        uses.push((generation, now));
    }
}

/// Time passes for an honest client no further than its messages and repeats take: ten seconds.
fn may_pass(world: &World, by: i64) -> bool {
    let used_at = |generation: u32| world.honest.iter().find(|(used, _)| *used == generation).map(|(_, at)| *at);
    let in_time = |since: i64| world.now + by - since <= GRACE.as_secs();
    let tabs_are = world.tabs.iter().all(|tab| match tab {
        Tab::Idle => true,
        Tab::Sent { generation, since } => in_time(used_at(*generation).unwrap_or(*since)),
        Tab::Unanswered { generation } => used_at(*generation).is_none_or(in_time),
    });
    tabs_are && used_at(world.jar.0).is_none_or(in_time)
}

/// Every order of events, layer by layer: worlds that came about in several ways are walked on from once, and counted as
/// often. Keeps one way to each world, to show where something breaks.
fn explore(model: &Model) -> (u64, usize) {
    let mut layer = HashMap::from([(model.start(), (1_u64, Vec::new()))]);
    let (mut orders, mut worlds) = (0, 1);
    for _ in 0..DEPTH {
        let mut deeper: HashMap<World, (u64, Vec<Event>)> = HashMap::new();
        for (world, (ways, path)) in layer {
            for event in model.events(&world) {
                let next = model.after(&world, event);
                let mut so_far = path.clone();
                so_far.push(event);
                model.check(&next, &|| format!("{so_far:?}\n{next:?}"));
                deeper.entry(next).or_insert((0, so_far)).0 += ways;
            }
        }
        orders = deeper.values().map(|(ways, _)| ways).sum();
        worlds += deeper.len();
        layer = deeper;
    }
    (orders, worlds)
}

fn explored(thief: Thief) {
    for channel in [Channel::Body, Channel::Cookie] {
        let (orders, worlds) = explore(&Model { channel, thief });
        println!("{channel:?}, thief {thief:?}: {orders} orders of {DEPTH} events, {worlds} worlds");
        assert!(orders > 1_000, "the model does not move");
    }
}

#[test]
fn an_honest_client_is_never_logged_out() {
    explored(Thief::None);
}

#[test]
fn a_thief_is_found_as_soon_as_both_have_used_a_token() {
    explored(Thief::Plain);
}

#[test]
fn a_thief_who_copies_the_user_agent_is_found_when_they_are_ten_seconds_apart() {
    explored(Thief::Copycat);
}

fn family(channel: Channel) -> (Family, Client) {
    let client = client(channel);
    (Family::start(&client, at(0), limits()), client)
}

fn rotate(family: &Family, generation: u32, client: &Client, now: Timestamp) -> Family {
    match family.present(generation, client, now, limits()) {
        Verdict::Rotate(next) => next,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_grace_ends_with_the_tenth_second() {
    let (family, client) = family(Channel::Body);
    let family = rotate(&family, 0, &client, at(100));
    assert_eq!(family.issued_at(), at(100));
    let repeat = |now| family.present(0, &client, now, limits());
    assert_eq!(repeat(at(110)), Verdict::Repeat);
    assert_eq!(repeat(at(110) + SignedDuration::from_millis(1)), Verdict::Reused);
    // Another function's clock may be behind.
    assert_eq!(repeat(at(99)), Verdict::Repeat);
    let other = Client::new(Channel::Body, "Other/1.0");
    assert_eq!(family.present(0, &other, at(100), limits()), Verdict::Reused);
    let same_name = Client::new(Channel::Cookie, "Honest/1.0");
    assert_eq!(family.present(0, &same_name, at(100), limits()), Verdict::Reused);
}

#[test]
fn what_is_older_than_the_last_use_is_a_tabs_right_alone() {
    for (channel, verdict) in [(Channel::Body, Verdict::Reused), (Channel::Cookie, Verdict::Repeat)] {
        let (family, client) = family(channel);
        let family = rotate(&rotate(&family, 0, &client, at(100)), 1, &client, at(101));
        assert_eq!(family.present(0, &client, at(102), limits()), verdict, "{channel:?}");
        assert_eq!(family.present(0, &client, at(111), limits()), Verdict::Reused, "{channel:?}");
        assert_eq!(family.present(1, &client, at(111), limits()), Verdict::Repeat, "{channel:?}");
        assert_eq!(family.present(7, &client, at(102), limits()), Verdict::Reused, "{channel:?}");
    }
}

#[test]
fn nobody_hides_between_two_uses_of_a_tab() {
    let (family, tab) = family(Channel::Cookie);
    let thief = Client::new(Channel::Cookie, "curl/8");
    let family = rotate(&rotate(&family, 0, &tab, at(100)), 1, &thief, at(101));
    assert_eq!(family.present(0, &tab, at(102), limits()), Verdict::Reused);
}

#[test]
fn a_family_ends_idle_or_old() {
    let (family, client) = family(Channel::Body);
    let day = 86_400;
    assert_eq!(family.present(0, &client, at(day), limits()), Verdict::Over);
    let mut family = family;
    for generation in 0..8 {
        family = rotate(&family, generation, &client, at(i64::from(generation + 1) * 20 * 3_600));
    }
    assert_eq!(family.ends_at, limits().expires_at, "nothing prolongs it");
    assert_eq!(rotate(&family, 8, &client, at(7 * day - 1)).ends_at, limits().expires_at);
    assert_eq!(family.present(8, &client, at(7 * day), limits()), Verdict::Over);
}

#[test]
fn a_storm_of_tabs_leaves_a_small_record() {
    let (mut family, client) = family(Channel::Cookie);
    for generation in 0..1_000 {
        family = rotate(&family, generation, &client, at(100));
    }
    let stored = serde_json::to_string(&family).unwrap();
    assert!(stored.len() < 700, "{}", stored.len());
    let later = rotate(&family, 1_000, &client, at(111));
    let stored = serde_json::to_string(&later).unwrap();
    assert_eq!(stored.matches("\"by\"").count(), 1, "{stored}");
    assert_eq!(serde_json::from_str::<Family>(&stored).unwrap().generation, 1_001);
}
