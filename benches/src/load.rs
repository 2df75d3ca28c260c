//! Ten thousand tenants that sign up at once on the local stack, against the same writes sent raw to its DynamoDB.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::{BoxFuture, FutureExt};
use local::{
    aws::{AwsError, Caller, Service, dynamodb::DynamoDb},
    front::Front,
    stack::{LocalStack, Options},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Failure, process,
    report::{self, Goal},
    spread::Rounds,
    world::{self, text},
};

/// How often the bench looks whether everybody is READY.
const LOOK: Duration = Duration::from_millis(20);
/// Statuses asked for on an idle stack, after as many to warm it up.
const IDLE: usize = 2_000;

/// What one run of signups took.
struct Run {
    stack: LocalStack,
    /// Without the asking for status meanwhile.
    cpu: Duration,
    wall: Duration,
    under_load: Rounds,
    /// MiB for each thousand tenants.
    memory: f64,
}

/// Runs the bench and prints it.
pub(crate) fn run(tenants: usize, rounds: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build()?;
    let [mut cpu, mut wall, mut tail, mut memory] = [const { Vec::new() }; 4];
    let mut writes = 0;
    for _ in 0..rounds {
        let folder = tempfile::tempdir()?;
        let run = runtime.block_on(sign_up(&folder, tenants))?;
        let idle = runtime.block_on(idle(&run.stack))?;
        let (raw_cpu, raw_wall);
        (writes, raw_cpu, raw_wall) = replay(&runtime, &folder)?;
        cpu.push(run.cpu.as_secs_f64() / raw_cpu.as_secs_f64());
        wall.push(run.wall.as_secs_f64() / raw_wall.as_secs_f64());
        tail.push(run.under_load.quantile(0.99) / idle.quantile(0.99));
        memory.push(run.memory);
    }
    let [cpu, wall, tail, memory] = [cpu, wall, tail, memory].map(Rounds::from_iter);
    report::title(&format!("{tenants} tenants at once on the local stack, none failed, {rounds} rounds"));
    report::say(&format!("{:.1} writes for each tenant", writes as f64 / tenants as f64));
    report::line("signup to READY, CPU, over the same writes sent raw", "x", &cpu, Goal(4.0));
    report::line("signup to READY, elapsed, over the same writes sent raw", "x", &wall, Goal(4.0));
    report::line("status under load, p99, over idle", "x", &tail, Goal(2.0));
    report::note("memory of the stack for 1 000 tenants", "MiB", &memory);
    Ok(())
}

/// As `cargo run` opens it: over files, where a read waits for no write.
fn options(folder: &TempDir) -> Options {
    Options { data: Some(folder.path().to_owned()), ..Options::memory("http://127.0.0.1:0").unlimited() }
}

/// All processors but one, which is that of the status: a function in Lambda shares none.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1).max(1))
}

/// Signs everybody up, waits until all are READY, and leaves what was written meanwhile in the folder.
async fn sign_up(folder: &TempDir, tenants: usize) -> Result<Run, Failure> {
    let stack = LocalStack::open(options(folder)).await?;
    let recorder = Recorder { dynamodb: stack.dynamodb.clone(), file: Mutex::new(writer(folder)?) };
    let recorder = Arc::new(recorder);
    stack.gateway.mount("dynamodb", recorder.clone());
    stack.functions.start().await.map_err(|why| why.join("\n"))?;
    let front = stack.front();
    let first = world::post(&front, "/api/v1/tenants", &world::signup("first")).await?;
    let (path, token) = (text(&first, "status_url"), text(&first, "status_token"));
    world::ready(&front, &path, &token).await?;
    let pid = std::process::id();
    let before = process::memory(pid);

    let over = Arc::new(AtomicBool::new(false));
    let asking = std::thread::spawn({
        let (front, over) = (front.clone(), over.clone());
        move || ask_until(&front, &path, &token, || over.load(Ordering::Relaxed))
    });
    let (began, cpu) = (process::now(), process::cpu_of_all(pid));
    let mut signups = tokio::task::JoinSet::new();
    for number in 0..tenants {
        let front = front.clone();
        signups.spawn(
            async move { world::post(&front, "/api/v1/tenants", &world::signup(&format!("t{number:05}"))).await },
        );
    }
    while let Some(accepted) = signups.join_next().await {
        accepted??;
    }
    all_ready(&stack, tenants + 1).await;
    let wall = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let Asked { times: under_load, cpu: asking } = asking.join().map_err(|_| "the asking thread panicked")??;
    let cpu = process::cpu_of_all(pid).saturating_sub(cpu + asking);
    let memory = (process::memory(pid) - before) * 1_000.0 / tenants as f64;
    check(&stack, tenants + 1)?;
    stack.gateway.mount("dynamodb", stack.dynamodb.clone());
    recorder.file.lock().unwrap_or_else(PoisonError::into_inner).flush()?;
    Ok(Run { stack, cpu, wall, under_load, memory })
}

/// Every tenant gets one welcome mail, as the last thing.
#[expect(clippy::disallowed_methods, reason = "the bench only looks now and then, so as not to be part of the load")]
async fn all_ready(stack: &LocalStack, tenants: usize) {
    let sent = || stack.gateway.counters().snapshot().total(None, Some("ses"), Some("SendEmail")).calls;
    while sent() < tenants as u64 {
        tokio::time::sleep(LOOK).await;
    }
}

/// No failure: every tenant in the store is READY, and there are as many as signed up.
fn check(stack: &LocalStack, tenants: usize) -> Result<(), Failure> {
    let table = stack.template.functions.iter().find_map(|spec| spec.env.get("CORE_TABLE"));
    let mut scan = json!({
        "TableName": table, "FilterExpression": "sk = :sk AND #p.#s = :ready",
        "ExpressionAttributeNames": { "#p": "provisioning", "#s": "status" }, "Select": "COUNT",
        "ExpressionAttributeValues": { ":sk": { "S": "TENANT" }, ":ready": { "S": "READY" } },
    });
    let mut ready = 0;
    loop {
        let page = stack.dynamodb.run("Scan", scan.clone())?;
        ready += page["Count"].as_u64().unwrap_or(0);
        match &page["LastEvaluatedKey"] {
            Value::Null => break,
            last => scan["ExclusiveStartKey"] = last.clone(),
        }
    }
    if ready == tenants as u64 { Ok(()) } else { Err(format!("{ready} of {tenants} are READY").into()) }
}

async fn idle(stack: &LocalStack) -> Result<Rounds, Failure> {
    let front = stack.front();
    let asked = world::post(&front, "/api/v1/tenants", &world::signup("last")).await?;
    let (path, token) = (text(&asked, "status_url"), text(&asked, "status_token"));
    world::ready(&front, &path, &token).await?;
    let mut asked = 0;
    let asking = std::thread::spawn(move || {
        ask_until(&front, &path, &token, || {
            asked += 1;
            asked > 2 * IDLE
        })
    });
    let asked = tokio::task::spawn_blocking(|| asking.join()).await?.map_err(|_| "the asking thread panicked")??;
    Ok(asked.times)
}

/// One status after the other.
struct Asked {
    /// The elapsed microseconds of each.
    times: Rounds,
    cpu: Duration,
}

/// Asks for one status after the other, on a thread of its own.
fn ask_until(front: &Front, path: &str, token: &str, mut over: impl FnMut() -> bool) -> Result<Asked, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut times, before) = (Vec::new(), process::cpu_of_thread());
    while !over() {
        let asked: Instant = process::now();
        runtime.block_on(world::get(front, path, token))?;
        times.push(asked.elapsed().as_secs_f64() * 1e6);
    }
    let cpu = process::cpu_of_thread() - before;
    Ok(Asked { times: times.into_iter().skip(200).collect(), cpu })
}

/// Where the writes of a run are, one a line, so that they take no memory of the stack.
const WRITES: &str = "writes.ndjson";

fn writer(folder: &TempDir) -> std::io::Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(folder.path().join(WRITES))?))
}

/// DynamoDB, with every write noted down.
struct Recorder {
    dynamodb: Arc<DynamoDb>,
    file: Mutex<BufWriter<File>>,
}

impl Service for Recorder {
    fn call<'a>(&'a self, caller: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        if !matches!(action, "GetItem" | "Query" | "BatchGetItem") {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = writeln!(file, "{}", json!([action, body])) {
                return std::future::ready(Err(AwsError::internal(error))).boxed();
            }
        }
        self.dynamodb.call(caller, action, body)
    }

    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        self.dynamodb.authorize(action, body)
    }
}

/// The same writes, one after the other, to an empty DynamoDB of another stack: how many, and what they took.
fn replay(runtime: &tokio::runtime::Runtime, folder: &TempDir) -> Result<(usize, Duration, Duration), Failure> {
    let other = tempfile::tempdir()?;
    let stack = runtime.block_on(LocalStack::open(options(&other)))?;
    let (mut count, mut cpu, mut wall) = (0, Duration::ZERO, Duration::ZERO);
    let mut lines = BufReader::new(File::open(folder.path().join(WRITES))?).lines();
    loop {
        // Read in batches, so that neither the time nor the memory of parsing them all counts.
        let batch: Vec<(String, Value)> =
            lines.by_ref().take(1_000).map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Result<_, Failure>>()?;
        if batch.is_empty() {
            return Ok((count, cpu, wall));
        }
        count += batch.len();
        let (began, before) = (process::now(), process::cpu_of_thread());
        for (action, body) in batch {
            // A refused condition is refused here as it was there.
            drop(stack.dynamodb.run(&action, body));
        }
        wall += began.elapsed();
        cpu += process::cpu_of_thread() - before;
    }
}
