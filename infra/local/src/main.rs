//! `cargo run`: the whole of Innkeeper on this machine.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use local::{
    bootstrap, demo, elsewhere, rights, rotate, server,
    stack::{Held, LocalStack, OpenError, Options, S3_FOLDER, hold},
};
use tokio::net::TcpListener;

/// Innkeeper's local stack: infra/template.yaml, run in one process.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    place: Place,
    /// Serve the AWS endpoint too, and write what Lambda would set for each function into DIR/FUNCTION.env, for
    /// `cargo lambda watch --env-file`.
    #[arg(long, value_name = "DIR")]
    lambda_env: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Sign tenants up against the running stack, or against one of its own, and watch them become READY.
    Demo(demo::Arguments),
    /// Rotate a secret of the running stack, or of the one in the data folder, and see what became of it.
    Rotate(rotate::Arguments),
    /// Show what the first platform admin signs in with, as long as it is not removed.
    BootstrapPassword,
    /// Forget everything and start over.
    Reset,
    /// Say which permissions of the template no call needed, of the stacks that ran with `INNKEEPER_RIGHTS=FOLDER`.
    Rights {
        /// The folder.
        folder: PathBuf,
    },
}

#[derive(Args)]
struct Place {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8080, global = true)]
    port: u16,
    /// Where everything is kept across restarts.
    #[arg(long, default_value = ".innkeeper", global = true)]
    data_dir: PathBuf,
    /// Keep nothing.
    #[arg(long, global = true)]
    memory: bool,
    /// Limit nobody's rate: for demos of many and for load. Without it the stack limits as production does.
    #[arg(long, global = true)]
    no_limits: bool,
    /// Log every request and step as JSON, as Lambda does.
    #[arg(long, global = true)]
    verbose: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    lambda::init_telemetry(match &cli.command {
        _ if cli.place.verbose => lambda::Level::Info,
        Some(Command::Rotate(_)) => lambda::Level::Error,
        _ => lambda::Level::Warn,
    });
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let done = match cli.command {
        None => runtime.block_on(serve(&cli.place, cli.lambda_env.as_deref())),
        Some(Command::Demo(arguments)) => runtime.block_on(demo(arguments, &cli.place)),
        Some(Command::Rotate(arguments)) => runtime.block_on(rotate(&arguments, &cli.place)),
        Some(Command::BootstrapPassword) => bootstrap_password(&cli.place),
        Some(Command::Reset) => reset(&cli.place),
        Some(Command::Rights { folder }) => unneeded(&folder),
    };
    // Executions under way are on disk; nobody waits for them.
    runtime.shutdown_background();
    done.map_or_else(|error| fail(error.as_ref()), |()| ExitCode::SUCCESS)
}

type Done = Result<(), Box<dyn std::error::Error>>;

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("innkeeper: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

/// A stack, and what it is served on.
struct Opened {
    listener: TcpListener,
    stack: LocalStack,
    url: String,
    _held: Option<Held>,
}

async fn open(place: &Place) -> Result<Opened, Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(("127.0.0.1", place.port)).await.map_err(|e| {
        format!(
            "port {} on 127.0.0.1 is not to be had ({e}); is the stack running already? --port N takes another",
            place.port
        )
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    let held = if place.memory { None } else { Some(hold(&place.data_dir)?) };
    let mut options = Options::memory(&url);
    options.data = (!place.memory).then(|| place.data_dir.clone());
    if place.no_limits {
        options = options.unlimited();
        println!("RATE LIMITS ARE OFF: this stack lets everybody sign up, sign in and call as often as they like.");
    }
    let stack = LocalStack::open(options).await?;
    stack.functions.start().await.map_err(OpenError::Refused)?;
    Ok(Opened { listener, stack, url, _held: held })
}

async fn serve(place: &Place, lambda_env: Option<&Path>) -> Done {
    let Opened { listener, stack, url, _held } = open(place).await?;
    welcome(&url, place);
    if place.memory {
        // No other process can read it.
        show(&bootstrap::of(&stack.secrets).await?);
    }
    let endpoint = async {
        match lambda_env {
            Some(folder) => elsewhere::serve(&stack, folder, interrupted()).await,
            None => Ok(()),
        }
    };
    tokio::try_join!(server::serve(listener, &stack, interrupted()), endpoint)?;
    Ok(())
}

async fn demo(arguments: demo::Arguments, place: &Place) -> Done {
    let url = format!("http://127.0.0.1:{}", place.port);
    if demo::is_served(&url).await {
        return Ok(demo::run(&url, &arguments).await?);
    }
    // One address may sign up three times in a minute.
    let no_limits = place.no_limits || arguments.is_of_many();
    let own = Place { port: 0, data_dir: place.data_dir.clone(), memory: true, no_limits, verbose: place.verbose };
    let Opened { listener, stack, url, _held } = open(&own).await?;
    println!("No stack runs on port {}, so the demo runs one of its own, in memory.", place.port);
    serve_while(listener, &stack, demo::run(&url, &arguments)).await
}

/// Serves the stack for as long as the work takes.
async fn serve_while(
    listener: TcpListener,
    stack: &LocalStack,
    work: impl Future<Output = Result<(), demo::Failure>>,
) -> Done {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worked = async {
        let worked = work.await;
        drop(stop);
        worked
    };
    let until = async { drop(stopped.await) };
    let (served, worked) = tokio::join!(server::serve(listener, stack, until), worked);
    served?;
    Ok(worked?)
}

async fn rotate(arguments: &rotate::Arguments, place: &Place) -> Done {
    let url = format!("http://127.0.0.1:{}", place.port);
    if demo::is_served(&url).await {
        let data = (!place.memory).then_some(place.data_dir.as_path());
        return Ok(rotate::run(&url, arguments, rotate::Admin::of_folder(data)?).await?);
    }
    let own = Place { port: 0, data_dir: place.data_dir.clone(), ..*place };
    let Opened { listener, stack, url, _held } = open(&own).await?;
    let admin = rotate::Admin::of_stack(&stack).await;
    serve_while(listener, &stack, rotate::run(&url, arguments, admin)).await
}

fn bootstrap_password(place: &Place) -> Done {
    show(&bootstrap::of_folder(&place.data_dir)?);
    Ok(())
}

fn show(first_admin: &bootstrap::Credentials) {
    println!("E-mail:    {}\nPassword:  {}", first_admin.email, first_admin.password);
}

fn reset(place: &Place) -> Done {
    if !place.data_dir.exists() {
        println!("There is nothing under {}. `cargo run` starts.", place.data_dir.display());
        return Ok(());
    }
    let _held = hold(&place.data_dir)?;
    // Only what a stack made: a mistyped --data-dir must not cost anybody their files.
    let known = ["state.sqlite", "dynamodb.sqlite"];
    for name in known.iter().flat_map(|name| [(*name).to_owned(), format!("{name}-wal"), format!("{name}-shm")]) {
        match std::fs::remove_file(place.data_dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    match std::fs::remove_dir_all(place.data_dir.join(S3_FOLDER)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    println!("The stack under {} is forgotten. `cargo run` starts over.", place.data_dir.display());
    Ok(())
}

fn unneeded(folder: &Path) -> Done {
    let (granted, unneeded) = rights::unneeded(folder)?;
    if unneeded.is_empty() {
        println!("The template grants {granted} permissions, and each was needed.");
        return Ok(());
    }
    Err(format!("of {granted} permissions in the template, no call needed\n  {}", unneeded.join("\n  ")).into())
}

async fn interrupted() {
    // Without a signal handler the process is killed by the signal itself, which is as good an end.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// One line when it is ready, and then what to try.
fn welcome(url: &str, place: &Place) {
    let kept = if place.memory {
        "kept in memory only".to_owned()
    } else {
        format!("kept under {}/", place.data_dir.display())
    };
    println!("Innkeeper is ready on {url} ({kept}; Ctrl-C stops it)");
    println!(
        r#"
Sign the example tenant up:

  curl -s {url}/api/v1/tenants -H 'content-type: application/json' -d '{{"company_name":"Demo ISP","subdomain":"demo","admin_name":"Demo Admin","admin_email":"admin@demo.com","plan":"starter","region":"us-east-1"}}'

Follow it, with the status_url and status_token of the answer:

  curl -s {url}STATUS_URL -H 'authorization: Bearer STATUS_TOKEN'

Its admin's mail:   {url}/_local/mail
The API:            {url}/docs and {url}/openapi.json
All of it at once:  cargo run -- demo
The first admin:    cargo run -- bootstrap-password"#
    );
}
