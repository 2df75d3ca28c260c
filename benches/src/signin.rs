//! Sign-in, refresh and whoami as functions under the Lambda Runtime API, against better-auth on SQLite in the same run.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    Failure, better_auth, event,
    functions::{Bench, Effort},
    password::Bare,
    programs,
    report::{self, Goal},
    spread::Rounds,
    subject::{Running, Subject},
    world::{self, ADMIN, PASSWORD},
};

const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
/// Sign-ins in one round: a hash each.
const SIGN_INS: u32 = 30;

/// CPU of one request, round by round.
#[derive(Default)]
struct Costs {
    login: Rounds,
    hash: Rounds,
    refresh: Rounds,
    whoami: Rounds,
    their_sign_in: Rounds,
    their_session: Rounds,
    memory: Rounds,
}

/// Runs the bench and prints it.
pub(crate) fn run(effort: Effort) -> Result<(), Failure> {
    programs::build(&["auth"], &["auth-login", "auth-refresh", "auth-whoami"])?;
    let theirs = better_auth::Server::start();
    let runtime = tokio::runtime::Runtime::new()?;
    let bench = runtime.block_on(Bench::open())?;
    let at = bench.endpoint(true)?;
    let login = event::post(LOGIN, &json!({ "email": ADMIN, "password": PASSWORD }));
    let login = bench.subject("login", "auth-login", "auth-login", login, &at)?;
    let refresh = bench.subject("refresh", "auth-refresh", "auth-refresh", String::new(), &at)?;
    let whoami = bench.whoami("whoami", "auth-whoami", &at)?;
    let (mut costs, mut bare) = (Costs::default(), Bare::new());
    for _ in 0..effort.rounds {
        sign_ins(&bench, &login, &mut bare, &mut costs)?;
        let first = runtime.block_on(world::post(
            &bench.world.stack.front(),
            LOGIN,
            &json!({ "email": ADMIN, "password": PASSWORD }),
        ))?;
        costs.refresh.push(refreshes(&bench, &refresh, &world::text(&first, "refresh_token"))?);
        let one = bench.measure(std::slice::from_ref(&whoami), Effort { rounds: 1, ..effort })?;
        costs.whoami.push(one[0].warm.median());
        if let Ok(server) = &theirs {
            costs.their_sign_in.push(server.sign_ins()?);
            costs.their_session.push(server.sessions()?);
        }
    }
    print(&costs, theirs.err());
    Ok(())
}

fn sign_ins(bench: &Bench, login: &Subject, bare: &mut Bare, costs: &mut Costs) -> Result<(), Failure> {
    let mut running = Running::start(login, &bench.api)?;
    for _ in 0..3 {
        running.invoke()?;
        bare.hash()?;
    }
    let (mut ours, mut hashes) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..SIGN_INS {
        let before = running.cpu();
        running.invoke()?;
        ours += running.cpu() - before;
        hashes += bare.hash()?;
    }
    costs.login.push(us(ours / SIGN_INS));
    costs.hash.push(us(hashes / SIGN_INS));
    costs.memory.push(running.memory());
    Ok(())
}

/// Each with the token that the one before has given.
fn refreshes(bench: &Bench, refresh: &Subject, first: &str) -> Result<f64, Failure> {
    const WARM_UP: u32 = 100;
    const TIMES: u32 = 400;
    let mut running = Running::start(refresh, &bench.api)?;
    let (mut token, mut before) = (first.to_owned(), Duration::ZERO);
    for number in 0..WARM_UP + TIMES {
        if number == WARM_UP {
            before = running.cpu();
        }
        let answer = running.invoke_with(&event::post(REFRESH, &json!({ "refresh_token": token })))?;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        token = world::text(&body, "refresh_token");
    }
    Ok(us((running.cpu() - before) / TIMES))
}

fn print(costs: &Costs, missing: Option<Failure>) {
    report::title(&format!("Sign-in, refresh and whoami, CPU time, {} rounds", costs.login.count()));
    let without = costs.login.minus(&costs.hash);
    report::line("login over the bare hash", "x", &costs.login.over(&costs.hash), Goal(1.03));
    match missing {
        Some(why) => report::say(&format!("better-auth is left out: {why}")),
        None => {
            let (sign_in, session) = (&costs.their_sign_in, &costs.their_session);
            report::line("login without the hash, over better-auth's", "x", &without.over(sign_in), Goal(1.0 / 20.0));
            report::line("refresh, over better-auth's sign-in", "x", &costs.refresh.over(sign_in), Goal(1.0 / 20.0));
            report::line("whoami, over better-auth's get-session", "x", &costs.whoami.over(session), Goal(1.0 / 10.0));
            report::note("better-auth's sign-in without a hash", "us", sign_in);
            report::note("better-auth's get-session", "us", session);
        }
    }
    report::note("login", "us", &costs.login);
    report::note("the bare hash", "us", &costs.hash);
    report::note("login without the hash", "us", &without);
    report::note("refresh", "us", &costs.refresh);
    report::note("whoami", "us", &costs.whoami);
    report::note("login, memory", "MiB", &costs.memory);
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
