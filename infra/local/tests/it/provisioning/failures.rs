//! A failure at every node: the tenant ends FAILED with its step and cause and nothing left, and a retry makes it READY.

use local::aws::faults::Rule;

use super::{Provisioning, deployed, pool, silo, step, tenant};
use crate::{
    deployer::Manner,
    harness::{Done, Holds, Lab, Ledger, Plan, Process, Scenario, Stage, Trouble, calls, holds, prove},
};

/// Fails the last step that is undone, whatever is configured: only it reads the members.
pub fn unhealthy() -> Rule {
    Rule::error(400, "AccessDeniedException").on("dynamodb", "Query").from("provisioning-health-check")
}

fn ways() -> [(&'static str, Rule); 3] {
    [
        ("is denied", Rule::error(400, "AccessDeniedException")),
        ("sends what is not valid", Rule::error(400, "ValidationException")),
        ("is throttled for ever", Rule::error(400, "ThrottlingException")),
    ]
}

/// The record names the step. Only the mail may fail of a tenant that is ready.
fn named(state: &str, ledger: &Ledger) -> Holds {
    let provisioning = &tenant(ledger).unwrap()["provisioning"];
    if state == "SendWelcome" {
        let warned = step(ledger, "SendWelcome") == Some("WARNING");
        return holds(provisioning["status"] == "READY" && warned, || provisioning.to_string());
    }
    let error = &provisioning["error"];
    holds(error["step"] == state && error["retryable"] == true, || format!("{error}"))
}

#[test]
fn r05_a_failure_at_every_node_leaves_a_clean_slate_in_the_pool() {
    prove::failures(pool, &ways(), named).conclude("pool");
}

#[test]
fn r05_a_failure_at_every_node_leaves_a_clean_slate_of_a_silo() {
    prove::failures(silo, &ways(), named).conclude("silo");
}

#[test]
fn r05_a_failure_at_every_node_leaves_a_clean_slate_at_the_deployer() {
    prove::failures(|| deployed(Manner::AtOnce), &ways(), named).conclude("deployed");
}

#[test]
fn r05_late_events_of_a_failed_attempt_do_nothing_to_the_next() {
    prove::late_deliveries(pool, &[unhealthy()]).conclude("pool");
    prove::late_deliveries(silo, &[unhealthy()]).conclude("silo");
    prove::late_deliveries(|| deployed(Manner::AtOnce), &[unhealthy()]).conclude("deployed");
}

/// The states that undo, from last to first.
const UNDOS: [&str; 5] =
    ["UndoSeedAdmin", "UndoConfigureDomain", "UndoDeployStack", "UndoGenerateSecrets", "UndoCreateDatabase"];

/// Runs a tenant whose health check fails, with more troubles besides.
fn fails_with<T>(
    scenario: Provisioning,
    troubles: impl IntoIterator<Item = Trouble>,
    then: impl AsyncFnOnce(&Lab<Provisioning>, &Process) -> T,
) -> T {
    let lab = Lab::memory(scenario);
    let denied = Trouble::at("HealthCheck", Rule::error(400, "AccessDeniedException"));
    let plan = Plan { troubles: troubles.into_iter().chain([denied]).collect(), ..Plan::default() };
    lab.process(plan, async |process| {
        assert_eq!(process.run(&lab.scenario).await, Done::Settled);
        then(&lab, process).await
    })
}

#[test]
fn r05_what_cannot_be_undone_is_an_orphan_of_a_failed_tenant() {
    for (way, rule) in ways() {
        for undo in UNDOS {
            fails_with(silo(), [Trouble::at(undo, rule.clone())], async |lab, process| {
                let ledger = Ledger::of(&process.stack).await;
                let step_name = undo.trim_start_matches("Undo");
                let listed: Vec<_> = ledger.core.keys().filter(|(pk, _)| pk == "ORPHANS").collect();
                assert_eq!(listed.len(), 1, "{undo} {way}: {:?}", ledger.keys());
                assert!(listed[0].1.ends_with(&format!("#1#{step_name}")), "{listed:?}");
                assert_eq!(step(&ledger, step_name), Some("WARNING"), "{undo} {way}");
                let (failed, _) = lab.scenario.failure(&ledger).unwrap();
                assert_eq!(failed, "HealthCheck", "{undo} {way}: an orphan does not hide the cause");
                assert_eq!(ledger.audited("tenant.step_orphaned"), 1, "{undo} {way}");
            });
        }
    }
}

/// As where its function does not start: the step and its undo fail before their first write.
#[test]
fn r05_a_step_that_never_began_leaves_no_orphan_and_costs_no_time() {
    for step_name in ["CreateDatabase", "GenerateSecrets", "SeedAdmin"] {
        let denied = Rule::error(400, "AccessDeniedException");
        let troubles = [step_name.to_owned(), format!("Undo{step_name}")].map(|at| Trouble::at(&at, denied.clone()));
        fails_with(silo(), troubles, async |lab, process| {
            let ledger = Ledger::of(&process.stack).await;
            prove::failed(&lab.scenario, &ledger, 1).unwrap();
            assert_eq!(ledger.audited("tenant.step_orphaned"), 0, "{step_name}");
            let asked = calls(&process.stack, &ledger.executions[0].arn).await;
            let orphans = asked.iter().filter(|(function, _)| function.ends_with("record-orphan")).count();
            assert_eq!(orphans, 1, "{step_name}: the record is not tried in vain");
        });
    }
}

#[test]
fn r05_an_undo_that_only_stumbles_leaves_no_orphan() {
    let throttled = Rule::error(400, "ThrottlingException");
    let stumbles = UNDOS.map(|undo| Trouble::at(undo, throttled.clone()).first(5));
    fails_with(silo(), stumbles, async |lab, process| {
        let ledger = Ledger::of(&process.stack).await;
        prove::failed(&lab.scenario, &ledger, 1).unwrap();
    });
}

#[test]
fn r05_a_failure_is_recorded_though_the_record_fails_thirty_times() {
    for (way, rule) in ways() {
        fails_with(silo(), [Trouble::at("RecordFailure", rule).first(30)], async |lab, process| {
            let ledger = Ledger::of(&process.stack).await;
            prove::failed(&lab.scenario, &ledger, 1).unwrap_or_else(|why| panic!("{way}: {why}"));
        });
    }
}

#[test]
fn r05_an_orphan_that_cannot_even_be_recorded_does_not_keep_the_tenant_from_failing() {
    let denied = Rule::error(400, "AccessDeniedException");
    let troubles = ["UndoGenerateSecrets", "OrphanGenerateSecrets"].map(|state| Trouble::at(state, denied.clone()));
    fails_with(silo(), troubles, async |lab, process| {
        let ledger = Ledger::of(&process.stack).await;
        assert_eq!(lab.scenario.stage(&ledger), Stage::Failed(1));
        assert_eq!(step(&ledger, "GenerateSecrets"), Some("SUCCEEDED"), "the record shows that it was not undone");
        assert_eq!(ledger.tables, [""; 0], "the undos after it were done");
    });
}
