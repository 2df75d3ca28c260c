//! Timing.
use crate::{
    harness::{Lab, Ledger, Plan},
    provisioning::pool,
};
use std::time::Instant;
#[test]
#[allow(clippy::disallowed_methods)]
fn timing_tmp() {
    for _ in 0..3 {
        let t = Instant::now();
        let lab = Lab::memory(pool());
        let (a, b, c) = lab.process(Plan::default(), async |process| {
            let a = t.elapsed();
            process.run(&lab.scenario).await;
            let b = t.elapsed();
            Ledger::of(&process.stack).await;
            (a, b, t.elapsed())
        });
        println!("open {a:?} run {:?} ledger {:?} drop {:?}", b - a, c - b, t.elapsed() - c);
    }
    let lab = Lab::disk(pool());
    for _ in 0..3 {
        let t = Instant::now();
        let (a, b, c) = lab.process(Plan::default(), async |process| {
            let a = t.elapsed();
            process.resume(&lab.scenario).await;
            let b = t.elapsed();
            Ledger::of(&process.stack).await;
            (a, b, t.elapsed())
        });
        println!("disk open {a:?} run {:?} ledger {:?} drop {:?}", b - a, c - b, t.elapsed() - c);
    }
}
