//! From `cargo run` to the line that says ready, with everything built.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    Failure, process, programs,
    report::{self, Goal},
    spread::Rounds,
};

/// Runs the bench and prints it. By the clock on the wall: it is a person who waits.
pub(crate) fn run(rounds: usize) -> Result<(), Failure> {
    let mut built = programs::cargo();
    built.args(["build", "--quiet"]);
    if !built.status()?.success() {
        return Err("the stack does not build".into());
    }
    let [mut fresh, mut again, mut alone] = [const { Vec::new() }; 3];
    for round in 0..rounds {
        let data = programs::scratch()?.join(format!("start-{}-{round}", std::process::id()));
        let arguments = ["--port", "0", "--data-dir", &data.display().to_string()].map(str::to_owned);
        let mut cargo = programs::cargo();
        cargo.args(["run", "--quiet", "--"]).args(&arguments);
        fresh.push(until_ready(&mut cargo)?);
        let mut cargo = programs::cargo();
        cargo.args(["run", "--quiet", "--"]).args(&arguments);
        again.push(until_ready(&mut cargo)?);
        let program = programs::built()?.with_file_name("debug").join("innkeeper");
        alone.push(until_ready(Command::new(program).args(&arguments))?);
        std::fs::remove_dir_all(data)?;
    }
    let seconds = |times: Vec<Duration>| times.iter().map(Duration::as_secs_f64).collect::<Rounds>();
    report::title(&format!("`cargo run` to ready, elapsed, {rounds} rounds"));
    report::line("the first time, with no data", "s", &seconds(fresh), Goal(1.0));
    report::line("on the data of another run", "s", &seconds(again), Goal(1.0));
    report::note("the same without cargo", "s", &seconds(alone));
    Ok(())
}

/// Starts the stack, and stops it once it is ready.
fn until_ready(command: &mut Command) -> Result<Duration, Failure> {
    let began = process::now();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.starts_with("Innkeeper is ready"));
    let took = began.elapsed();
    // `cargo run` becomes the program it runs, so this stops the stack itself.
    child.kill()?;
    child.wait()?;
    if ready { Ok(took) } else { Err("the stack ended before it was ready".into()) }
}
