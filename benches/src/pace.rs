//! One request after the other: processor time of each, requests a second, and the slowest of a hundred.

use std::time::Duration;

use crate::{Failure, process, report, spread::Rounds};

/// One round of requests.
#[derive(Default)]
pub(crate) struct Turn {
    cpu: Duration,
    /// Elapsed microseconds of each.
    elapsed: Rounds,
}

impl Turn {
    /// One request more of a program whose CPU time can be read.
    pub(crate) fn ask<P, T>(
        &mut self,
        program: &mut P,
        cpu: impl Fn(&P) -> Duration,
        request: impl FnOnce(&mut P) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (before, asked) = (cpu(program), process::now());
        let answer = request(program)?;
        self.elapsed.push(asked.elapsed().as_secs_f64() * 1e6);
        self.cpu += cpu(program) - before;
        Ok(answer)
    }
}

/// Rounds of one kind of request.
#[derive(Default)]
pub(crate) struct Pace {
    pub(crate) cpu: Rounds,
    rate: Rounds,
    tail: Rounds,
    memory: Rounds,
}

impl Pace {
    /// A round, after which the program held that many MiB.
    pub(crate) fn push(&mut self, turn: &Turn, memory: f64) {
        self.cpu.push(turn.cpu.as_secs_f64() * 1e6 / turn.elapsed.count() as f64);
        self.rate.push(1e6 / turn.elapsed.mean());
        self.tail.push(turn.elapsed.quantile(0.99));
        self.memory.push(memory);
    }

    pub(crate) fn note(&self, what: &str) {
        report::note(what, "us of CPU", &self.cpu);
        report::note(&format!("{what}: one after the other"), "a second", &self.rate);
        report::note(&format!("{what}: p99, elapsed"), "us", &self.tail);
        report::note(&format!("{what}: memory"), "MiB", &self.memory);
    }
}
