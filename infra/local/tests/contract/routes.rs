//! The template, the code and the binaries say the same.

use std::{collections::BTreeSet, path::Path};

use lambda::{
    Function, Kind,
    http::{Rate, UNMATCHED, kinds},
};
use local::{
    functions::all,
    iam::Principals,
    template::{FunctionSpec, Inputs, RouteSpec, Stack},
};

pub(crate) fn template() -> Stack {
    deployed("us-east-1", &[])
}

/// The template as it would be deployed in a region, with values for some of its parameters.
fn deployed(region: &str, parameters: &[(&str, &str)]) -> Stack {
    let inputs = Inputs {
        region: region.into(),
        stack_name: "innkeeper-test".into(),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        api_endpoint: None,
    };
    Stack::read(Path::new(local::stack::TEMPLATE), &inputs).unwrap()
}

/// `METHOD /path`; the default route has no method.
fn mounted(route: &RouteSpec) -> String {
    if route.path == RouteSpec::DEFAULT { route.path.clone() } else { format!("{} {}", route.method, route.path) }
}

/// The same of the code.
pub(crate) fn policies(function: &Function) -> BTreeSet<String> {
    let Kind::Http(served) = &function.kind else { return BTreeSet::new() };
    let key = |method: &http::Method, path: &str| {
        if path == UNMATCHED { path.to_owned() } else { format!("{method} {path}") }
    };
    served.policies.iter().map(|policy| key(&policy.method, policy.path)).collect()
}

fn spec<'s>(stack: &'s Stack, function: &Function) -> &'s FunctionSpec {
    stack.functions.iter().find(|spec| spec.binary == function.name).unwrap()
}

#[test]
fn nobody_is_granted_more_than_has_a_name() {
    assert_eq!(local::iam::overbroad(&template()), Vec::<String>::new());
}

#[test]
fn nobody_sends_mail_as_anybody_else() {
    let (stack, mut senders) = (template(), 0);
    let principals = Principals::new(&stack);
    let needs = [("ses:SendEmail", "arn:aws:ses:us-east-1:123456789012:identity/example.com")];
    for spec in &stack.functions {
        let principal = principals.by_logical_id(&spec.logical_id).unwrap();
        let may = |from: &str| principals.decide_in(principal, &needs, &[("ses:FromAddress", from.to_owned())]).is_ok();
        assert!(!may("ceo@example.com"), "{} sends as anybody", spec.logical_id);
        senders += usize::from(may("welcome@example.com"));
    }
    assert!(senders > 8, "{senders}");
}

/// Whoever signs up is not told of a region that the stack has nothing in.
#[test]
fn the_region_is_the_stacks_own_unless_said_otherwise() {
    for (parameters, expected) in
        [(&[][..], "eu-central-1"), (&[("Regions", "eu-west-1,us-east-1")], "eu-west-1,us-east-1")]
    {
        let stack = deployed("eu-central-1", parameters);
        let told: Vec<_> = stack.functions.iter().filter_map(|spec| spec.env.get("REGIONS")).collect();
        assert_eq!(told, [expected, expected], "{parameters:?}");
    }
}

#[test]
fn the_template_deploys_every_function_that_there_is() {
    let stack = template();
    let deployed: Vec<_> = stack.functions.iter().map(|spec| spec.binary.as_str()).collect();
    let deployed_once: BTreeSet<_> = deployed.iter().copied().collect();
    assert_eq!(deployed.len(), deployed_once.len(), "each once");
    assert_eq!(deployed_once, all().map(|function| function.name).collect());
}

#[test]
fn each_function_serves_exactly_the_routes_that_are_mounted_for_it() {
    let stack = template();
    for function in all() {
        let spec = spec(&stack, function);
        let routes: BTreeSet<_> = spec.routes.iter().map(mounted).collect();
        assert_eq!(policies(function), routes, "{}: code and template (line {})", function.name, spec.line);
    }
}

#[test]
fn each_function_is_woken_by_what_it_is_for() {
    let stack = template();
    let mut steps = BTreeSet::new();
    for function in all() {
        let spec = spec(&stack, function);
        let woken = (!spec.routes.is_empty(), !spec.schedules.is_empty(), !spec.rules.is_empty());
        let expected = match function.kind {
            Kind::Http(_) => (true, false, false),
            Kind::Job => (false, true, false),
            Kind::Event => (false, false, true),
            // Woken by Secrets Manager, on the secret's schedule.
            Kind::Rotation | Kind::Hook => (false, false, false),
            Kind::Step => {
                steps.insert(spec.arn.clone());
                (false, false, false)
            }
        };
        assert_eq!(woken, expected, "{}: (routes, schedules, rules)", function.name);
    }
    let substituted = stack.machines.iter().flat_map(|machine| machine.substitutions.values().cloned());
    assert_eq!(substituted.collect::<BTreeSet<_>>(), steps, "steps, and functions that the state machines name");
}

#[test]
fn each_state_machine_uses_every_function_that_it_is_given() {
    for machine in template().machines {
        let text = std::fs::read_to_string(&machine.definition).unwrap();
        for key in machine.substitutions.keys() {
            assert!(text.contains(&format!("${{{key}}}")), "{} has no ${{{key}}}", machine.definition.display());
        }
    }
}

/// `functions/GROUP/src/bin/GROUP-REST.rs` starts `GROUP::REST`, which is called `GROUP-REST`.
#[test]
fn each_binary_starts_the_function_that_it_is_called_after() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let mut binaries = BTreeSet::new();
    for function in all() {
        let (group, rest) = match function.name.split_once('-').unwrap() {
            // Called after what they do.
            ("rotate" | "reseal", _) => ("rotation", function.name),
            named => named,
        };
        let constant = rest.to_uppercase().replace('-', "_");
        let binary = functions.join(format!("{group}/src/bin/{}.rs", function.name));
        let text = std::fs::read_to_string(&binary).unwrap_or_else(|e| panic!("{}: {e}", binary.display()));
        assert!(text.contains(&format!("lambda::main(&{group}::{constant})")), "{}:\n{text}", binary.display());
        let library = std::fs::read_to_string(functions.join(format!("{group}/src/lib.rs"))).unwrap();
        let declared = library.split_once(&format!("pub const {constant}: Function")).map(|(_, rest)| rest);
        let named = declared.and_then(|rest| rest.split('"').nth(1));
        assert_eq!(named, Some(function.name), "{group}::{constant}");
        binaries.insert(binary.canonicalize().unwrap());
    }
    for group in std::fs::read_dir(&functions).unwrap() {
        for file in std::fs::read_dir(group.unwrap().path().join("src/bin")).unwrap() {
            let path = file.unwrap().path().canonicalize().unwrap();
            assert!(binaries.contains(&path), "{} is of no function", path.display());
        }
    }
}

/// What the door leaves to a handler to count, the handler refuses.
#[test]
fn r15_what_the_door_does_not_count_its_handler_does() {
    for function in all() {
        let Kind::Http(served) = &function.kind else { continue };
        for policy in served.policies {
            let by_handler = matches!(policy.rate, Rate::Auth | Rate::Reset | Rate::Refresh);
            let refuses = policy.problems.contains(&&kinds::TOO_MANY_TRIES);
            assert!(refuses || !by_handler, "{} says 429 too_many_tries", policy.operation);
        }
    }
}

/// The word of each `alarm` in these lines.
fn alarms(text: &str, before: &str) -> BTreeSet<String> {
    text.split(before).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

/// A line that calls for somebody is heard, and nobody waits for a line that is never written.
#[test]
fn r32_every_alarm_in_the_code_is_one_in_the_template() {
    fn read(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                read(&entry.path(), text);
            } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut code = String::new();
    ["functions", "shared"].iter().for_each(|folder| read(&root.join(folder), &mut code));
    let written = alarms(&code, "alarm = \"");
    let template = std::fs::read_to_string(local::stack::TEMPLATE).unwrap();
    assert_eq!(written, alarms(&template, "$.alarm = \""));
}
