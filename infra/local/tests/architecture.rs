//! The shape of the repository: who may depend on whom, and how long a file may be (ARCHITECTURE.md).

#![allow(clippy::unwrap_used, reason = "in a test it is an answer")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, TargetKind};

/// Every crate outside `functions/`, and the crates of ours that its shipped code may name.
const EDGES: [(&str, &[&str]); 16] = [
    ("domain", &[]),
    ("deployment", &[]),
    ("store", &["domain"]),
    ("secrets", &["domain"]),
    ("workflow", &["domain"]),
    ("mail", &["domain"]),
    ("events", &["domain"]),
    ("exports", &["domain", "store"]),
    ("lambda", &["domain", "events", "exports", "secrets", "store", "workflow"]),
    ("testkit", &["domain"]),
    // Every group that the template deploys, and the door that starts them.
    ("local", &["domain", "lambda", GROUPS]),
    // Black-box: it knows HTTP and nothing else.
    ("queue", &[]),
    ("e2e", &[]),
    // Measures all of it, from outside and in.
    ("bench", &["domain", "lambda", "local", "secrets", "store", "testkit", GROUPS]),
    // What the figures are held against; built like a function, so that the comparison is fair.
    ("baselines", &["domain", "lambda", "store"]),
    (GROUPS, &["deployment", "domain", "exports", "lambda", "mail", "queue", "secrets", "store", "workflow"]),
];
/// Stands for every crate under `functions/`; they never name each other.
const GROUPS: &str = "functions/*";

/// One crate per AWS service, so that its rules are written once.
const SDKS: [(&str, &str); 6] = [
    ("aws-sdk-dynamodb", "store"),
    ("aws-sdk-eventbridge", "events"),
    ("aws-sdk-secretsmanager", "secrets"),
    ("aws-sdk-sesv2", "mail"),
    ("aws-sdk-sfn", "workflow"),
    ("aws-sdk-sqs", "queue"),
];
/// Measures the same calls without our code around them.
const MAY_NAME_ANY_SDK: &str = "bench";

/// What the domain may not be near: it decides, it does not do.
const NOT_IN_THE_DOMAIN: [&str; 4] = ["tokio", "http", "lambda_http", "lambda_runtime"];

const LONGEST: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().other_options(vec!["--offline".into()]).exec().unwrap()
}

fn group(package: &Package) -> &str {
    let is_group = package.manifest_path.strip_prefix(root()).is_ok_and(|path| path.starts_with("functions"));
    if is_group { GROUPS } else { package.name.as_str() }
}

/// What a package's shipped code depends on; dev-dependencies are not shipped.
fn shipped(package: &Package) -> impl Iterator<Item = &str> {
    package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development).map(|d| d.name.as_str())
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

#[test]
fn crates_depend_on_each_other_as_the_design_says() {
    let metadata = metadata();
    let groups: BTreeMap<&str, &str> = metadata.packages.iter().map(|p| (p.name.as_str(), group(p))).collect();
    let allowed = BTreeMap::from(EDGES);
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some(may) = allowed.get(group(package)) else {
            wrong.push(format!("{} is new: say in EDGES what it may depend on", package.name));
            continue;
        };
        for name in shipped(package).filter(|name| groups.contains_key(name)) {
            if !may.contains(&name) && !may.contains(&groups[name]) {
                wrong.push(format!("{} may not depend on {name}, only on {may:?}", package.name));
            }
        }
    }
    let gone = EDGES.iter().filter(|(name, _)| groups.values().all(|group| group != name));
    wrong.extend(gone.map(|(name, _)| format!("{name} is in EDGES and not in the workspace")));
    none(&wrong);
}

#[test]
fn tests_never_reach_for_what_is_above_them() {
    let above = ["local", "e2e", "bench"];
    let dev = |p: &Package| p.dependencies.iter().map(|d| d.name.clone()).collect::<Vec<_>>();
    let metadata = metadata();
    let below = metadata.packages.iter().filter(|p| !above.contains(&p.name.as_str()));
    let wrong = below.flat_map(|p| {
        let reached = dev(p).into_iter().filter(|name| above.contains(&name.as_str()));
        reached.map(|name| format!("{} may not depend on {name}, not even in its tests", p.name)).collect::<Vec<_>>()
    });
    none(&wrong.collect::<Vec<_>>());
}

#[test]
fn each_aws_service_has_one_crate_that_names_its_sdk() {
    let mut wrong = Vec::new();
    let metadata = metadata();
    for package in metadata.packages.iter().filter(|p| p.name.as_str() != MAY_NAME_ANY_SDK) {
        for name in shipped(package).filter(|name| name.starts_with("aws-sdk-")) {
            match SDKS.iter().find(|(sdk, _)| *sdk == name) {
                Some((_, home)) if package.name.as_str() == *home => {}
                Some((_, home)) => wrong.push(format!("{} names {name}: only {home} may", package.name)),
                None => wrong.push(format!("{} names {name}: give it a crate of its own in SDKS", package.name)),
            }
        }
    }
    none(&wrong);
}

/// S3 has no SDK here, so a manifest does not tell who speaks with it; how its requests are signed does.
#[test]
fn one_crate_speaks_with_s3() {
    let root = root();
    let mut files = BTreeSet::new();
    for folder in ["shared", "functions"] {
        sources(&root.join(folder), &mut files);
    }
    let home = root.join("shared/exports");
    let signs = |path: &&PathBuf| std::fs::read_to_string(path).unwrap().contains("PayloadChecksumKind");
    let (own, others): (Vec<_>, Vec<_>) = files.iter().filter(signs).partition(|path| path.starts_with(&home));
    assert_eq!(own.len(), 1, "{own:?}");
    none(&others.iter().map(|path| format!("{}: only exports speaks with S3", path.display())).collect::<Vec<_>>());
}

#[test]
fn the_domain_neither_waits_nor_calls() {
    let metadata = metadata();
    let domain = metadata.packages.iter().find(|p| p.name.as_str() == "domain").unwrap();
    let near = |name: &&str| name.starts_with("aws-") || NOT_IN_THE_DOMAIN.contains(name);
    none(&shipped(domain).filter(near).map(|name| format!("domain may not depend on {name}")).collect::<Vec<_>>());
}

#[test]
fn function_binaries_have_nothing_to_test() {
    let mut wrong = Vec::new();
    for package in metadata().packages.iter().filter(|p| group(p) == GROUPS) {
        for target in package.targets.iter().filter(|t| t.kind.contains(&TargetKind::Bin)) {
            let lines = std::fs::read_to_string(&target.src_path).unwrap().lines().count();
            if target.test {
                wrong.push(format!("{}: [[bin]] {} needs `test = false`: it costs a link", package.name, target.name));
            }
            if lines > 10 {
                wrong.push(format!("{}: {lines} lines: what has a branch belongs in the library", target.src_path));
            }
            // A rotation function is called after what it does: `rotate-signing-keys`.
            let own = [package.name.as_str()];
            let groups = if package.name.as_str() == "rotation" { &["rotate", "reseal"][..] } else { &own[..] };
            if !groups.iter().any(|group| target.name.starts_with(&format!("{group}-"))) {
                wrong.push(format!("{} is not called after its group, {}-…", target.name, package.name));
            }
        }
    }
    none(&wrong);
}

/// Paths from the root, of every source file that is in the repository or would be.
fn sources(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.insert(path);
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    let root = root();
    let mut files = BTreeSet::new();
    sources(&root, &mut files);
    assert!(files.len() > 200, "the walk found {} files", files.len());
    let mut wrong = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let (name, lines) = (path.strip_prefix(&root).unwrap().display().to_string(), text.lines().count());
        if !text.starts_with("//! ") {
            wrong.push(format!("{name} does not begin with a `//!` line that says what it is"));
        }
        if lines > LONGEST {
            wrong.push(format!("{name} has {lines} lines: split it, {LONGEST} is the most"));
        }
    }
    none(&wrong);
}
