//! The machines in `statemachines/`: understood, and ending, whichever function fails and wherever the process dies.

use super::*;

fn shipped() -> Vec<Definition> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../statemachines");
    let machines = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let machines = machines.filter(|path| path.to_string_lossy().ends_with(".asl.json"));
    machines.map(|path| understood(&path)).collect()
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
    let input = json!({"tenant_id": "tenant-demo-00000000", "attempt": 1, "correlation_id": "req_00000000"});
    let script = move |state: &str, _, payload: &Value| match payload.get("task_token") {
        _ if broken.as_deref() == Some(state) => Reply::Err("Innkeeper.Fail"),
        Some(_) => Reply::Token(Ok(json!({}))),
        None => Reply::Ok(json!({})),
    };
    Sim::new(definition.clone(), input, script).crashing(crash).run()
}

#[test]
fn a_shipped_machine_succeeds_when_everything_does() {
    for definition in shipped() {
        assert_eq!(run_with(&definition, None, Crash::Never).execution.status, Status::Succeeded);
    }
}

#[test]
fn a_shipped_machine_ends_the_same_whatever_fails_and_wherever_it_crashes() {
    for definition in shipped() {
        for state in definition.state_names() {
            let calm = run_with(&definition, Some(state), Crash::Never);
            assert_ne!(calm.execution.status, Status::Running);
            for crash in [Crash::AfterEveryTransition, Crash::BeforeEveryRecord] {
                let crashed = run_with(&definition, Some(state), crash);
                assert_eq!((crashed.execution.status, crashed.path()), (calm.execution.status, calm.path()), "{state}");
            }
        }
    }
}
