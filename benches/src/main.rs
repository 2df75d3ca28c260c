//! Benches: each prints ratios, both sides measured in the same run, in interleaved rounds. No test fails on time.

mod better_auth;
mod certificate;
mod door;
mod each;
mod effect;
mod endpoint;
mod event;
mod functions;
mod load;
mod pace;
mod password;
mod process;
mod programs;
mod report;
mod rotation;
mod runtime_api;
mod sealing;
mod signin;
mod spread;
mod start;
mod subject;
mod wire;
mod world;

use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use functions::Effort;

/// What a bench fails with: it has one caller, who reads it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Innkeeper's benches.
#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
    /// Rounds, interleaved; the median of them is the figure.
    #[arg(long, default_value_t = 7, global = true)]
    rounds: usize,
}

#[derive(Subcommand)]
enum Bench {
    /// Every bench, one after the other.
    All,
    /// The function binaries: start, first request, warm requests, memory, package.
    Functions {
        /// Only our own, which takes a third of the time.
        #[arg(long)]
        without_node: bool,
    },
    /// Every function of the template, built without LTO.
    Each {
        /// Only these.
        functions: Vec<String>,
    },
    /// The door on and off, and a token never seen before.
    Door,
    /// Thousands of tenants at once on the local stack.
    Load {
        /// How many.
        #[arg(long, default_value_t = 10_000)]
        tenants: usize,
    },
    /// What rotations add to the time of a request.
    Rotation,
    /// `cargo run` to ready.
    Start,
    /// Seal and open against the cipher alone.
    Sealing,
    /// The password hash, and whether a refusal's time tells anything.
    Password,
    /// Sign-in, refresh and whoami against better-auth.
    SignIn,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    lambda::init_telemetry(lambda::Level::Warn);
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let effort = Effort { rounds: cli.rounds, warmup: 200, invocations: 800 };
    match &cli.bench {
        Bench::All => ALL.iter().try_for_each(|bench| alone(bench, cli.rounds)),
        Bench::Functions { without_node } => {
            process::pin();
            functions::run(effort, *without_node)
        }
        Bench::Each { functions } => {
            process::pin();
            each::run(cli.rounds.min(3), functions)
        }
        Bench::Door => {
            process::pin();
            door::run(effort)
        }
        Bench::Load { tenants } => load::run(*tenants, cli.rounds.min(3)),
        Bench::Rotation => rotation::run(cli.rounds),
        Bench::Start => start::run(cli.rounds),
        Bench::Sealing => {
            process::pin();
            sealing::run(cli.rounds)
        }
        Bench::Password => {
            process::pin();
            password::run(cli.rounds)
        }
        Bench::SignIn => {
            process::pin();
            signin::run(effort)
        }
    }
}

const ALL: [&str; 8] = ["functions", "door", "sign-in", "password", "sealing", "rotation", "load", "start"];

/// Each bench is a process of its own: some run on one processor, and none inherits another's memory.
fn alone(bench: &str, rounds: usize) -> Result<(), Failure> {
    let mut again = Command::new(std::env::current_exe()?);
    let status = again.arg(bench).args(["--rounds", &rounds.to_string()]).status()?;
    if status.success() { Ok(()) } else { Err(format!("{bench} failed").into()) }
}
