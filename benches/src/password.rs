//! The password hash over the bare function, and whether the time of a refusal tells who has an account.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use auth::password_hash::Hasher;
use bytes::Bytes;
use domain::{PasswordAttempt, SystemEntropy};
use http::{Method, Request, StatusCode};
use local::front::Front;
use serde_json::json;

use crate::{
    Failure,
    effect::{cliffs_delta, cohens_d},
    process,
    report::{self, Goal},
    spread::Rounds,
    world::{ADMIN, World},
};

/// Hashes in one round.
const HASHES: u32 = 10;
/// Refusals of each kind.
const REFUSALS: u32 = 400;
/// What is called a negligible effect (see [`cliffs_delta`]).
const NEGLIGIBLE: f64 = 0.147;

/// Runs the bench and prints it.
pub(crate) fn run(rounds: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        hashes(rounds).await?;
        refusals().await
    })
}

/// Argon2id, m=19456 KiB, t=2, p=1, into memory that is there already.
pub(crate) struct Bare(Vec<Block>);

impl Bare {
    pub(crate) fn new() -> Self {
        Self(vec![Block::new(); Params::DEFAULT.block_count()])
    }

    /// CPU time of one hash.
    pub(crate) fn hash(&mut self) -> Result<Duration, Failure> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
        let (before, mut tag) = (process::cpu_of_thread(), [0; 32]);
        let hashed = argon2.hash_password_into_with_memory(b"a password", b"0123456789abcdef", &mut tag, &mut self.0);
        hashed.map_err(|error| error.to_string())?;
        Ok(process::cpu_of_thread() - before)
    }
}

async fn hashes(rounds: usize) -> Result<(), Failure> {
    let (hasher, mut bare) = (Hasher::new(&SystemEntropy), Bare::new());
    let attempt = || PasswordAttempt::parse("not the password at all").map_err(|rule| rule.to_string());
    let (mut ours, mut theirs) = (Rounds::default(), Rounds::default());
    hasher.verify(None, attempt()?).await?;
    bare.hash()?;
    for _ in 0..rounds {
        let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..HASHES {
            without += bare.hash()?;
            let before = process::cpu(std::process::id());
            hasher.verify(None, attempt()?).await?;
            with += process::cpu(std::process::id()) - before;
        }
        ours.push(ms(with / HASHES));
        theirs.push(ms(without / HASHES));
    }
    report::title(&format!("Argon2id, m=19456 KiB, t=2, p=1, CPU time, {rounds} rounds"));
    report::line("a comparison with a stored hash, in reused memory", "ms", &ours, Goal(15.0));
    report::note("the same over the bare hash", "x", &ours.over(&theirs));
    report::note("the bare hash", "ms", &theirs);
    Ok(())
}

/// Two kinds of refusal by turns, each from an address of its own, so that none is throttled.
async fn refusals() -> Result<(), Failure> {
    let world = World::open().await?;
    let front = world.stack.front();
    let mut times: [[Vec<f64>; 2]; 2] = Default::default();
    for number in 0..2 * REFUSALS + 20 {
        let kind = usize::from(number % 2 == 1);
        let email = [ADMIN, "nobody@demo.example"][kind];
        let (elapsed, cpu) = refusal(&front, email, number).await?;
        // The first are to warm up.
        if number >= 20 {
            times[kind][0].push(elapsed);
            times[kind][1].push(cpu);
        }
    }
    let [wrong, unknown] = &times;
    report::title(&format!("A sign-in that is refused: unknown account against wrong password, {REFUSALS} of each"));
    for (index, what) in ["elapsed", "CPU time"].into_iter().enumerate() {
        let (a, b) = (&unknown[index], &wrong[index]);
        let delta: Rounds = [cliffs_delta(a, b)].into_iter().collect();
        report::within(&format!("Cliff's delta, {what}"), &delta, Goal(NEGLIGIBLE));
        report::note(&format!("Cohen's d, {what}"), "", &[cohens_d(a, b)].into_iter().collect());
        report::note(&format!("unknown account, {what}"), "ms", &a.iter().copied().collect());
        report::note(&format!("wrong password, {what}"), "ms", &b.iter().copied().collect());
    }
    Ok(())
}

/// Milliseconds elapsed, and of CPU in the whole process.
async fn refusal(front: &Front, email: &str, number: u32) -> Result<(f64, f64), Failure> {
    let body = json!({ "email": email, "password": "not the password at all" }).to_string();
    let request = Request::builder().method(Method::POST).uri("/api/v1/auth/login");
    let request = request.header("content-type", "application/json").body(Bytes::from(body))?;
    let from = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
    let (began, cpu) = (process::now(), process::cpu(std::process::id()));
    let answer = front.handle(request, from).await;
    let (elapsed, cpu) = (began.elapsed(), process::cpu(std::process::id()) - cpu);
    match answer.status() {
        StatusCode::UNAUTHORIZED => Ok((ms(elapsed), ms(cpu))),
        other => Err(format!("a sign-in that should be refused: {other}").into()),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
