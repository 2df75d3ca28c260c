//! The bound: in every course of a small model, and in random courses of larger ones with clocks that differ.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// Parts of ten milliseconds.
const WITHIN: SignedDuration = SignedDuration::from_millis(100);

fn window(most: u32, batch: u32) -> Window {
    Window { name: "test", most, within: WITHIN, batch }
}

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_000_000 + millisecond).unwrap()
}

/// The item that all environments settle with: one `UpdateItem` of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Item(Parts);

impl Item {
    fn settle(&mut self, settlement: &Settlement) -> Parts {
        settlement.calls.iter().for_each(|(part, calls)| self.0.add(part, calls));
        settlement.past.iter().for_each(|part| self.0.take(*part, u32::MAX));
        self.0.clone()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Environment {
    id: u8,
    tally: Tally,
    /// A settlement that is written, whose answer has not come yet.
    waits: Option<(Settlement, Parts)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct World {
    now: i64,
    item: Item,
    environments: Vec<Environment>,
    /// When each call went on that is not older than a window, and where.
    passed: Vec<(i64, u8)>,
    all_passed: u32,
    writes: u32,
    replaced: u8,
}

impl World {
    fn of(environments: u8) -> Self {
        let environments = (0..environments).map(|id| Environment { id, ..Environment::default() }).collect();
        Self { environments, ..Self::default() }
    }

    /// A call, up to where it waits for the answer to a write; or that answer, and the rest of the call.
    fn step(&mut self, at_environment: usize, window: &Window) {
        let environment = &mut self.environments[at_environment];
        if let Some((made, held)) = environment.waits.take() {
            environment.tally.settled(&made, held);
        }
        match environment.tally.ask(window, at(self.now)) {
            Asked::Pass(_) => {
                self.passed.push((self.now, environment.id));
                self.passed.sort_unstable();
                self.all_passed += 1;
            }
            Asked::Settle(made) => {
                let held = self.item.settle(&made);
                environment.waits = Some((made, held));
                self.writes += 1;
            }
            Asked::Refuse(standing) => {
                assert!(standing.left == 0 && standing.more_at > at(self.now), "{standing:?}");
            }
        }
    }

    fn wait(&mut self, milliseconds: i64) {
        self.now += milliseconds;
        let horizon = self.now - 200;
        self.passed.retain(|(when, _)| *when > horizon);
    }

    /// The environment ends and takes its credit along; another takes its place.
    fn replace(&mut self, environment: usize) {
        self.replaced += 1;
        let id = u8::try_from(self.environments.len()).unwrap() + self.replaced;
        self.environments[environment] = Environment { id, ..Environment::default() };
    }

    /// Calls in the window that ends now, and in how many environments.
    fn in_window(&self) -> (u32, u32) {
        let within = |when: i64| when > self.now - 100;
        let served: Vec<u8> = self.passed.iter().filter(|(when, _)| within(*when)).map(|(_, id)| *id).collect();
        let environments = served.iter().collect::<HashSet<_>>().len();
        (u32::try_from(served.len()).unwrap(), u32::try_from(environments).unwrap())
    }

    fn holds(&self, window: &Window) {
        let (passed, environments) = self.in_window();
        if environments > 0 {
            assert!(passed < window.most + environments * window.batch, "{self:?}");
            assert!(passed <= environments * window.most, "{self:?}");
        }
        assert!(self.writes * window.batch <= self.all_passed, "{self:?}");
    }
}

/// All worlds that `depth` events lead to, each looked at once; the most calls in one window, and how many worlds. One of
/// the environments may be replaced on the way, which makes one more.
fn explore(environments: u8, window: &Window, depth: usize) -> (u32, usize) {
    let (mut seen, mut layer, mut most) = (0, HashSet::from([World::of(environments)]), 0);
    for _ in 0..depth {
        let mut next = HashSet::new();
        for world in &layer {
            for environment in 0..world.environments.len() {
                let mut called = world.clone();
                called.step(environment, window);
                next.insert(called);
                if world.replaced == 0 {
                    let mut replaced = world.clone();
                    replaced.replace(environment);
                    next.insert(replaced);
                }
            }
            // Answers take less than a part; what they may take beside is what clocks may differ by.
            if world.environments.iter().all(|environment| environment.waits.is_none()) {
                for milliseconds in [10, 60] {
                    let mut later = world.clone();
                    later.wait(milliseconds);
                    next.insert(later);
                }
            }
        }
        for world in &next {
            world.holds(window);
            most = most.max(world.in_window().0);
        }
        seen += next.len();
        layer = next;
    }
    (most, seen)
}

#[test]
fn r15_no_course_of_a_small_model_goes_beyond_the_bound() {
    for (environments, most, batch, depth, worst) in
        [(1, 3, 2, 8, 5), (2, 2, 1, 7, 4), (2, 3, 2, 7, 6), (3, 2, 1, 7, 5)]
    {
        let (reached, worlds) = explore(environments, &window(most, batch), depth);
        println!("{environments} environments, limit {most}, batch {batch}: {worlds} worlds, at most {reached}");
        assert_eq!(reached, worst, "{environments} environments, limit {most}, batch {batch}");
    }
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Call(usize),
    Wait(i64),
    End(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        40 => (0..5_usize).prop_map(Event::Call),
        4 => (1..30_i64).prop_map(Event::Wait),
        1 => (0..5_usize).prop_map(Event::End),
    ];
    prop::collection::vec(event, 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn r15_clocks_that_differ_shorten_the_window_by_as_much(
        most in 1..60_u32,
        batch in 1..12_u32,
        skews in prop::array::uniform5(0..9_i64),
        events in events(),
    ) {
        let (window, mut item, mut now, mut next) = (window(most, batch), Item::default(), 0_i64, 5);
        let mut environments: Vec<(usize, Tally)> = (0..5).map(|id| (id, Tally::default())).collect();
        let mut passed: Vec<(i64, usize)> = Vec::new();
        for event in events {
            match event {
                Event::Wait(milliseconds) => now += milliseconds,
                Event::End(which) => {
                    environments[which] = (next, Tally::default());
                    next += 1;
                }
                Event::Call(which) => {
                    let (id, tally) = &mut environments[which];
                    let clock = at(now + skews[which]);
                    let mut asked = tally.ask(&window, clock);
                    if let Asked::Settle(made) = asked {
                        let held = item.settle(&made);
                        tally.settled(&made, held);
                        asked = tally.ask(&window, clock);
                    }
                    if matches!(asked, Asked::Pass(_)) {
                        passed.push((now, *id));
                        let span = passed.iter().filter(|(when, _)| *when > now - 100 + 9);
                        let ids: Vec<usize> = span.map(|(_, id)| *id).collect();
                        let served = ids.iter().collect::<HashSet<_>>().len();
                        prop_assert!(ids.len() < most as usize + served * batch as usize);
                    }
                }
            }
        }
    }
}

#[test]
fn r15_who_is_refused_is_told_when_there_is_room_and_it_is_so() {
    let (window, mut tally) = (window(3, 10), Tally::default());
    for millisecond in [0, 5, 55] {
        assert!(matches!(tally.ask(&window, at(millisecond)), Asked::Pass(_)));
    }
    let Asked::Refuse(standing) = tally.ask(&window, at(60)) else { panic!("the fourth") };
    assert_eq!((standing.left, standing.more_at), (0, at(110)));
    assert!(matches!(tally.clone().ask(&window, at(109)), Asked::Refuse(_)));
    let Asked::Pass(standing) = tally.ask(&window, at(110)) else { panic!("two have left") };
    assert_eq!((standing.left, standing.more_at), (1, at(160)));
}

#[test]
fn a_call_that_is_taken_back_was_never_there() {
    let (window, mut tally) = (window(1, 10), Tally::default());
    for _ in 0..5 {
        assert!(matches!(tally.ask(&window, at(0)), Asked::Pass(_)));
        tally.take_back();
    }
    assert!(tally.is_over(&window, at(0)));
}

#[test]
fn what_has_left_the_window_is_taken_out_of_the_item() {
    let (window, mut item, mut tally) = (window(100, 1), Item::default(), Tally::default());
    for millisecond in (0..10_000).step_by(35) {
        while let Asked::Settle(made) = tally.ask(&window, at(millisecond)) {
            let held = item.settle(&made);
            tally.settled(&made, held);
        }
        assert!(item.0.iter().count() < 9, "{item:?}");
    }
}
