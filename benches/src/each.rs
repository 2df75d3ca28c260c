//! Every function of the template under the Runtime API with its example event (`tests/events`): cold start, warm calls, memory,
//! beside a hello in Rust and the status in Node.
//!
//! All of them are built as `--release` has it, without LTO, so that they are built in minutes; `functions` measures some as they
//! are deployed. AWS is the whole local stack over plain HTTP, with each function's own credentials and rights, and a
//! tenant with its owner signed in, new for every function.

use std::{collections::BTreeMap, path::Path, time::Duration};

use lambda::Kind;
use local::{aws::listener, functions::all, stack::Options};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{
    Failure,
    functions::Bench,
    process, programs, report,
    runtime_api::RuntimeApi,
    spread::Rounds,
    subject::{Running, Subject},
    world::World,
};

const EVENTS: &str = "tests/events";
const EXAMPLE_TENANT: &str = "tenant-demo-1f2e3d4c";
/// Calls before those that count, and those: in each round.
const CALLS: (usize, usize) = (20, 200);

/// What one function cost.
#[derive(Default)]
struct Cost {
    /// What it answered to the first call and to the last.
    answers: [String; 2],
    /// From `exec` until the first answer, in ms by the clock on the wall.
    cold: Rounds,
    /// A warm call, in µs of CPU time.
    warm: Rounds,
    /// MiB after the last.
    memory: Rounds,
}

/// Runs the bench and prints it; of all functions, or of those named.
pub(crate) fn run(rounds: usize, only: &[String]) -> Result<(), Failure> {
    programs::build_all()?;
    let runtime = Runtime::new()?;
    let bench = runtime.block_on(Bench::open())?;
    let plain = bench.endpoint(false)?;
    let mut hello = bench.status("hello in Rust", "", &plain)?;
    hello.program = programs::built()?.join("bare-hello");
    let hello = measured(&hello, &bench.api, rounds)?;
    report::title(&format!(
        "Every function, {rounds} rounds of {} warm calls, rate limits off; x: over hello in Rust",
        CALLS.1
    ));
    println!(
        "  {:<34} {:<28} {:>15} {:>7} {:>15} {:>7} {:>8} {:>13}",
        "function", "answers, first / last", "cold, ms", "of Node", "warm p50, µs", "of Node", "p99, µs", "MiB"
    );
    let node = match bench.node(&plain) {
        Ok(node) => Some(measured(&node, &bench.api, rounds)?),
        Err(why) => {
            report::say(&format!("Node is left out: {why}"));
            None
        }
    };
    print("hello in Rust", &hello, &hello, node.as_ref());
    if let Some(node) = &node {
        print("status in Node", node, &hello, Some(node));
    }
    for function in all().filter(|function| only.is_empty() || only.iter().any(|name| name == function.name)) {
        let cost = of(function, &runtime, &bench.api, rounds)?;
        print(function.name, &cost, &hello, node.as_ref());
    }
    Ok(())
}

fn of(function: &lambda::Function, runtime: &Runtime, api: &RuntimeApi, rounds: usize) -> Result<Cost, Failure> {
    let world = runtime.block_on(World::of(Options::memory("https://api.example.com").unlimited()))?;
    let (gateway, listener) = (world.stack.gateway.clone(), runtime.block_on(TcpListener::bind("127.0.0.1:0"))?);
    let endpoint = format!("http://{}", listener.local_addr()?);
    let serving = runtime.spawn(listener::serve(listener, gateway, std::future::pending()));
    let path = Path::new(programs::ROOT).join(EVENTS).join(format!("{}.json", function.name));
    let event = std::fs::read_to_string(path)?.replace(EXAMPLE_TENANT, world.tenant_id());
    let mut event: Value = serde_json::from_str(&event)?;
    if matches!(function.kind, Kind::Http(_)) && event["headers"]["authorization"].is_null() {
        event["headers"]["authorization"] = json!(format!("Bearer {}", world.access_token));
    }
    let mut variables: BTreeMap<String, String> = world.variables(function.name);
    let own = world.stack.functions.environments(&endpoint).find(|(name, _)| *name == function.name);
    variables.remove("AWS_SESSION_TOKEN");
    variables.extend(own.map(|(_, variables)| variables).unwrap_or_default());
    let program = programs::built()?.join(function.name);
    let subject = Subject { name: function.name, program, arguments: Vec::new(), variables, event: event.to_string() };
    let cost = measured(&subject, api, rounds);
    serving.abort();
    cost
}

fn measured(subject: &Subject, api: &RuntimeApi, rounds: usize) -> Result<Cost, Failure> {
    let mut cost = Cost::default();
    for _ in 0..rounds {
        let began = process::now();
        let mut running = Running::start(subject, api)?;
        let first = running.ask(&subject.event)?;
        cost.cold.push(began.elapsed().as_secs_f64() * 1e3);
        let mut last = None;
        for call in 0..CALLS.0 + CALLS.1 {
            let before = running.cpu();
            last = Some(running.ask(&subject.event)?);
            if call >= CALLS.0 {
                cost.warm.push(micros(running.cpu() - before));
            }
        }
        cost.memory.push(running.memory());
        // The first call of the first round is the only one that finds the world as it was.
        if cost.answers[0].is_empty() {
            cost.answers[0] = said(&first);
        }
        cost.answers[1] = last.as_ref().map(said).unwrap_or_default();
    }
    Ok(cost)
}

/// A status, an error's name, or that there was an answer.
fn said(answer: &Result<Value, Value>) -> String {
    match answer {
        Ok(answer) => answer["statusCode"].as_u64().map_or_else(|| "ok".to_owned(), |status| status.to_string()),
        Err(error) => error["errorType"].as_str().unwrap_or("error").to_owned(),
    }
}

fn print(name: &str, cost: &Cost, hello: &Cost, node: Option<&Cost>) {
    let beside = |figure: fn(&Cost) -> &Rounds, places: usize| {
        let own = figure(cost).median();
        (format!("{own:.places$} ({:.1}x)", own / figure(hello).median()), own)
    };
    let of_node = |own: f64, figure: fn(&Cost) -> &Rounds| {
        node.map_or_else(|| "-".to_owned(), |node| format!("1/{:.1}", figure(node).median() / own))
    };
    let ((cold, cold_of), (warm, warm_of)) = (beside(|cost| &cost.cold, 1), beside(|cost| &cost.warm, 0));
    let (memory, _) = beside(|cost| &cost.memory, 1);
    println!(
        "  {name:<34} {:<28} {cold:>15} {:>7} {warm:>15} {:>7} {:>8.0} {memory:>13}",
        cost.answers.join(" / "),
        of_node(cold_of, |cost| &cost.cold),
        of_node(warm_of, |cost| &cost.warm),
        cost.warm.quantile(0.99),
    );
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
