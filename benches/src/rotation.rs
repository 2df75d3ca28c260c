//! What rotations add to the time of a request: the p99 while every secret is rotated again and again, over that of the same
//! requests without.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use local::{aws::secretsmanager::SecretsManager, front::Front};
use serde_json::json;

use crate::{
    Failure, process, report,
    spread::Rounds,
    world::{self, World},
};

/// Requests for each path in a round, without rotations and as many with.
const REQUESTS: usize = 300;
/// Rotations of each secret in a round, at most: every one leaves a key in the ring.
const ROTATIONS: usize = 20;
/// Each is another function, with a copy of the keys of its own; the last opens a data key.
const PATHS: [&str; 3] = ["/api/v1/auth/whoami", "/api/v1/auth/sessions", "/api/v1/vault/measured"];

/// Runs the bench and prints it.
pub(crate) fn run(rounds: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(rounds))
}

async fn measure(rounds: usize) -> Result<(), Failure> {
    let world = World::open().await?;
    let (front, token) = (world.stack.front(), &world.access_token);
    world::put(&front, PATHS[2], token, &json!({"value": "a value"})).await?;
    let secrets: Vec<String> = world.stack.template.rotations.iter().map(|it| it.secret_arn.clone()).collect();
    ask(&front, token).await?;
    let [mut quiet, mut slow, mut median] = [const { Vec::new() }; 3];
    let mut rotations = 0;
    for _ in 0..rounds {
        let before = ask(&front, token).await?;
        let over = Arc::new(AtomicBool::new(false));
        let rotating = tokio::spawn(rotate(world.stack.secrets.clone(), secrets.clone(), over.clone()));
        let during = ask(&front, token).await?;
        over.store(true, Ordering::Relaxed);
        rotations += rotating.await??;
        quiet.push(before.quantile(0.99));
        slow.push(during.quantile(0.99) / before.quantile(0.99));
        median.push(during.median() / before.median());
    }
    let [quiet, slow, median] = [quiet, slow, median].map(Rounds::from_iter);
    report::title(&format!("Requests while {} secrets are rotated without a pause, {rounds} rounds", secrets.len()));
    report::say(&format!("{rotations} rotations, no request refused"));
    report::note("p99 without rotations", "us", &quiet);
    report::note("p99 with them, over without", "x", &slow);
    report::note("median with them, over without", "x", &median);
    Ok(())
}

/// Elapsed microseconds of each request, one after the other. A refused one ends the bench.
async fn ask(front: &Front, token: &str) -> Result<Rounds, Failure> {
    let mut times = Rounds::default();
    for _ in 0..REQUESTS {
        for path in PATHS {
            let asked = process::now();
            world::get(front, path, token).await?;
            times.push(Duration::as_secs_f64(&asked.elapsed()) * 1e6);
        }
    }
    Ok(times)
}

/// How many rotations there were, until it was `over`.
async fn rotate(manager: Arc<SecretsManager>, secrets: Vec<String>, over: Arc<AtomicBool>) -> Result<usize, Failure> {
    let mut rotations = 0;
    for _ in 0..ROTATIONS {
        for secret in &secrets {
            if over.load(Ordering::Relaxed) {
                return Ok(rotations);
            }
            manager.rotate(secret).await?;
            rotations += 1;
        }
    }
    Ok(rotations)
}
