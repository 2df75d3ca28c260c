//! How large a stored tenant can get: a status read costs half a read unit only while the item stays under 4 096 bytes.

use domain::{CorrelationId, Failure, Provisioning, Step};
use jiff::Timestamp;
use proptest::prelude::*;

/// What is left for the record beside the company's and the admin's name (100 and 80 characters of 4 bytes), the address,
/// and 122 bytes for keys, plan, region and the names of the attributes.
pub(crate) const MOST: usize = 4_096 - 400 - 320 - 254 - 122;

fn corr(n: u32) -> CorrelationId {
    CorrelationId::parse(&format!("{n:064}")).unwrap()
}

/// A date that takes thirteen digits, as all do until the year 2286.
fn now() -> Timestamp {
    Timestamp::from_millisecond(9_999_999_999_999).unwrap()
}

/// Attempts that end at once, each for the longest reasons and for another request, and one that gets as far as it can
/// without success, with every step tried twice.
fn worst(attempts: u32, letter: &str, last: Step, tries: u32) -> Provisioning {
    let failure = |step| Failure::new(&letter.repeat(200), step, &letter.repeat(1_000), false);
    let mut record = Provisioning::requested(corr(0), now());
    for n in 1..=attempts {
        record = record.fail(n, failure(Step::ValidateRequest), now()).unwrap().retry(corr(n), now()).unwrap();
    }
    let attempt = record.attempt();
    record = record.queued(attempt, now()).unwrap();
    for step in Step::ALL[..=last as usize].iter().copied() {
        for _ in 0..tries {
            record = record.begin(step, attempt, now()).unwrap();
        }
        if step != last {
            record = record.succeed(step, attempt, now()).unwrap();
        }
    }
    for step in Step::ALL.iter().rev().copied() {
        if record.needs_undo(step, attempt) {
            record = record.orphaned(step, attempt, &letter.repeat(1_000), now()).unwrap();
        }
    }
    record.fail(attempt, failure(last), now()).unwrap()
}

/// A tenant that is ready, and whose welcome mail cannot be sent again and again.
fn unsendable(letter: &str) -> Provisioning {
    let mut record = Provisioning::requested(corr(0), now());
    for step in Step::ALL[..Step::SendWelcome as usize].iter().copied() {
        record = record.begin(step, 1, now()).unwrap();
        record = if step == Step::Activate { record.ready(1, now()) } else { record.succeed(step, 1, now()) }.unwrap();
    }
    for _ in 0..20 {
        record = record.begin(Step::SendWelcome, 1, now()).unwrap();
        record = record.warn(Step::SendWelcome, 1, &letter.repeat(1_000), now()).unwrap();
    }
    record
}

fn size(record: &Provisioning) -> usize {
    serde_json::to_string(record).unwrap().len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_worst_record_fits(
        attempts in 0_u32..20, letter in "x|é|語|🏨|\"|\\\\|\u{0}", last in 0_usize..9, tries in 1_u32..4,
    ) {
        let record = worst(attempts, &letter, Step::ALL[last], tries);
        prop_assert!(size(&record) <= MOST, "{} bytes", size(&record));
        let record = unsendable(&letter);
        prop_assert!(size(&record) <= MOST, "{} bytes", size(&record));
    }
}
