//! `cargo run -- demo`: what a customer does, over HTTP, shown live.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) mod client;
mod table;

use client::Client;
pub use client::{Failure, is_served};

/// A status is asked for this often; its `Retry-After` says a second, which a person would find slow to watch. A stack that
/// limits its clients bears a second of it, in which most tenants are ready.
const LOOK: Duration = Duration::from_millis(50);
/// A tenant takes a second or two; a minute says that something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to show.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Tenants to sign up.
    #[arg(long, default_value_t = 1)]
    count: usize,
    /// Sign-ups at a time.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
}

impl Arguments {
    /// Whether one client may not sign as many up, where its rate is limited.
    pub fn is_of_many(&self) -> bool {
        self.count > 1
    }
}

/// Shows it.
///
/// # Errors
/// The first thing that did not go as it should.
pub async fn run(url: &str, arguments: &Arguments) -> Result<(), Failure> {
    let client = Client::new(url);
    if arguments.is_of_many() { many(client, arguments).await } else { one(&client).await }
}

/// A name that nobody has yet: the stack may keep the tenants of earlier demos.
async fn free_name(client: &Client) -> Result<String, Failure> {
    for number in 1.. {
        let name = if number == 1 { "demo".to_owned() } else { format!("demo-{number}") };
        let answer = client.get(&format!("/api/v1/subdomains/{name}"), None).await?.expect(200)?;
        if answer["availability"] == "available" {
            return Ok(name);
        }
    }
    unreachable!("the loop has no end")
}

async fn one(client: &Client) -> Result<(), Failure> {
    let started = now();
    let name = free_name(client).await?;
    let email = if name == "demo" { "admin@demo.com".to_owned() } else { format!("admin@{name}.example") };
    let accepted = sign_up(client, &name, &email).await?;
    println!("{} asked for; it answered in {}", text(&accepted, "tenant_id"), ms(started));

    let bar = ProgressBar::new(100).with_style(style());
    let status = follow(client, &accepted, |status| show(&bar, status)).await;
    bar.finish_and_clear();
    for step in status?["steps"].as_array().into_iter().flatten() {
        println!("  {:<16} {:<10} {}", text(step, "name"), text(step, "status"), took(step));
    }
    println!("READY after {}", ms(started));

    let token = activation_token(client, &email).await?;
    println!("mail to {email} holds the activation link");
    let password = "correct horse battery staple, locally";
    client.post("/api/v1/auth/activate", &json!({"token": token, "password": password})).await?.expect(200)?;
    println!("activated: the password is set");
    let login = client.post("/api/v1/auth/login", &json!({"email": email, "password": password})).await?.expect(200)?;
    println!("signed in: an access token for {} s", login["expires_in"]);
    let who = client.get("/api/v1/auth/whoami", login["access_token"].as_str()).await?.expect(200)?;
    println!("whoami: {} is {} of {}", text(&who, "email"), text(&who, "role"), text(&who, "tenant_id"));
    println!("\nDone: {} is live, from sign-up to its admin's first call in {}.", text(&who, "tenant_id"), ms(started));
    Ok(())
}

async fn many(client: Client, arguments: &Arguments) -> Result<(), Failure> {
    let started = now();
    let client = Arc::new(client);
    let room = Arc::new(Semaphore::new(arguments.concurrency.max(1)));
    let bar = ProgressBar::new(arguments.count as u64).with_style(style());
    // A run's own names, so that demos can follow each other on one stack.
    let run = std::process::id();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..arguments.count {
        let (client, room, bar) = (client.clone(), room.clone(), bar.clone());
        tasks.spawn(async move {
            let _room = room.acquire_owned().await;
            let name = format!("demo-{run}-{number}");
            let started = now();
            let accepted = sign_up(&client, &name, &format!("admin@{name}.example")).await?;
            let accepted_in = started.elapsed();
            follow(&client, &accepted, |_| {}).await?;
            bar.inc(1);
            Ok::<_, Failure>((accepted_in, started.elapsed()))
        });
    }
    let mut times = Vec::new();
    let mut failures = Vec::new();
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(Ok(time)) => times.push(time),
            Ok(Err(failure)) => failures.push(failure),
            Err(panic) => failures.push(Failure::Broken(panic.to_string())),
        }
    }
    bar.finish_and_clear();
    println!("{}", table::summary(&times, failures.len(), started.elapsed()));
    failures.into_iter().next().map_or(Ok(()), Err)
}

async fn sign_up(client: &Client, name: &str, email: &str) -> Result<Value, Failure> {
    let company = if name == "demo" { "Demo ISP".to_owned() } else { format!("Demo ISP {name}") };
    let body = json!({"company_name": company, "subdomain": name, "admin_name": "Demo Admin", "admin_email": email, "plan": "starter", "region": "us-east-1"});
    client.post("/api/v1/tenants", &body).await?.expect(202)
}

/// Looks until the tenant is READY.
async fn follow(client: &Client, accepted: &Value, show: impl Fn(&Value)) -> Result<Value, Failure> {
    let (url, token) = (text(accepted, "status_url"), accepted["status_token"].as_str());
    let started = now();
    while started.elapsed() < PATIENCE {
        let answer = client.get(url, token).await?;
        if let Some(time) = answer.refused_for() {
            client::pause(time).await;
            continue;
        }
        let status = answer.expect(200)?;
        show(&status);
        match text(&status, "status") {
            "READY" => return Ok(status),
            "FAILED" => {
                return Err(Failure::Unexpected { what: "the tenant FAILED".into(), answer: status["error"].clone() });
            }
            _ => client::pause(LOOK).await,
        }
    }
    Err(Failure::Broken("the tenant was neither READY nor FAILED within a minute".into()))
}

/// From the newest mail to the admin; what a person would click on.
async fn activation_token(client: &Client, email: &str) -> Result<String, Failure> {
    let started = now();
    while started.elapsed() < PATIENCE {
        let mails = client.get("/_local/mail", None).await?.expect(200)?;
        let mail = mails.as_array().into_iter().flatten().find(|mail| text(mail, "to") == email);
        let token = mail.and_then(|mail| text(mail, "text").split("token=").nth(1)?.split_whitespace().next());
        if let Some(token) = token {
            return Ok(token.to_owned());
        }
        client::pause(LOOK).await;
    }
    Err(Failure::Broken(format!("no mail came to {email}")))
}

fn show(bar: &ProgressBar, status: &Value) {
    bar.set_position(status["progress_percent"].as_u64().unwrap_or(0));
    let step = status["current_step"].as_str().unwrap_or("");
    bar.set_message(format!("{} {step}", text(status, "status")));
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos:>4}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("")
}

#[expect(clippy::disallowed_methods, reason = "the demo shows real timings of the API that it calls")]
fn now() -> Instant {
    Instant::now()
}

fn ms(since: Instant) -> String {
    format!("{} ms", since.elapsed().as_millis())
}

/// A step's own time, as the status tells it.
fn took(step: &Value) -> String {
    let at = |name: &str| text(step, name).parse::<jiff::Timestamp>().ok();
    match (at("started_at"), at("finished_at")) {
        (Some(from), Some(to)) => format!("{} ms", to.duration_since(from).as_millis()),
        _ => String::new(),
    }
}
