//! The proofs. Each goes through every point there is, and fails with all the points at which something does not hold.

use local::aws::{
    Invoker,
    faults::{Fault, Rule},
};

use super::{
    Deliver, Done, Holds, Lab, Ledger, Machine, Plan, Process, Scenario, Stage, Trouble, holds, machine::calls,
};

/// Points at which something does not hold.
#[derive(Default)]
pub struct Findings {
    points: usize,
    found: Vec<String>,
}

impl Findings {
    fn add(&mut self, point: &str, holds: Holds) {
        self.points += 1;
        self.found.extend(holds.err().map(|why| format!("{point}: {why}")));
    }

    /// Says how many points there were.
    ///
    /// # Panics
    /// Something does not hold.
    pub fn conclude(self, what: &str) {
        println!("{what}: {} points", self.points);
        assert!(self.points > 0, "{what}: nothing was tried");
        assert!(self.found.is_empty(), "{what}: {} of {}\n{}", self.found.len(), self.points, self.found.join("\n"));
    }
}

/// The work succeeds. Every event of it, delivered again afterwards, forwards and backwards, changes nothing.
pub fn success<S: Scenario>(scenario: impl Fn() -> S) -> Findings {
    let mut findings = Findings::default();
    let lab = Lab::memory(scenario());
    lab.process(Plan::default(), async |process| {
        process.run(&lab.scenario).await;
        let ledger = Ledger::of(&process.stack).await;
        findings.add("the run", ready(&lab.scenario, &ledger, 1));
        replay(process, &ledger, &mut findings).await;
    });
    findings
}

/// The same with every event delivered twice, twice at once, and before its turn.
pub fn deliveries<S: Scenario>(scenario: impl Fn() -> S, deliver: Deliver) -> Findings {
    let mut findings = Findings::default();
    let lab = Lab::memory(scenario());
    lab.process(Plan { deliver, ..Plan::default() }, async |process| {
        process.run(&lab.scenario).await;
        let ledger = Ledger::of(&process.stack).await;
        findings.add("the run", ready(&lab.scenario, &ledger, 1));
        process.director.complaints().into_iter().for_each(|why| findings.add("delivery", Err(why)));
    });
    findings
}

/// Every event of a failed attempt, delivered again after the retry has succeeded, changes nothing.
pub fn late_deliveries<S: Scenario>(scenario: impl Fn() -> S, failing: &[Rule]) -> Findings {
    let mut findings = Findings::default();
    let lab = Lab::memory(scenario());
    let plan = Plan { faults: failing.to_vec(), ..Plan::default() };
    lab.process(plan, async |process| {
        process.run(&lab.scenario).await;
        findings.add("the failure", failed(&lab.scenario, &Ledger::of(&process.stack).await, 1));
        let ledger = Ledger::of(&process.stack).await;
        replay(process, &ledger, &mut findings).await;
        process.director.heal();
        process.retry(&lab.scenario).await;
        let ledger = Ledger::of(&process.stack).await;
        findings.add("the retry", ready(&lab.scenario, &ledger, 2));
        replay(process, &ledger, &mut findings).await;
    });
    findings
}

/// Each of the machine's tasks fails in each way. `expect` says of each what becomes of the work.
pub fn failures<S: Scenario>(
    scenario: impl Fn() -> S,
    ways: &[(&str, Rule)],
    expect: impl Fn(&str, &Ledger) -> Holds,
) -> Findings {
    failures_of(scenario, &Machine::read(S::MACHINE).forward(), ways, expect)
}

/// The same of these tasks.
pub fn failures_of<S: Scenario>(
    scenario: impl Fn() -> S,
    states: &[String],
    ways: &[(&str, Rule)],
    expect: impl Fn(&str, &Ledger) -> Holds,
) -> Findings {
    let mut findings = Findings::default();
    for state in states {
        for (way, rule) in ways {
            let lab = Lab::memory(scenario());
            let plan = Plan { troubles: vec![Trouble::at(state, rule.clone())], ..Plan::default() };
            let holds = lab.process(plan, async |process| {
                process.run(&lab.scenario).await;
                let ledger = Ledger::of(&process.stack).await;
                expect(state, &ledger)?;
                ended(process, &lab.scenario).await
            });
            findings.add(&format!("{state} {way}"), holds);
        }
    }
    findings
}

/// The process dies at each effect: before each call of a function, and before what came back is written down.
pub fn crashes_at_effects<S: Scenario>(scenario: impl Fn() -> S, failing: &[Rule]) -> Findings {
    let mut findings = Findings::default();
    let lab = Lab::memory(scenario());
    let plan = Plan { faults: failing.to_vec(), ..Plan::default() };
    let effects = lab.process(plan.clone(), async |process| {
        process.run(&lab.scenario).await;
        process.director.effects()
    });
    for nth in 1..=effects {
        let plan = Plan { crash_at: Some(nth), ..plan.clone() };
        findings.add(&format!("effect {nth} of {effects}"), survives(scenario(), plan, failing));
    }
    findings
}

/// The process dies before or after each AWS call.
pub fn crashes_at_calls<S: Scenario>(scenario: impl Fn() -> S, crash: &Fault, failing: &[Rule]) -> Findings {
    let mut findings = Findings::default();
    let calls = count(scenario(), failing);
    for nth in 1..=calls {
        let faults = [&[Rule::new(crash.clone()).nth(nth)], failing].concat();
        let plan = Plan { faults, ..Plan::default() };
        findings.add(&format!("{crash:?} at call {nth} of {calls}"), survives(scenario(), plan, failing));
    }
    findings
}

/// Each AWS call meets with the fault, `times` times in a row. `expect` says what has to be so after it.
pub fn faults_at_calls<S: Scenario>(
    scenario: impl Fn() -> S,
    fault: &Fault,
    times: usize,
    expect: impl Fn(&Ledger) -> Holds,
) -> Findings {
    let mut findings = Findings::default();
    let calls = count(scenario(), &[]);
    for nth in 1..=calls {
        let lab = Lab::memory(scenario());
        // A rule does not count what a rule before it struck: so the second one strikes the call after it.
        let plan = Plan { faults: vec![Rule::new(fault.clone()).nth(nth); times], ..Plan::default() };
        let holds = lab.process(plan, async |process| {
            process.run(&lab.scenario).await;
            expect(&Ledger::of(&process.stack).await)?;
            ended(process, &lab.scenario).await
        });
        findings.add(&format!("{fault:?} x{times} at call {nth} of {calls}"), holds);
    }
    findings
}

fn count<S: Scenario>(scenario: S, failing: &[Rule]) -> u64 {
    let lab = Lab::memory(scenario);
    lab.process(Plan { faults: failing.to_vec(), ..Plan::default() }, async |process| {
        process.run(&lab.scenario).await;
        process.calls()
    })
}

/// A process dies as planned; the next one finds the rest, and comes to a good end.
fn survives<S: Scenario>(scenario: S, plan: Plan, failing: &[Rule]) -> Holds {
    let lab = Lab::disk(scenario);
    let died = lab.process(plan, async |process| process.run(&lab.scenario).await);
    holds(died == Done::Died, || "the process did not die".into())?;
    let plan = Plan { faults: failing.to_vec(), ..Plan::default() };
    lab.process(plan, async |process| {
        process.resume(&lab.scenario).await;
        ended(process, &lab.scenario).await
    })
}

/// Ready and whole; or failed, with nothing left, and ready after a retry.
async fn ended<S: Scenario>(process: &Process, scenario: &S) -> Holds {
    let ledger = Ledger::of(&process.stack).await;
    match scenario.stage(&ledger) {
        Stage::Ready(attempt) => ready(scenario, &ledger, attempt),
        Stage::Failed(attempt) => {
            failed(scenario, &ledger, attempt)?;
            process.director.heal();
            process.retry(scenario).await;
            let ledger = Ledger::of(&process.stack).await;
            ready(scenario, &ledger, attempt + 1).map_err(|why| format!("after the retry: {why}"))
        }
        stuck => Err(format!("it is {stuck:?}; executions: {:?}", ledger.executions)),
    }
}

/// Ready by this attempt, whole, and nothing runs any more.
pub fn ready<S: Scenario>(scenario: &S, ledger: &Ledger, attempt: u32) -> Holds {
    let stage = scenario.stage(ledger);
    holds(stage == Stage::Ready(attempt), || {
        format!("attempt {attempt} is {stage:?}, {:?}; executions: {:?}", scenario.failure(ledger), ledger.executions)
    })?;
    idle(ledger)?;
    scenario.expect_ready(ledger, attempt)
}

/// Failed in this attempt, with nothing left of it.
pub fn failed<S: Scenario>(scenario: &S, ledger: &Ledger, attempt: u32) -> Holds {
    let stage = scenario.stage(ledger);
    holds(stage == Stage::Failed(attempt), || format!("attempt {attempt} is {stage:?}"))?;
    holds(scenario.failure(ledger).is_some(), || "the failure has no cause".into())?;
    idle(ledger)?;
    scenario.clean_slate(ledger, attempt).map_err(|why| format!("{why}, after {:?}", scenario.failure(ledger)))
}

fn idle(ledger: &Ledger) -> Holds {
    let running: Vec<_> = ledger.executions.iter().filter(|run| run.status == "RUNNING").collect();
    holds(running.is_empty(), || format!("{running:?}"))
}

/// Delivers every event of every execution again, forwards and backwards.
async fn replay(process: &Process, before: &Ledger, findings: &mut Findings) {
    for run in &before.executions {
        let events = calls(&process.stack, &run.arn).await;
        for (function, event) in events.iter().chain(events.iter().rev()) {
            // What a late event of another attempt answers does not matter: it changes nothing.
            let _ = process.stack.functions.invoke(function, event.clone()).await;
            let changed = before.difference(&Ledger::of(&process.stack).await);
            let point = format!("{function} once more, {} ", event["mode"]);
            findings.add(&point, holds(changed.is_empty(), || changed.join("; ")));
        }
    }
}
