//! What becomes of the shipped machines in each case of trouble, written down so that another implementation of Amazon States
//! Language can be asked the same: `infra/emulator/machines.py` reads it, and fails where the two differ unexplained.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    io::Write,
    rc::Rc,
};

use serde::Serialize;

use super::{
    super::definition::{Call, Kind, Task},
    shipped::shipped,
    *,
};

/// What a state's function does wrong.
#[derive(Debug, Clone, Serialize)]
struct Trouble {
    state: String,
    error: String,
    /// Only at its first call.
    once: bool,
    /// The function does its work; who has its task token says that it failed.
    by_token: bool,
}

/// One case, and how it ended.
#[derive(Serialize)]
struct Outcome<'a> {
    machine: &'a str,
    input: Value,
    troubles: &'a [Trouble],
    status: Status,
    error: Option<&'a str>,
    cause: Option<&'a str>,
    output: Option<Value>,
    /// In the order of time.
    entered: Vec<String>,
    calls: BTreeMap<String, usize>,
}

fn input() -> Value {
    json!({
        "tenant_id": "tenant-demo-00000000", "attempt": 1, "correlation_id": "req_00000000",
        "email": "ada@lanterns.example", "target": "2", "retiring": ["1"], "run": 1, "page": {"number": 0},
    })
}

fn play(definition: &Definition, troubles: &[Trouble]) -> (Sim, BTreeMap<String, usize>) {
    let calls = Rc::new(RefCell::new(BTreeMap::new()));
    let (counted, troubles) = (calls.clone(), troubles.to_vec());
    let pages = Cell::new(0);
    let script = move |state: &str, _, payload: &Value| {
        let mut calls = counted.borrow_mut();
        let call: &mut usize = calls.entry(state.to_owned()).or_default();
        *call += 1;
        let trouble = troubles.iter().find(|it| it.state == state && (!it.once || *call == 1));
        match (state, trouble, payload.get("task_token")) {
            (_, Some(trouble), token) => {
                let error = trouble.error.clone().leak();
                if trouble.by_token && token.is_some() { Reply::Token(Err(error)) } else { Reply::Err(error) }
            }
            (_, None, Some(_)) => Reply::Token(Ok(json!({}))),
            ("ListTenants", ..) => Reply::Ok(match pages.replace(pages.get() + 1) {
                0 => json!({"number": 1, "tenants": ["a", "b"], "then": "move"}),
                n => json!({"number": n + 1, "tenants": [], "then": "retire"}),
            }),
            ("MoveTenant", ..) => Reply::Ok(json!({"done": true})),
            ("BeginRemoval", ..) => Reply::Ok(json!({"due": true})),
            ("Export" | "RemoveMembers" | "PurgeItems", ..) => Reply::Ok(json!({"more": false})),
            _ => Reply::Ok(json!({})),
        }
    };
    let sim = Sim::new(definition.clone(), input(), script).run();
    let calls = calls.borrow().clone();
    (sim, calls)
}

fn for_ever(state: &str) -> Trouble {
    Trouble { state: state.to_owned(), error: "Innkeeper.Fail".to_owned(), once: false, by_token: false }
}

/// The troubles by which each state is entered: none, or up to two of other states.
fn ways(definition: &Definition) -> BTreeMap<String, Vec<Trouble>> {
    let mut ways = BTreeMap::new();
    let mut to_try = vec![Vec::new()];
    for depth in 0..=2 {
        for troubles in std::mem::take(&mut to_try) {
            let entered: BTreeSet<String> = play(definition, &troubles).0.path().into_iter().collect();
            for (state, _) in tasks(definition).filter(|(state, _)| entered.contains(*state) && depth < 2) {
                to_try.push(troubles.iter().cloned().chain([for_ever(state)]).collect());
            }
            for state in entered.into_iter().filter(|state| troubles.iter().all(|it| it.state != *state)) {
                ways.entry(state).or_insert_with(|| troubles.clone());
            }
        }
    }
    ways
}

fn tasks(definition: &Definition) -> impl Iterator<Item = (&str, bool)> {
    definition.state_names().into_iter().filter_map(|name| match &definition.states[name].kind {
        Kind::Task(Task { call: Call::Invoke { wait_for_token, .. }, .. }) => Some((name, *wait_for_token)),
        Kind::Task(_) => Some((name, false)),
        _ => None,
    })
}

/// Every error that the machine knows by name, and one that it does not.
fn errors(definition: &Definition) -> BTreeSet<String> {
    let retriers = definition.states.values().flat_map(|state| &state.retry);
    let named = retriers.flat_map(|retrier| &retrier.errors).filter(|error| !error.starts_with("States."));
    named.cloned().chain(["Innkeeper.Fail".to_owned(), "Custom.Unheard".to_owned()]).collect()
}

/// Success; and each state's function failing with each error, once and for ever, by itself and by token.
fn cases(definition: &Definition, errors: &BTreeSet<String>) -> Vec<Vec<Trouble>> {
    let ways = ways(definition);
    let mut cases = vec![Vec::new()];
    for (state, has_token) in tasks(definition) {
        let way = ways.get(state).unwrap_or_else(|| panic!("nothing leads to {state}"));
        for (error, once) in errors.iter().flat_map(|error| [(error, true), (error, false)]) {
            for by_token in if has_token { &[false, true][..] } else { &[false] } {
                let trouble = Trouble { state: state.to_owned(), error: error.clone(), once, by_token: *by_token };
                cases.push(way.iter().cloned().chain([trouble]).collect());
            }
        }
    }
    cases
}

fn outcomes(machine: &str, definition: &Definition, errors: &BTreeSet<String>) -> Vec<String> {
    let line = |troubles: &Vec<Trouble>| {
        let (sim, calls) = play(definition, troubles);
        let execution = &sim.execution;
        let failure = execution.failure.as_ref();
        let outcome = Outcome {
            machine,
            input: input(),
            troubles,
            status: execution.status,
            error: failure.and_then(|failure| failure.error.as_deref()),
            cause: failure.and_then(|failure| failure.cause.as_deref()),
            output: execution.output.as_ref().map(|output| serde_json::from_str(output).unwrap()),
            entered: sim.path(),
            calls,
        };
        assert_ne!(execution.status, Status::Running, "{troubles:?}");
        serde_json::to_string(&outcome).unwrap()
    };
    cases(definition, errors).iter().map(line).collect()
}

#[test]
fn every_case_of_trouble_ends_and_is_written_down_for_others() {
    let path = std::env::var_os("INNKEEPER_OUTCOMES");
    // Seconds for all of them, which nobody has to spend who does not ask for them.
    let errors = |it: &Definition| if path.is_some() { errors(it) } else { ["Innkeeper.Fail".to_owned()].into() };
    let machines = shipped();
    let lines = machines.iter().flat_map(|(name, it)| outcomes(name, it, &errors(it)));
    let lines: Vec<String> = lines.collect();
    assert!(lines.len() > 50, "{}", lines.len());
    if let Some(path) = path {
        let mut file = std::fs::File::create(path).unwrap();
        lines.iter().for_each(|line| writeln!(file, "{line}").unwrap());
    }
}
