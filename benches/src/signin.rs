//! Sign-in, refresh and whoami as functions under the Lambda Runtime API, against better-auth on SQLite in the same run.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    Failure, better_auth, event,
    functions::{Bench, Effort},
    pace::{Pace, Turn},
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

/// Refreshes and looks at who one is, in one round, after a quarter as many to warm up.
const REQUESTS: u32 = 400;

/// Round by round.
#[derive(Default)]
struct Costs {
    login: Pace,
    /// CPU microseconds of the hash alone.
    hash: Rounds,
    refresh: Pace,
    whoami: Pace,
    their_sign_in: Pace,
    their_session: Pace,
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
        refreshes(&bench, &refresh, &world::text(&first, "refresh_token"), &mut costs)?;
        looks(&bench, &whoami, &mut costs)?;
        if let Ok(server) = &theirs {
            costs.their_sign_in.push(&server.sign_ins()?, server.memory());
            costs.their_session.push(&server.sessions()?, server.memory());
        }
    }
    print(&costs, theirs.err());
    Ok(())
}

/// By turns with the bare hash, so that both have the same machine.
fn sign_ins(bench: &Bench, login: &Subject, bare: &mut Bare, costs: &mut Costs) -> Result<(), Failure> {
    let mut running = Running::start(login, &bench.api)?;
    for _ in 0..3 {
        running.invoke()?;
        bare.hash()?;
    }
    let (mut turn, mut hashes) = (Turn::default(), Duration::ZERO);
    for _ in 0..SIGN_INS {
        turn.ask(&mut running, Running::cpu, Running::invoke)?;
        hashes += bare.hash()?;
    }
    costs.login.push(&turn, running.memory());
    costs.hash.push((hashes / SIGN_INS).as_secs_f64() * 1e6);
    Ok(())
}

/// Each with the token that the one before has given.
fn refreshes(bench: &Bench, refresh: &Subject, first: &str, costs: &mut Costs) -> Result<(), Failure> {
    let mut running = Running::start(refresh, &bench.api)?;
    let (mut token, mut turn) = (first.to_owned(), Turn::default());
    for number in 0..REQUESTS + REQUESTS / 4 {
        let event = event::post(REFRESH, &json!({ "refresh_token": token }));
        if number == REQUESTS / 4 {
            turn = Turn::default();
        }
        let answer = turn.ask(&mut running, Running::cpu, |running| running.invoke_with(&event))?;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        token = world::text(&body, "refresh_token");
    }
    costs.refresh.push(&turn, running.memory());
    Ok(())
}

fn looks(bench: &Bench, whoami: &Subject, costs: &mut Costs) -> Result<(), Failure> {
    let mut running = Running::start(whoami, &bench.api)?;
    for _ in 0..REQUESTS / 4 {
        running.invoke()?;
    }
    let mut turn = Turn::default();
    for _ in 0..REQUESTS {
        turn.ask(&mut running, Running::cpu, Running::invoke)?;
    }
    costs.whoami.push(&turn, running.memory());
    Ok(())
}

fn print(costs: &Costs, missing: Option<Failure>) {
    report::title(&format!("Sign-in, refresh and whoami, one after the other, {} rounds", costs.hash.count()));
    let (login, without) = (&costs.login.cpu, costs.login.cpu.minus(&costs.hash));
    report::line("login over the bare hash", "x", &login.over(&costs.hash), Goal(1.03));
    match missing {
        Some(why) => report::say(&format!("better-auth is left out: {why}")),
        None => {
            let (sign_in, session) = (&costs.their_sign_in, &costs.their_session);
            let (refresh, whoami) = (&costs.refresh.cpu, &costs.whoami.cpu);
            let twentieth = Goal(1.0 / 20.0);
            report::line("login without the hash, over better-auth's", "x", &without.over(&sign_in.cpu), twentieth);
            report::line("refresh, over better-auth's sign-in", "x", &refresh.over(&sign_in.cpu), twentieth);
            report::line("whoami, over better-auth's get-session", "x", &whoami.over(&session.cpu), Goal(1.0 / 10.0));
            sign_in.note("better-auth's sign-in without a hash");
            session.note("better-auth's get-session");
        }
    }
    report::note("the bare hash", "us of CPU", &costs.hash);
    report::note("login without the hash", "us of CPU", &without);
    costs.login.note("login");
    costs.refresh.note("refresh");
    costs.whoami.note("whoami");
}
