//! The function binaries under a Lambda Runtime API: start to first poll, first invocation, warm invocations, memory.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use rustls::ServerConfig;
use tokio::runtime::Handle;

use crate::{
    Failure, certificate,
    endpoint::Endpoint,
    event, programs,
    report::{self, Goal},
    runtime_api::RuntimeApi,
    spread::Rounds,
    subject::{Running, Subject},
    world::World,
};

const STATUS: &str = "/api/v1/tenants/{tenant_id}/status";
const WHOAMI: &str = "/api/v1/auth/whoami";

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) warmup: usize,
    pub(crate) invocations: usize,
}

/// What one function cost, round by round.
#[derive(Default)]
pub(crate) struct Cost {
    /// Start to first poll, CPU milliseconds.
    start: Rounds,
    /// The first invocation, CPU milliseconds.
    first: Rounds,
    /// A warm invocation, CPU microseconds.
    pub(crate) warm: Rounds,
    /// MiB after the last.
    memory: Rounds,
}

/// Everything that functions are measured in.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) api: RuntimeApi,
    bundle: PathBuf,
    tls: std::sync::Arc<ServerConfig>,
    runtime: Handle,
}

impl Bench {
    pub(crate) async fn open() -> Result<Self, Failure> {
        let folder = programs::scratch()?;
        let (bundle, tls) = (folder.join(certificate::ROOT), certificate::make(&folder)?);
        Ok(Self { world: World::open().await?, api: RuntimeApi::listen()?, bundle, tls, runtime: Handle::current() })
    }

    pub(crate) fn endpoint(&self, tls: bool) -> Result<Endpoint, Failure> {
        Ok(Endpoint::listen(&self.world.stack, self.runtime.clone(), tls.then(|| self.tls.clone()))?)
    }

    /// `binary` with the environment of `function`.
    pub(crate) fn subject(
        &self,
        name: &'static str,
        binary: &str,
        function: &str,
        event: String,
        at: &Endpoint,
    ) -> Result<Subject, Failure> {
        let mut variables = self.world.variables(function);
        let bundle = self.bundle.display().to_string();
        variables.extend(
            [("AWS_ENDPOINT_URL", at.url.clone()), ("AWS_CA_BUNDLE", bundle.clone()), ("NODE_EXTRA_CA_CERTS", bundle)]
                .map(|(name, value)| (name.to_owned(), value)),
        );
        Ok(Subject { name, program: programs::deployed(binary)?, arguments: Vec::new(), variables, event })
    }

    pub(crate) fn status(&self, name: &'static str, binary: &str, at: &Endpoint) -> Result<Subject, Failure> {
        let event = event::get(STATUS, &self.world.status_path, &self.world.status_token);
        self.subject(name, binary, "signup-status", event, at)
    }

    pub(crate) fn whoami(&self, name: &'static str, binary: &str, at: &Endpoint) -> Result<Subject, Failure> {
        self.subject(name, binary, "auth-whoami", event::get(WHOAMI, WHOAMI, &self.world.access_token), at)
    }

    pub(crate) fn node(&self, at: &Endpoint) -> Result<Subject, Failure> {
        let folder = programs::node()?;
        let mut subject = self.status("status in Node", "", at)?;
        subject.program = "node".into();
        subject.arguments = vec![folder.join("node_modules/aws-lambda-ric/index.mjs").display().to_string()];
        let more = [
            ("PATH", std::env::var_os("PATH")),
            ("LAMBDA_TASK_ROOT", Some(folder.join("bundle").into())),
            ("_HANDLER", Some("status.handler".into())),
        ];
        let more = more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into_string().ok()?)));
        subject.variables.extend(more.collect::<BTreeMap<_, _>>());
        Ok(subject)
    }

    /// Every subject once a round.
    pub(crate) fn measure(&self, subjects: &[Subject], effort: Effort) -> Result<Vec<Cost>, Failure> {
        let mut costs: Vec<Cost> = subjects.iter().map(|_| Cost::default()).collect();
        for _ in 0..effort.rounds {
            for (subject, cost) in subjects.iter().zip(&mut costs) {
                self.round(subject, effort, cost)?;
            }
        }
        Ok(costs)
    }

    fn round(&self, subject: &Subject, effort: Effort, cost: &mut Cost) -> Result<(), Failure> {
        let mut running = Running::start(subject, &self.api)?;
        let started = running.cpu();
        running.invoke()?;
        let first = running.cpu() - started;
        for _ in 0..effort.warmup {
            running.invoke()?;
        }
        let before = running.cpu();
        for _ in 0..effort.invocations {
            running.invoke()?;
        }
        let warm = (running.cpu() - before) / u32::try_from(effort.invocations)?;
        cost.start.push(ms(started));
        cost.first.push(ms(first));
        cost.warm.push(warm.as_secs_f64() * 1e6);
        cost.memory.push(running.memory());
        Ok(())
    }
}

/// Runs the bench and prints it.
pub(crate) fn run(effort: Effort, without_node: bool) -> Result<(), Failure> {
    programs::build(&["signup", "auth", "baselines"], &["signup-status", "auth-whoami", "bare-hello", "floor"])?;
    let runtime = tokio::runtime::Runtime::new()?;
    let bench = runtime.block_on(Bench::open())?;
    let (tls, plain) = (bench.endpoint(true)?, bench.endpoint(false)?);
    let mut subjects = vec![
        bench.status("bare lambda_http hello", "bare-hello", &plain)?,
        bench.status("floor: status signed by hand", "floor", &tls)?,
        bench.status("status", "signup-status", &tls)?,
        bench.whoami("whoami", "auth-whoami", &tls)?,
        bench.status("status, DynamoDB over plain HTTP", "signup-status", &plain)?,
    ];
    let node = if without_node { Err("as you wish".into()) } else { bench.node(&tls) };
    match node {
        Ok(node) => subjects.push(node),
        Err(why) => report::say(&format!("Node is left out: {why}")),
    }
    let costs = bench.measure(&subjects, effort)?;
    print(&subjects, &costs);
    Ok(())
}

fn print(subjects: &[Subject], costs: &[Cost]) {
    report::title(&format!("Functions under the Lambda Runtime API, CPU time, {} rounds", costs[0].warm.count()));
    let (hello, status) = (&costs[0], &costs[2]);
    let begun = |cost: &Cost| cost.start.plus(&cost.first);
    report::line("status, warm, over bare hello", "x", &status.warm.over(&hello.warm), Goal(2.5));
    report::line("status, start and first request", "ms", &begun(status), Goal(2.1));
    report::line("status, memory", "MiB", &status.memory, Goal(8.0));
    if let Some(node) = costs.get(5) {
        report::line("status, warm, over Node", "x", &status.warm.over(&node.warm), Goal(1.0 / 18.0));
        report::line(
            "status, start and first request, over Node",
            "x",
            &begun(status).over(&begun(node)),
            Goal(1.0 / 70.0),
        );
        report::note("status, memory, over Node", "x", &status.memory.over(&node.memory));
    }
    if let Some(size) = programs::zipped(&subjects[2].program) {
        report::line("status, deployment package", "MB", &Rounds::from_iter([size]), Goal(2.2));
    }
    for (subject, cost) in subjects.iter().zip(costs).skip(1) {
        report::note(&format!("{}: warm over bare hello", subject.name), "x", &cost.warm.over(&hello.warm));
    }
    for (subject, cost) in subjects.iter().zip(costs) {
        report::note(&format!("{}: start", subject.name), "ms", &cost.start);
        report::note(&format!("{}: first request", subject.name), "ms", &cost.first);
        report::note(&format!("{}: warm", subject.name), "us", &cost.warm);
        report::note(&format!("{}: memory", subject.name), "MiB", &cost.memory);
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
