//! `cargo run -- rotate NAME`: what an operator does, over HTTP: look, order, look until it is done.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    aws::{Persist, PersistError, secretsmanager::SecretsManager},
    demo::{
        Failure,
        client::{Client, pause},
    },
    stack::LocalStack,
};

const SECRETS: &str = "/api/v1/admin/secrets";
const BOOTSTRAP: &str = "innkeeper/local/bootstrap-admin";
/// A rotation takes a fraction of a second; one that broke off waits an hour.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// What to rotate.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Such as `signing-keys`; without it, the secrets there are.
    name: Option<String>,
    /// An access token of a super admin. Without it the bootstrap credentials sign in, while they exist.
    #[arg(long)]
    token: Option<String>,
}

/// The bootstrap credentials, if they are to be had: on this machine, by the owner of the data folder.
pub struct Admin(Option<String>);

impl Admin {
    /// Of a running stack that keeps its data there.
    ///
    /// # Errors
    /// The folder's state cannot be read.
    pub fn of_folder(folder: Option<&Path>) -> Result<Self, PersistError> {
        let Some(file) = folder.map(|folder| folder.join("state.sqlite")).filter(|file| file.exists()) else {
            return Ok(Self(None));
        };
        Ok(Self(SecretsManager::at_rest(&Persist::open(&file)?, BOOTSTRAP)?))
    }

    /// Of a stack in this process.
    pub async fn of_stack(stack: &LocalStack) -> Self {
        let value = stack.secrets.run("GetSecretValue", json!({"SecretId": BOOTSTRAP})).await;
        Self(value.ok().and_then(|value| value["SecretString"].as_str().map(str::to_owned)))
    }

    async fn sign_in(&self, client: &Client) -> Result<String, Failure> {
        let unknown = || Failure::Broken("the bootstrap credentials are not to be had here: --token is needed".into());
        let secret: Value = serde_json::from_str(self.0.as_deref().ok_or_else(unknown)?).map_err(|_| unknown())?;
        let body = json!({"email": secret["email"], "password": secret["password"]});
        let login = client.post("/api/v1/auth/login", &body).await?.expect(200)?;
        login["access_token"].as_str().map(str::to_owned).ok_or_else(unknown)
    }
}

/// Rotates, and shows what was and what is.
///
/// # Errors
/// The first thing that did not go as it should.
pub async fn run(url: &str, arguments: &Arguments, admin: Admin) -> Result<(), Failure> {
    let client = Client::new(url);
    let token = match &arguments.token {
        Some(token) => token.clone(),
        None => admin.sign_in(&client).await?,
    };
    match &arguments.name {
        Some(name) => rotate(&client, &token, name).await,
        None => list(&client, &token).await,
    }
}

async fn rotate(client: &Client, token: &str, name: &str) -> Result<(), Failure> {
    let path = format!("{SECRETS}/{name}");
    let was = client.get(&path, Some(token)).await?.expect(200)?;
    let started = now();
    let ordered = client.order(&format!("{path}/rotate"), token).await?.expect(202)?;
    let is = loop {
        let is = client.get(&path, Some(token)).await?.expect(200)?;
        if current(&is) == text(&ordered, "version") && is["rotation_under_way"] == false {
            break is;
        }
        if started.elapsed() > PATIENCE {
            return Err(Failure::Unexpected {
                what: "the rotation has not ended: it is tried again by itself".into(),
                answer: is,
            });
        }
        pause(LOOK).await;
    };
    println!("{}\n\n{}", text(&is, "name"), comparison(&was, &is));
    println!(
        "\nRotated in {} ms. What the version before made stays good for as long as it should.",
        started.elapsed().as_millis()
    );
    Ok(())
}

async fn list(client: &Client, token: &str) -> Result<(), Failure> {
    let page = client.get(&format!("{SECRETS}?limit=100"), Some(token)).await?.expect(200)?;
    println!("{:<44}{:>10}  next rotation", "secret", "in use for");
    for secret in page["items"].as_array().into_iter().flatten() {
        let next = when(secret, "next_rotation_at", "never");
        let note = match (secret["overdue"] == true, secret["rotation_under_way"] == true) {
            (true, _) => "OVERDUE",
            (false, true) => "rotating",
            (false, false) => "",
        };
        println!("{:<44}{:>10}  {next:<22}{note}", text(secret, "name"), age(secret));
    }
    println!("\ncargo run -- rotate NAME rotates one.");
    Ok(())
}

/// Side by side, a line for each thing that a rotation changes.
fn comparison(was: &Value, is: &Value) -> String {
    let row = |name: &str, of: &dyn Fn(&Value) -> String| format!("  {name:<15}{:<38}{}", of(was), of(is));
    [
        format!("  {:<15}{:<38}{}", "", "was", "is"),
        row("current", &|secret| current(secret).to_owned()),
        row("in use for", &age),
        row("last rotated", &|secret| when(secret, "last_rotated_at", "never")),
        row("next rotation", &|secret| when(secret, "next_rotation_at", "never")),
        row("overdue", &|secret| if secret["overdue"] == true { "yes".to_owned() } else { "no".to_owned() }),
    ]
    .join("\n")
}

/// The id of the version that readers get.
fn current(secret: &Value) -> &str {
    let has =
        |version: &&Value| version["stages"].as_array().is_some_and(|stages| stages.iter().any(|s| s == "AWSCURRENT"));
    secret["versions"].as_array().and_then(|all| all.iter().find(has)).map_or("", |version| text(version, "id"))
}

fn when(secret: &Value, name: &str, never: &str) -> String {
    let at = text(secret, name).parse::<Timestamp>();
    at.map_or_else(|_| never.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

fn age(secret: &Value) -> String {
    let seconds = secret["age_seconds"].as_i64().unwrap_or(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("")
}

#[expect(clippy::disallowed_methods, reason = "it shows how long the running stack really took")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stands_beside_what_is() {
        let secret = |version: &str, age: i64, rotated: Value| {
            json!({"versions": [{"id": version, "stages": ["AWSCURRENT"]}], "age_seconds": age, "overdue": age > 100_000,
                   "last_rotated_at": rotated, "next_rotation_at": "2026-04-01T00:00:00Z"})
        };
        let shown =
            comparison(&secret("one", 9_000_000, Value::Null), &secret("two", 0, json!("2026-03-02T10:00:00Z")));
        let lines: Vec<Vec<&str>> =
            shown.lines().map(|line| line.split("  ").filter(|w| !w.is_empty()).collect()).collect();
        let tidy: Vec<String> =
            lines.iter().map(|words| words.iter().map(|w| w.trim()).collect::<Vec<_>>().join("|")).collect();
        assert_eq!(
            tidy,
            [
                "was|is",
                "current|one|two",
                "in use for|104 days|0 s",
                "last rotated|never|2026-03-02 10:00 UTC",
                "next rotation|2026-04-01 00:00 UTC|2026-04-01 00:00 UTC",
                "overdue|yes|no",
            ]
        );
    }
}
