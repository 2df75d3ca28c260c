//! The machines in `statemachines/`: understood, and ending, whichever function fails and wherever the process dies.

use super::*;

/// By the name of the file.
pub(super) fn shipped() -> BTreeMap<String, Definition> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../statemachines");
    let machines = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let named = machines.filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_suffix(".asl.json")?.to_owned();
        Some((name, understood(&path)))
    });
    named.collect()
}

fn understood(path: &std::path::Path) -> Definition {
    let text = std::fs::read_to_string(path).unwrap();
    let names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    let values = names.map(|(name, _)| (name.to_owned(), format!("arn:aws:lambda:us-east-1:1:function:{name}")));
    Definition::parse(&path.to_string_lossy(), &text, &values.collect()).unwrap()
}

/// One state's function fails for good, the others do their work; tasks with a token are answered by it.
fn run_with(definition: &Definition, broken: Option<&str>, crash: Crash) -> Sim {
    let broken = broken.map(str::to_owned);
    let input = json!({
        "tenant_id": "tenant-demo-00000000", "attempt": 1, "correlation_id": "req_00000000",
        "email": "ada@lanterns.example", "target": "2", "retiring": ["1"], "run": 1, "page": {"number": 0},
    });
    let script = move |state: &str, nth, payload: &Value| match (state, payload.get("task_token")) {
        _ if broken.as_deref() == Some(state) => Reply::Err("Innkeeper.Fail"),
        (_, Some(_)) => Reply::Token(Ok(json!({}))),
        ("ListTenants", _) => Reply::Ok(match nth {
            0 => json!({"number": 1, "tenants": ["a", "b"], "then": "move"}),
            n => json!({"number": n + 1, "tenants": [], "then": "retire"}),
        }),
        ("MoveTenant", _) => Reply::Ok(json!({"done": true})),
        ("BeginRemoval", _) => Reply::Ok(json!({"due": true})),
        ("Export" | "RemoveMembers" | "PurgeItems", _) => Reply::Ok(json!({"more": nth == 0})),
        _ => Reply::Ok(json!({})),
    };
    Sim::new(definition.clone(), input, script).crashing(crash).run()
}

#[test]
fn a_shipped_machine_succeeds_when_everything_does() {
    for definition in shipped().into_values() {
        assert_eq!(run_with(&definition, None, Crash::Never).execution.status, Status::Succeeded);
    }
}

#[test]
fn a_shipped_machine_ends_the_same_whatever_fails_and_wherever_it_crashes() {
    for definition in shipped().into_values() {
        for state in definition.state_names() {
            let calm = run_with(&definition, Some(state), Crash::Never);
            assert_ne!(calm.execution.status, Status::Running);
            for crash in [Crash::AfterEveryTransition, Crash::BeforeEveryRecord] {
                let crashed = run_with(&definition, Some(state), crash);
                assert_eq!((crashed.execution.status, ways(&crashed)), (calm.execution.status, ways(&calm)), "{state}");
            }
        }
    }
}

/// The states that were entered; iterations of a Map overtake each other, so in no order where there is one.
fn ways(sim: &Sim) -> Vec<String> {
    let mut path = sim.path();
    if sim.kinds().contains(&"MapStateStarted") {
        path.sort();
    }
    path
}

/// Draws the shortest pause that full jitter allows: none.
struct Least;

impl Entropy for Least {
    fn fill(&self, dest: &mut [u8]) {
        dest.fill(0);
    }
}

/// How long a state goes on asking at the very least, in seconds, where its function answers with this each time.
fn patience(machine: &str, state: &str, error: &str) -> f64 {
    let retriers = &shipped()[machine].states[state].retry;
    let covers = |name: &String| name == error || name == "States.ALL";
    let retrier = retriers.iter().find(|retrier| retrier.errors.iter().any(covers)).unwrap();
    (0..retrier.max_attempts).map(|used| retrier.delay(used, &Least).as_secs_f64()).sum()
}

#[test]
fn r05_a_failure_is_recorded_though_the_store_is_away_for_an_hour() {
    assert!(patience("tenant-provisioning", "RecordFailure", "Innkeeper.Retry") > 3600.0);
}

/// AWS takes about a minute for a new table, and minutes to delete one.
#[test]
fn r05_a_silos_table_has_its_time_to_come_and_to_go() {
    for (machine, state) in [
        ("tenant-provisioning", "CreateDatabase"),
        ("tenant-provisioning", "UndoCreateDatabase"),
        ("tenant-deprovisioning", "UndoCreateDatabase"),
    ] {
        let patience = patience(machine, state, "Innkeeper.Retry");
        assert!(patience > 300.0, "{machine}, {state}: {patience} s");
    }
}
